# Why something was not done.
change-refused-gone = That had ended already. Nothing was changed.
change-refused-in-the-past = Choose an end that is still to come.
change-refused-too-long = Your centre does not let anybody grant that much time.
change-refused-not-yours = An administrator set this up: you can make it shorter or end it, not longer.
key-refused-mfa = Your second factor does not count at the moment. Ask the operators of your centre to open it.
key-refused-link = That host account is not linked to you any more, or its link has expired.
key-refused-private = That is a private key. It was not kept. Somebody may have seen it: make a new key (ssh-keygen), and paste only the line of its .pub file.
key-refused-unreadable = That is not a public key. Paste the one line of your .pub file; it begins with “ssh-ed25519”, “ecdsa-sha2-” or “ssh-rsa”, with nothing in front of it.
# $kind (String) - such as ssh-dss
key-refused-unsupported = Keys of the kind { $kind } are not taken. Make an ed25519 key: ssh-keygen -t ed25519
# $bits (Number) - its length
key-refused-too-short = This RSA key has only { NUMBER($bits, useGrouping: "false") } bits; it needs at least 2048. Better make an ed25519 key: ssh-keygen -t ed25519
key-refused-exists = That key is registered for this host account already.
key-refused-not-here = Your centre does not let people register keys of their own. Ask its operators.
key-refused-signed-out = You have been signed out meanwhile. The key was not added.
person-refused-last-admin = This is the only administrator who can sign in here. Appoint another one first.
tenant-refused-not-yours = This takes an administrator of the tenant “default”.
tenant-refused-exists = There is a tenant of that name already.
tenant-refused-default = The tenant “default” stays, and stays on: without it nobody could run the deployment.
tenant-refused-in-use = The tenant still has something.
brand-refused-not-a-colour = Write both colours as #rrggbb, or leave both empty.
# $contrast (String) - such as 3.9
brand-refused-faint-on-light = The colour for light ground is too faint to read: its contrast is { $contrast }, and it needs 4.5. Take a darker one.
# $contrast (String) - such as 3.9
brand-refused-faint-on-dark = The colour for dark ground is too faint to read: its contrast is { $contrast }, and it needs 4.5. Take a lighter one.
code-refused-empty = Enter the code shown on your device.
code-refused-impossible = Codes never contain 0, 1 or vowels. Check for look-alike letters.
code-refused-not-valid = That code is not valid or has expired. Run the command again to get a new one.
code-refused-sign-in-first = Many codes are being tried just now. Sign in, then try again.
code-refused-claimed = This code is already open in another browser. Go on there, or run the command again to get a new one.
decision-refused-not-yours = This request is not open in this browser. Enter the code again.
decision-refused-decided = This request has already been answered.
decision-refused-expired = The code has expired. Run the command again to get a new one.
decision-refused-not-confirmed = Tick “Yes, I started this” to allow it, or choose Deny.
decision-refused-lifetime = Choose how long the access should last.
decision-refused-host-account = One of the host accounts is no longer linked to you. Look through the list again.
decision-refused-disabled = This application is switched off. Nothing was shared.
sign-in-refused-wrong = The user name or the password is not right. Check both and try again.
# $count (Number) - letters
code-refused-length = { $count ->
    [one] That code has { NUMBER($count) } letter; it should have 8.
   *[other] That code has { NUMBER($count) } letters; it should have 8.
}
# $wait (String) - such as 5 minutes
code-refused-too-many = Too many tries. Wait { $wait }, then ask your device for a new code.
# $tenant (String) - the centre
code-refused-other-tenant = This code belongs to { $tenant }. Switch to { $tenant } to continue.
# $wait (String) - such as 5 minutes
sign-in-refused-too-many = Too many tries. Wait { $wait } and try again.
