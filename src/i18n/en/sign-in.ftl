# /sign-in
sign-in-again-title = Confirm that it is you
sign-in-again-why = This action is sensitive. Sign in again to continue.
sign-in = Sign in
sign-in-code-kept = Your code has been saved. Sign in to see who is asking.
sign-in-entries-kept = Nothing has been changed yet. Your entries have been saved. Sign in to continue.
sign-in-elsewhere = My account is at another centre
sign-in-not-configured = Sign-in is not set up here yet. Contact the operators of your centre.
sign-in-where = Where is your account?
# $tenant (String) - the centre
sign-in-no-way = Sign-in for { $tenant } is not set up yet. Contact its operators.
sign-in-account-at = Account at
sign-in-user-name = User name
sign-in-password = Password
# $provider (String) - the institution
sign-in-with = Sign in with { $provider }
sign-in-last = last used
sign-in-or-password = Or use a local password
sign-in-invited = I have an invitation
sign-in-invitation = Invitation
sign-in-invitation-keep = Use invitation
sign-in-invitation-kept = Your invitation has been saved. Sign in with an account that you have; it will be linked to your account here.
sign-in-invitation-forget = Not mine, discard it
sign-in-gone = This sign-in is no longer open: it took too long, was started in another browser, or was ended. Sign in again.
# $person (String)
sign-in-signed-in = You are signed in as { $person }.
second-factor-title = Second factor
# $user (String) - who signs in
second-factor-lead = One more step to sign in as { $user }.
second-factor-lost = Lost all your second factors? The operators of your centre can help you after they have verified your identity.
second-factor-again = This action is sensitive. Use your second factor again to continue.
second-factor-passkey = Use a passkey
second-factor-passkey-failed = No passkey was used. Try again, or enter a code.
second-factor-code = Code from your authenticator app
second-factor-recovery-code = Recovery code
second-factor-code-hint = Recovery codes have twelve letters and digits, and each works once.
second-factor-digits = Six digits that change every 30 seconds
second-factor-use-recovery = Use a recovery code
second-factor-go-on = Continue
# $provider (String) - the institution
second-factor-elsewhere = Use { $provider } instead
second-factor-wrong = That code is not correct. Codes change every 30 seconds, and each works once: wait for the next one.
# $wait (String) - a span of time
second-factor-too-many = Too many wrong codes. Wait { $wait }, or use a recovery code or a passkey.
# $wait (String) - a span of time
second-factor-too-many-recovery = Too many wrong recovery codes. Wait { $wait }, or use a code from your app or a passkey.
second-factor-no-code = That is not a valid code. An authenticator app shows six digits; a recovery code has twelve letters and digits.
second-factor-no-app = You have no authenticator app here. Use a passkey, or enter a recovery code.
second-factor-wrong-recovery = That is not one of your recovery codes, or it has already been used. Each recovery code works once.
second-factor-wrong-passkey = That passkey was not accepted: it is not registered for your account here, or your device did not verify that it is you. Try again, or enter a code.
second-factor-not-asked = The passkey request has expired or has already been answered. Press the button again.
second-factor-too-late = That took too long. Sign in again.
second-factor-ended = This sign-in was ended in the meantime. Sign in again.
signed-out-title = You are signed out
signed-out-lead = No one is signed in here in this browser.
# $institution (String)
signed-out-here = You are signed out here. You may still be signed in at { $institution }.
# $institution (String)
signed-out-shared = If others use this device, sign out there too; otherwise they could sign in as you. This may also sign you out of other sites that you use through { $institution }.
# $institution (String)
signed-out-there-too = Sign out at { $institution } too
signed-out-again = Sign in again
# $institution (String)
signed-out-both = You are signed out here and at { $institution }.
# $app (String) - the application’s name
signed-out-back-to = Back to { $app }
sign-out-question = Sign out?
# $app (String) - the application’s name
sign-out-asked-by = { $app } asks to sign you out.
sign-out-means = You will be signed out here in this browser. Applications that you signed in to from it are told so.
# $provider (String) - the institution
sign-in-help = Does { $provider } keep sending you to the wrong place? Clear the choice you made there:
# before an e-mail address, URL, telephone number or short text
help-contact = Need help?
