# Why something was not done.
change-refused-gone = It has already ended. Nothing was changed.
change-refused-in-the-past = Choose an expiry in the future.
change-refused-too-long = That is longer than your centre allows.
change-refused-not-yours = An administrator set this up. You can shorten or revoke it, but not extend it.
key-refused-mfa = Your second-factor registration is not active. Ask the operators of your centre to activate it.
key-refused-no-mfa = Adding a key requires a second factor, and you have not set one up yet. Set one up under “Sign-in methods”, or ask the operators of your centre.
key-refused-mfa-expired = You used your second factor too long ago. Sign out, sign in again with it, and then add the key; or ask the operators of your centre.
key-refused-link = That host account is no longer linked to you, or the link has expired.
key-refused-private = That is a private key. It was not kept. Others may have seen it: create a new key (ssh-keygen), and paste only the line of its .pub file.
key-refused-putty = That is a PuTTY key file (.ppk), which contains the private key. It was not kept. Others may have seen it: create a new key, and paste only the public key that PuTTYgen shows.
key-refused-unreadable = That is not a public key. Paste the single line of your .pub file. It begins with “ssh-ed25519”, “ecdsa-sha2-” or “ssh-rsa”, with nothing in front of it.
key-refused-certificate = That is a certificate. Paste only the public key: the line of the .pub file whose name does not contain “-cert”.
key-refused-several = That is more than one key. Add them one by one.
key-refused-pem = That is a public key in PEM format. This command converts it to the OpenSSH format: ssh-keygen -i -m PKCS8 -f FILE
key-refused-text-before = That is not a public key. There is text in front of it, such as options from an authorized_keys file. Paste only the key, starting at “ssh-…” or “ecdsa-…”.
key-refused-damaged = The key is truncated or damaged. Copy the whole key again.
# $kind (String) - such as ssh-dss
key-refused-unsupported = { $kind } keys are not supported. Create an Ed25519 key: ssh-keygen -t ed25519
# $bits (Number) - its length
key-refused-too-short = This RSA key has only { NUMBER($bits, useGrouping: "false") } bits; at least 2048 are required. An Ed25519 key is better: ssh-keygen -t ed25519
key-refused-comment = The comment at the end of the key contains invisible or control characters. Remove the comment, or give the key a name.
name-refused-empty = Enter a name.
name-refused-invisible = Your entry contains invisible characters, such as zero-width spaces or direction marks, or control characters. Type it instead of pasting it.
name-refused-too-long = The name is too long: at most 128 characters are allowed.
key-refused-exists = That key is already registered for this host account.
key-refused-not-here = Your centre does not allow people to register their own keys. Ask its operators.
key-refused-signed-out = You were signed out in the meantime. The key was not added.
upstream-login-refused-no-provider = That sign-in method is no longer available here. Choose another one.
upstream-login-refused-unknown = This sign-in was started in another browser, or has been ended. Start again here.
upstream-login-refused-used = This sign-in response from your institution has already been used. This happens when a page is reloaded or Back is pressed. Start again here.
upstream-login-refused-too-late = The sign-in took longer than 15 minutes. Start again here.
upstream-login-refused-cancelled = You cancelled the sign-in at your institution, so nothing was changed. Try again, or choose another sign-in method.
# $error (String) - what the answer of the institution says
upstream-login-refused-by-provider = Your institution could not sign you in ({ $error }). Try again. If the problem persists, contact its help desk.
upstream-login-refused-unreachable = Your institution is currently unreachable. Try again in a few minutes, or choose another sign-in method.
upstream-login-refused-slow = Your institution took too long to respond. Try again in a few minutes, or choose another sign-in method.
upstream-login-refused-broken = Your institution sent an invalid response. Try again. If the problem persists, contact the operators of your centre.
upstream-login-refused-code = Your institution rejected the sign-in response, usually because it was already used. This happens when a page is reloaded or Back is pressed. Start again here.
upstream-login-refused-issuer = The response came from a different institution than the one you chose, so it was not accepted. Start again here, and do not follow links from messages.
upstream-login-refused-clock = The clocks of your institution and of this portal differ, so the response was not accepted. Try again. If the problem persists, contact the operators of your centre.
upstream-login-refused-untrusted = The response from your institution could not be verified, so it was not accepted. Start again here. If the problem persists, contact the operators of your centre.
upstream-login-refused-not-fresh = Your institution did not ask you to sign in again, so nothing was changed. Sign out there, then try again.
upstream-login-refused-misconfigured = This sign-in method is not configured correctly. Contact the operators of your centre, or choose another sign-in method.
# $label (String) - who the person is at the institution
upstream-login-refused-not-invited = You signed in as { $label }, but there is no account for you here. Ask the operators of your centre for an invitation, or choose another sign-in method.
upstream-login-refused-invitation = That invitation has already been used or has expired. Ask the operators of your centre for a new one.
upstream-login-refused-disabled = Your account here is disabled. Contact the operators of your centre.
# $label (String) - who the person is at the institution
upstream-login-refused-wrong-account = You signed in there as { $label }, but this session belongs to another account. Sign in there with the account that you use here.
person-refused-last-admin = This is the only administrator who can sign in here. Add another administrator first.
link-refused-not-yours = This request is not open in this browser session, or has been replaced by a newer one. Enter the code again to continue here.
link-refused-answered = This request has already been answered.
link-refused-expired = The code has expired. Run the command again on the host to get a new one.
link-refused-no-mfa = Linking a host account requires a second factor, and you have not set one up yet. Set one up under “Sign-in methods”, or ask the operators of your centre. Then confirm again.
link-refused-linked-to-another = This account is linked to another person here, and your centre does not allow shared host accounts. If the account is yours alone, contact the operators of your centre.
tenant-refused-not-yours = Only administrators of the tenant “default” can do this.
tenant-refused-exists = A tenant with that name already exists.
tenant-refused-default = The tenant “default” cannot be disabled or deleted: the deployment is administered through it.
tenant-refused-in-use = The tenant is not empty.
tenant-refused-not-archived = The tenant keeps its audit events until they are archived, and some are not. An operator can archive them.
brand-refused-not-a-colour = Enter both colours as #rrggbb, or leave both empty.
# $contrast (String) - such as 3.9
brand-refused-faint-on-light = The light-theme colour does not have enough contrast: it has { $contrast }, and at least 4.5 is required. Choose a darker colour.
# $contrast (String) - such as 3.9
brand-refused-faint-on-dark = The dark-theme colour does not have enough contrast: it has { $contrast }, and at least 4.5 is required. Choose a lighter colour.
help-contact-refused-too-long = The help contact is too long: at most 200 characters are allowed.
help-contact-refused-not-an-email-address = The help contact looks like an e-mail address but is not a valid one, such as help@example.org.
help-contact-refused-not-an-https-url = The help contact looks like a URL but is not a valid one: it must start with https:// and contain no user name.
code-refused-empty = Enter the code shown on your device.
code-refused-impossible = Codes never contain 0, 1 or vowels. Check for look-alike letters.
code-refused-ambiguous = There is more than one code in that text. Enter the one shown on your device.
code-refused-not-valid = That code is not valid or has expired. Run the command again to get a new one.
code-refused-sign-in-first = Many codes are being tried just now. Sign in, then try again.
decision-refused-not-yours = This request is not open in this browser session. Enter the code again to continue here.
decision-refused-decided = This request has already been answered.
decision-refused-expired = The code has expired. Run the command again to get a new one.
decision-refused-not-confirmed = Select “Yes, I started this” to allow it, or choose Deny.
decision-refused-lifetime = Choose how long the access should last.
decision-refused-too-long = That is longer than your centre now allows. Choose how long the access should last.
decision-refused-host-account = One of the host accounts is no longer linked to you. Check the list again.
decision-refused-disabled = This application is disabled. Nothing was shared.
decision-refused-grant = The operators of your centre no longer let this application ask people for access. Nothing was shared.
decision-refused-scope = The operators of your centre no longer allow this application any of the permissions it requests. Nothing was shared.
sign-in-refused-wrong = The user name or password is not correct. Check both and try again.
password-refused-none = You have no password here: you sign in through an institution. Change your password there.
password-refused-wrong = Your current password is not correct. Your password was not changed.
password-refused-signed-out = You were signed out in the meantime. Your password was not changed.
# $count (Number) - characters
password-refused-short = The new password is too short: it needs at least { NUMBER($count) } characters. Several words with spaces are easy to remember.
password-refused-long = The new password is too long: choose one of at most 1024 bytes.
password-refused-user-name = The new password contains your user name. Choose one that is not related to you.
password-refused-common = The new password is easy to guess: it is common, repetitive, or made of well-known names. Choose several unrelated words.
# $count (Number) - letters
code-refused-length = { $count ->
    [one] That code has { NUMBER($count) } letter; it should have 8.
   *[other] That code has { NUMBER($count) } letters; it should have 8.
}
# $wait (String) - such as 5 minutes
code-refused-claimed = This code is already open in another browser session. Continue there, or sign out there to release it; if nothing is done there, it stays open for { $wait } at most. Or run the command again to get a new code, which works immediately.
# $wait (String) - such as 5 minutes
code-refused-too-many = Too many tries. Wait { $wait }, then ask your device for a new code.
# $tenant (String) - the centre
code-refused-other-tenant = This code belongs to { $tenant }. Switch to { $tenant } to continue.
# $wait (String) - such as 5 minutes
sign-in-refused-too-many = Too many attempts. Wait { $wait } and try again.
# The list of a person's host accounts, from a provider.
upstream-login-refused-list-denied = The provider denied access to the list of your host accounts, so nothing was linked. You may have no accounts there; if you do, contact the operators of your centre.
upstream-login-refused-list-away = The provider’s list of your host accounts is currently unavailable, so nothing was linked. Try again in a few minutes.
upstream-login-refused-list-broken = The provider’s list of your host accounts is not valid, so nothing was linked. Try again. If the problem persists, contact the operators of your centre.
proposal-refused-gone = There is nothing left to link. Start again below.
proposal-refused-nothing = Choose at least one account, or cancel.
proposal-refused-cannot = One of the selected accounts cannot be linked, so nothing was linked. Check the list again.
# What administrators register of a client.
client-settings-refused-public-client-credentials = A public client cannot get tokens for itself: any program can claim to be it. Nothing was changed.
client-settings-refused-public-without-pkce = A public client needs PKCE: any program could redeem its authorization codes. Nothing was changed.
client-settings-refused-pkce-off = Only the portal’s operator can switch PKCE off, with tms-portal client set. Nothing was changed.
client-settings-refused-no-keys = To authenticate with a signed assertion, the client needs public keys here, or a URL where it publishes them. Nothing was changed.
client-settings-refused-keys-twice = Enter either the client’s public keys or the URL where it publishes them, not both. Nothing was changed.
client-settings-refused-command-line = The client of the tms command is public and must stay so. Nothing was changed.
jwks-refused-not-a-key-set = The public keys are not a JSON Web Key Set: a JSON object with “keys”. Nothing was changed.
jwks-refused-too-many = A client can have at most 20 public keys, 64 KiB in total. Nothing was changed.
jwks-refused-secret-key = That has a private or symmetric key, so it is no longer secret. Create a new key pair, and enter its public key only. Nothing was changed.
jwks-refused-no-usable-key = None of the keys can be used: the portal accepts keys for ES256, PS256, RS256 (2048 to 4096 bits) and EdDSA (Ed25519). Nothing was changed.
# $uri (String) - what was entered
# $why (String) - a sentence that says what is wrong
uri-refused-of = { $uri }: { $why } Nothing was changed.
uri-refused-too-many = At most 50 addresses of each kind can be registered. Nothing was changed.
uri-refused-too-long = An address has at most 2048 characters.
uri-refused-scheme = It must begin with https://, or with a private-use scheme that has a dot, such as org.example.app:/callback.
uri-refused-plain-http = http:// is accepted for 127.0.0.1, [::1] and localhost only.
uri-refused-host = The host must be a name in lower case, an IPv4 address, or an IPv6 address in brackets, with or without a port.
uri-refused-user-info = It must not contain a user name or a password.
uri-refused-fragment = It must not have a fragment (#).
uri-refused-wildcard = It must not have a wildcard (*): addresses are compared character by character.
uri-refused-character = It has a character that must be percent-encoded, such as a backslash or an accented letter.
uri-refused-dot-segment = Its path must not have a segment . or ..
uri-refused-parameter = Its query must not have the parameters code, state, iss, error or error_description, which the portal adds.
uri-refused-origin = An origin has a scheme, a host and a port only, without the default port.
