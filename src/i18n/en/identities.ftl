# /identities
identities-title = Sign-in methods
# $person (String)
identities-lead = Identities linked to { $person }. Anyone who can sign in with one of them can access your account.
identities-none = You sign in with a local password. No other sign-in method is linked yet.
identities-link-another = Link another
identities-link-means = Sign in there once. After that, you can sign in with any of them.
identities-at = Provider
identities-since = Linked
identities-last-used = Last used
identities-unlink = Unlink
# $identity (String) - who the person is there
identities-unlink-this = Unlink { $identity }
# $identity (String)
identities-unlink-question = Unlink { $identity }?
identities-unlink-consequence = You can no longer sign in here with this identity. Sessions that were started with it are signed out, except this one.
# $identity (String)
identities-unlinked = { $identity } has been unlinked.
identities-gone = It has already been unlinked. Nothing was changed.
identities-only-way-in = This is your only sign-in method. Link another one first.
# $identity (String)
# $person (String)
identities-link-question = Link { $identity } to { $person }?
# $identity (String)
# $user (String)
identities-link-consequence = Anyone who signs in there as { $identity } will then have full access to { $user } here, including all host accounts and keys. If the identity belongs to another person, cancel.
identities-link = Link
# $identity (String)
identities-linked = { $identity } has been linked.
# $identity (String)
identities-already-linked = { $identity } is already linked to you. Nothing was changed.
# $identity (String)
identities-linked-to-another = { $identity } is already linked to another account here. If both accounts are yours, sign in to that account and unlink it there. If it is that account’s only sign-in method, contact your centre’s operators.
identities-nothing-to-link = There is nothing to link. Start again below.
identities-signed-out = You were signed out in the meantime. Nothing was linked.
password-change = Change password
password-lead = Changing the password signs out your other sessions. You stay signed in here.
password-current = Current password
password-new = New password
# $count (Number) - characters
password-hint = At least { NUMBER($count) } characters of any kind, including spaces. Several unrelated words make a good password.
password-repeated = Repeat new password
password-not-repeated = The two new passwords do not match. Your password was not changed.
password-changed = Your password has been changed. Your other sessions have been signed out.
factors-title = Second factor
factors-none = You have not set one up yet. With a second factor, your password alone is not enough to sign in.
factors-lead = Asked for after your password and before sensitive actions. One is enough.
factors-app = Authenticator app
factors-passkey = Passkey
factors-since = Set up
factors-remove = Remove
factors-rename = Rename
# $factor (String) - its name
factors-rename-this = Rename { $factor }
factors-rename-title = Rename passkey
factors-renamed = The passkey has been renamed.
# $factor (String) - its name
factors-remove-this = Remove { $factor }
# $factor (String)
factors-remove-question = Remove { $factor }?
factors-remove-consequence = It will stop working. Your other factors are not affected.
factors-remove-last = This is your only second factor. Without it, your password alone is enough to sign in, and your recovery codes stop working.
factors-removed = The second factor has been removed.
factors-gone = It no longer exists. Nothing was changed.
factors-signed-out = You were signed out in the meantime. Nothing was set up.
factors-no-codes = You have no second factor, so there are no recovery codes. Set one up first.
factors-app-ended = The code on this page expired after 15 minutes. Remove the entry from your app and scan the new code.
factors-passkey-ended = This took too long, so the passkey that your device created is not registered here. Delete it from your device and create a new one.
factors-passkey-exists = This device already has a passkey for your account. Use that one, or use another device.
factors-passkey-unusable = The passkey that your device created could not be accepted. If your device has kept it, delete it there. Then try again, or use an authenticator app.
factors-recovery = Recovery codes
# $count (Number)
factors-recovery-left = { $count ->
    [one] 1 code left.
   *[other] { $count } codes left.
}
factors-recovery-renew = Create new codes
factors-recovery-question = Create new recovery codes?
factors-recovery-consequence = Your current codes stop working.
factors-recovery-title = Your recovery codes
factors-recovery-lead = If you lose your phone, each code lets you sign in once. Keep them in a safe place: on paper or in a password manager.
factors-recovery-kept = I have saved them
factors-recovery-download = Save as a file
factors-recovery-print = Print
factors-recovery-shown = The codes are shown for 15 minutes and cannot be shown again. You can also print this page.
factors-recovery-once = Recovery codes are shown for 15 minutes after they are created. If you did not save them, create new ones.
factors-codes-renewed = These are your new codes. The old ones no longer work.
factors-added-first = Your second factor is set up.
factors-added = The second factor has been set up.
factors-add-app = Set up an authenticator app
factors-add-passkey = Add a passkey
factors-required-title = Second factor required
factors-required = Your centre requires a second factor for this. Set one up to continue.
factors-app-title = Set up an authenticator app
factors-app-scan = Scan this code with the app on your phone.
factors-app-qr = QR code for the app
factors-app-here = The app is on this device: open it
factors-app-type = Or enter this key in the app:
factors-app-code = Six-digit code from the app
factors-app-done = Set up
factors-wrong-code = That code is not correct. Check that your phone’s clock is right, then enter the code the app shows now.
factors-exists = You already have an authenticator app. Remove it first.
factors-exists-remove = Remove the authenticator app
factors-too-many = You have reached the maximum number of second factors. Remove one first.
factors-passkey-title = Add a passkey
factors-passkey-lead = A passkey is stored on your phone, your computer or a security key. It works only on this site, which protects you from phishing.
factors-passkey-name = Name
factors-passkey-name-hint = To tell it apart from others, for example “blue security key”.
factors-passkey-make = Create passkey
factors-passkey-failed = No passkey was created. Try again, or use an authenticator app.
factors-passkey-missing = This browser does not support passkeys here, or scripts are disabled. Use a code instead.
factors-passkey-no-name = Passkeys require a host name, but this portal is reached at an IP address. Use an authenticator app.
