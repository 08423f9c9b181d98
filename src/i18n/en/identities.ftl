# /identities
identities-title = Ways to sign in
# $person (String)
identities-lead = Where { $person } signs in. Whoever signs in at one of these is you here.
identities-none = You sign in with a password kept here, and nowhere else yet.
identities-link-another = Link another
identities-link-means = Sign in there once; then you can use either.
identities-at = At
identities-since = Linked
identities-last-used = Last used
identities-unlink = Unlink
# $identity (String) - who the person is there
identities-unlink-this = Unlink { $identity }
# $identity (String)
identities-unlink-question = Unlink { $identity }?
identities-unlink-consequence = Whoever signs in there is no longer you here. Sessions that began there end, but for this one.
# $identity (String)
identities-unlinked = { $identity } has been unlinked.
identities-gone = That has been unlinked already. Nothing was changed.
identities-only-way-in = That is your only way to sign in. Link another one first.
# $identity (String)
# $person (String)
identities-link-question = Link { $identity } to { $person }?
# $identity (String)
# $user (String)
identities-link-consequence = From then on, whoever signs in there as { $identity } is { $user } here, with all host accounts and keys. If that is somebody else’s account, cancel.
identities-link = Link
# $identity (String)
identities-linked = { $identity } has been linked.
# $identity (String)
identities-already-yours = { $identity } is linked to you already. Nothing was changed.
# $identity (String)
identities-somebody-elses = { $identity } is linked to somebody else here. If both are you, sign in with that account and unlink it there; if it is the only way into that one, ask the operators of your centre.
identities-nothing-to-link = There is nothing to link. Start again below.
identities-signed-out = You have been signed out meanwhile. Nothing was linked.
password-change = Change the password
password-lead = Your other sessions end when the password is changed; you stay signed in here.
password-current = Current password
password-new = New password
# $count (Number) - characters
password-hint = At least { NUMBER($count) } characters, of any kind; spaces count. Several unrelated words are a good choice.
password-repeated = New password again
password-not-repeated = The new password was not typed the same twice. Your password was not changed.
password-changed = Your password has been changed. Your other sessions have ended.
factors-title = Second factor
factors-none = You have none yet. With one, nobody gets in with your password alone.
factors-lead = Asked for after your password, and before what is hard to take back. Any one of these does.
factors-app = Authenticator app
factors-passkey = Passkey
factors-since = Set up
factors-remove = Remove
factors-rename = Rename
# $factor (String) - its name
factors-rename-this = Rename { $factor }
factors-rename-title = Name of a passkey
factors-renamed = It has a new name.
# $factor (String) - its name
factors-remove-this = Remove { $factor }
# $factor (String)
factors-remove-question = Remove { $factor }?
factors-remove-consequence = It will no longer be taken. Your other ones stay.
factors-remove-last = This is the only one. From then on your password alone is enough to get in, and your recovery codes are void.
factors-removed = It has been removed.
factors-gone = That is not there any more. Nothing was changed.
factors-signed-out = You have been signed out meanwhile. Nothing was set up.
factors-no-codes = You have no second factor, so there are no recovery codes. Set one up first.
factors-app-ended = What this page showed can be set up for 15 minutes, and that time is over. Remove the entry from your app, and scan the new code.
factors-passkey-ended = That took too long, so the passkey your device made is not known here. Remove it from your device, and make a new one.
factors-passkey-exists = This device has a passkey for your account here already. Use that one, or take another device.
factors-passkey-unusable = What your device made could not be accepted as a passkey. If it keeps it, remove it there; then try again, or use an authenticator app.
factors-recovery = Recovery codes
# $count (Number)
factors-recovery-left = { $count ->
    [one] One is left.
   *[other] { $count } are left.
}
factors-recovery-renew = Make new codes
factors-recovery-question = Make new recovery codes?
factors-recovery-consequence = Those you have now stop working.
factors-recovery-title = Your recovery codes
factors-recovery-lead = Each gets you in once, if your telephone is lost. Keep them where you keep your passport: on paper, or in a password manager.
factors-recovery-kept = I have kept them
factors-recovery-download = Save as a file
factors-recovery-print = Print
factors-recovery-shown = They are shown here for 15 minutes, and never again. You can also print this page.
factors-recovery-once = Recovery codes are shown for 15 minutes after they are made. If you do not have them, make new ones.
factors-codes-renewed = These are your new codes; the old ones are void.
factors-added-first = Your second factor is set up.
factors-added = It has been set up.
factors-add-app = Set up an authenticator app
factors-add-passkey = Add a passkey
factors-wanted-title = A second factor is wanted
factors-wanted = Your centre wants more than a password for this. Set up one of these once; then you go on where you were.
factors-app-title = Set up an authenticator app
factors-app-scan = Scan this with the app on your telephone.
factors-app-qr = QR code for the app
factors-app-here = The app is on this device: open it
factors-app-type = Or type this into the app:
factors-app-code = The six digits that the app shows now
factors-app-done = Set it up
factors-wrong-code = That is not what the app should show. Is the clock of your telephone right? Type the code it shows now.
factors-exists = There is an authenticator app already. Remove that one first.
factors-exists-remove = Remove the authenticator app
factors-too-many = You have as many as one may have. Remove one first.
factors-passkey-title = Add a passkey
factors-passkey-lead = A passkey is kept by your telephone, your computer or a security key, and works only on this site: nobody can ask you for it elsewhere.
factors-passkey-name = Name
factors-passkey-name-hint = For you, to tell it from others: “blue security key”.
factors-passkey-make = Make a passkey
factors-passkey-failed = No passkey was made. Try again, or use an authenticator app.
factors-passkey-missing = This browser cannot use passkeys here, or scripts are off. Use a code instead.
factors-passkey-no-name = Passkeys need an address with a name; this portal is reached at a number. Use an authenticator app.
