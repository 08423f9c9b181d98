# /sign-in
sign-in-again-title = Confirm that it is you
sign-in-again-why = What you are about to do is hard to take back. Show once more that it is you.
sign-in = Sign in
sign-in-code-kept = Your code is kept. Sign in to see who asks.
sign-in-entries-kept = Nothing was changed yet. Your entries are kept; sign in to continue.
sign-in-elsewhere = My account is at another centre
sign-in-nobody = Nobody can sign in here yet. Ask the operators of your centre.
sign-in-where = Where is your account?
# $tenant (String) - the centre
sign-in-no-way = There is no way to sign in to { $tenant } here yet. Ask its operators.
sign-in-account-at = Account at
sign-in-user-name = User name
sign-in-password = Password
# $provider (String) - the institution
sign-in-with = Sign in with { $provider }
sign-in-last = last time
sign-in-or-password = Or with a password kept here
sign-in-invited = I have an invitation
sign-in-invitation = Invitation
sign-in-invitation-keep = Use it
sign-in-invitation-kept = Your invitation is kept. Sign in where you have an account; it will be tied to yours here.
sign-in-invitation-forget = It is not mine: forget it
sign-in-gone = That sign-in is not open any more: it took too long, was begun in another browser, or has been ended. Sign in again.
# $person (String)
sign-in-signed-in = You are signed in as { $person }.
second-factor-title = Second factor
# $user (String) - who signs in
second-factor-lead = One more thing, then you are signed in as { $user }.
second-factor-lost = Lost all of them? The operators of your centre can help, once they know that it is you.
second-factor-again = What you are about to do is hard to take back. Show your second factor once more.
second-factor-passkey = Use a passkey
second-factor-passkey-failed = No passkey was shown. Try again, or type a code.
second-factor-code = Code of your authenticator app
second-factor-recovery-code = Recovery code
second-factor-code-hint = A recovery code does as well, if you cannot get at anything else. It works once.
second-factor-go-on = Continue
# $provider (String) - the institution
second-factor-elsewhere = Show it at { $provider } instead
second-factor-wrong = That did not fit. Codes change every 30 seconds, and each works once: wait for the next one.
# $wait (String) - a span of time
second-factor-too-many = Too many wrong codes. Wait { $wait }; a recovery code or a passkey works meanwhile.
# $wait (String) - a span of time
second-factor-too-many-recovery = Too many wrong recovery codes. Wait { $wait }; a code of your app or a passkey works meanwhile.
second-factor-no-code = That is neither a code of an authenticator app, which has six digits, nor a recovery code, which has twelve letters and digits.
second-factor-no-app = You have no authenticator app here. Use a passkey, or type a recovery code.
second-factor-wrong-recovery = That is none of your recovery codes, or it has been used: each works once.
second-factor-wrong-passkey = That passkey was not accepted: it is not one you use here, or your device did not check that it is you. Try again, or type a code.
second-factor-not-asked = The question to your passkey is not open any more: it has been answered, or took too long. Press the button again.
second-factor-too-late = That took too long. Sign in again.
second-factor-ended = This sign-in has been ended meanwhile. Sign in again.
signed-out-title = You are signed out
signed-out-lead = Nobody is signed in here with this browser.
# $institution (String)
signed-out-here = You are signed out here. At { $institution } you may be signed in still.
# $institution (String)
signed-out-shared = If others use this device, sign out there too: else they can come back in as you. It may also sign you out of other sites that you reached through { $institution }.
# $institution (String)
signed-out-there-too = Sign out at { $institution } too
signed-out-again = Sign in again
# $institution (String)
signed-out-both = You are signed out here, and at { $institution }.
# $provider (String) - the institution
sign-in-help = Does { $provider } keep sending you to the wrong place? Let it forget what you chose there:
