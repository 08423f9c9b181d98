# Why something was not done.
change-refused-gone = That had ended already. Nothing was changed.
change-refused-in-the-past = Choose an end that is still to come.
change-refused-too-long = Your centre does not let anybody grant that much time.
change-refused-not-yours = An administrator set this up: you can make it shorter or end it, not longer.
key-refused-mfa = Your second factor does not count at the moment. Ask the operators of your centre to open it.
key-refused-no-mfa = A key takes a second factor, and you have none yet. Set one up under “Ways to sign in”, or ask the operators of your centre.
key-refused-mfa-expired = You showed your second factor too long ago. Sign out and in again with it, or ask the operators of your centre; then add the key.
key-refused-link = That host account is not linked to you any more, or its link has expired.
key-refused-private = That is a private key. It was not kept. Others may have seen it: make a new key (ssh-keygen), and paste only the line of its .pub file.
key-refused-putty = That is a PuTTY key file (.ppk), which holds the private key. It was not kept. Others may have seen it: make a new key, and paste only the public key that PuTTYgen shows.
key-refused-unreadable = That is not a public key. Paste the one line of your .pub file; it begins with “ssh-ed25519”, “ecdsa-sha2-” or “ssh-rsa”, with nothing in front of it.
key-refused-certificate = That is a certificate. Paste the public key alone: the line of the .pub file whose name has no “-cert”.
key-refused-several = That is more than one key. Add them one by one.
key-refused-pem = That is a public key in PEM format. This command prints it as OpenSSH writes it: ssh-keygen -i -m PKCS8 -f FILE
key-refused-text-before = That is not a public key. Something stands in front of it, such as options of an authorized_keys file: paste the key alone, from “ssh-…” or “ecdsa-…” on.
key-refused-damaged = The key is cut off or damaged. Copy it again as a whole.
# $kind (String) - such as ssh-dss
key-refused-unsupported = Keys of the kind { $kind } are not taken. Make an ed25519 key: ssh-keygen -t ed25519
# $bits (Number) - its length
key-refused-too-short = This RSA key has only { NUMBER($bits, useGrouping: "false") } bits; it needs at least 2048. Better make an ed25519 key: ssh-keygen -t ed25519
key-refused-comment = The comment at the end of the key contains invisible characters or control characters. Leave the comment out, or give the key a name.
name-refused-empty = A name must not be empty.
name-refused-invisible = What you entered contains invisible characters, such as zero-width spaces or direction marks, or control characters. Type it instead of pasting it.
name-refused-too-long = A name has at most 128 characters; this one is longer.
key-refused-exists = That key is registered for this host account already.
key-refused-not-here = Your centre does not let people register keys of their own. Ask its operators.
key-refused-signed-out = You have been signed out meanwhile. The key was not added.
arrival-refused-no-provider = That way to sign in is not offered here any more. Choose another one.
arrival-refused-no-trip = That sign-in is not known here: it was begun in another browser, or has been ended since. Start it again here.
arrival-refused-used = That answer of your institution has been used already. That happens when a page is reloaded or Back is pressed: start again here.
arrival-refused-too-late = That sign-in took longer than 15 minutes. Start it again here.
arrival-refused-cancelled = You cancelled there, so nothing was done. Try again, or choose another way.
# $error (String) - what the answer of the institution says
arrival-refused-provider-says = Your institution could not sign you in ({ $error }). Try again; if it stays like this, tell its help desk.
arrival-refused-unreachable = Your institution cannot be reached at the moment. Try again in a few minutes, or choose another way.
arrival-refused-slow = Your institution took too long to answer. Try again in a few minutes, or choose another way.
arrival-refused-broken = Your institution sent an answer that could not be understood. Try again; if it stays like this, tell the operators of your centre.
arrival-refused-code = Your institution did not accept its own answer. That happens when a page is reloaded or Back is pressed: start again here.
arrival-refused-issuer = The answer came from another institution than the one you chose, so it was not accepted. Start again here, and do not follow links from messages.
arrival-refused-clock = The clocks of your institution and of this portal disagree, so its answer was not accepted. Try again; if it stays like this, tell the operators of your centre.
arrival-refused-untrusted = The answer of your institution could not be verified, so it was not accepted. Start again here; if it stays like this, tell the operators of your centre.
arrival-refused-not-fresh = Your institution did not ask you to sign in again, so nothing was done. Sign out there, then try again.
arrival-refused-misconfigured = This way to sign in is set up wrongly here. Tell the operators of your centre, or choose another way.
# $label (String) - who the person is at the institution
arrival-refused-not-invited = You are signed in as { $label }, but that is nobody known here. Ask the operators of your centre for an invitation, or choose another way.
arrival-refused-invitation = That invitation has been used, or has ended. Ask the operators of your centre for a new one.
arrival-refused-disabled = Your account here is switched off. Ask the operators of your centre.
# $label (String) - who the person is at the institution
arrival-refused-somebody-else = You are signed in there as { $label }, which is not the account you use here. Choose that one.
person-refused-last-admin = This is the only administrator who can sign in here. Appoint another one first.
link-refused-not-yours = This request is not open in this browser session, or has been replaced by a newer one. Enter the code again to go on here.
link-refused-answered = This request has already been answered.
link-refused-expired = The code has expired. Run the command again on the host to get a new one.
link-refused-no-mfa = An account is linked only to people with a second factor, and you have none yet. Set one up under “Ways to sign in”, or ask the operators of your centre; then confirm again.
link-refused-somebody-elses = This account is linked to somebody else here, and your centre does not let people share one. If it is yours alone, ask the operators of your centre.
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
code-refused-ambiguous = There is more than one code in that text. Enter the one shown on your device.
code-refused-not-valid = That code is not valid or has expired. Run the command again to get a new one.
code-refused-sign-in-first = Many codes are being tried just now. Sign in, then try again.
decision-refused-not-yours = This request is not open in this browser session. Enter the code again to go on here.
decision-refused-decided = This request has already been answered.
decision-refused-expired = The code has expired. Run the command again to get a new one.
decision-refused-not-confirmed = Tick “Yes, I started this” to allow it, or choose Deny.
decision-refused-lifetime = Choose how long the access should last.
decision-refused-too-long = Your centre no longer lets anybody grant that much time. Choose how long the access should last.
decision-refused-host-account = One of the host accounts is no longer linked to you. Look through the list again.
decision-refused-disabled = This application is switched off. Nothing was shared.
decision-refused-grant = The operators of your centre no longer let this application ask people for access. Nothing was shared.
decision-refused-scope = The operators of your centre no longer let this application have anything of what it asks for. Nothing was shared.
sign-in-refused-wrong = The user name or the password is not right. Check both and try again.
password-refused-none = You have no password here: you sign in through an institution. Change your password there.
password-refused-wrong = Your current password is not right. Your password was not changed.
password-refused-signed-out = You have been signed out meanwhile. Your password was not changed.
# $count (Number) - characters
password-refused-short = The new password is too short: it needs at least { NUMBER($count) } characters. Several words with spaces are easy to remember.
password-refused-long = The new password is too long: choose one of at most 1024 bytes.
password-refused-user-name = The new password has your user name in it. Take one that has nothing to do with you.
password-refused-common = The new password is easy to guess: it is common, repeats itself, or is made of names others know. Choose several unrelated words.
# $count (Number) - letters
code-refused-length = { $count ->
    [one] That code has { NUMBER($count) } letter; it should have 8.
   *[other] That code has { NUMBER($count) } letters; it should have 8.
}
# $wait (String) - such as 5 minutes
code-refused-claimed = This code is already open in another browser session. Go on there, or sign out there to release it; if nothing is done there, it stays open for { $wait } at most. Or run the command again to get a new code, which works at once.
# $wait (String) - such as 5 minutes
code-refused-too-many = Too many tries. Wait { $wait }, then ask your device for a new code.
# $tenant (String) - the centre
code-refused-other-tenant = This code belongs to { $tenant }. Switch to { $tenant } to continue.
# $wait (String) - such as 5 minutes
sign-in-refused-too-many = Too many tries. Wait { $wait } and try again.
# What a provider lists of somebody's host accounts.
arrival-refused-list-denied = The provider does not show its list of your host accounts, so nothing was linked. Perhaps you have none there; if you have, tell the operators of your centre.
arrival-refused-list-away = The provider’s list of your host accounts cannot be had at the moment, so nothing was linked. Try again in a few minutes.
arrival-refused-list-broken = The provider’s list of your host accounts could not be understood, so nothing was linked. Try again; if it stays like this, tell the operators of your centre.
offer-refused-gone = There is nothing to link any more. Start again below.
offer-refused-nothing = Choose at least one account, or cancel.
offer-refused-cannot = One of those accounts cannot be linked, or not any more, so nothing was linked. Look at the list again.
