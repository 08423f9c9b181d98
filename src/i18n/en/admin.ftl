# /admin
admin-title = Administration
admin-lead = Every action here can also be done with the TMS API or on the command line: each page shows the command. Everything is recorded in the audit log.
admin-areas = Administration areas
# $area (String) - the area of the page
admin-areas-menu = Administration: { $area }
admin-clients = Clients
admin-hosts = Hosts
admin-people = People
admin-delegations = Delegations
admin-keys = Keys
admin-activity = Audit log
admin-policy = Policy
admin-tenants = Tenants
admin-tenants-not-yours = Only administrators of the tenant “default” can manage tenants. Contact the portal’s operators.
admin-as-curl = With the API
admin-saved = Saved.
admin-gone = It no longer exists. Nothing was changed.
admin-stale = Another administrator has changed this since you opened it. Check the current values, then make your change again.
# $name (String) - what was deleted
admin-deleted = { $name } has been deleted.
# $until (String) - date and time
admin-rotated = A new secret has been created. The old one works until { $until }.
admin-bad-id = Names may contain letters, digits and . _ - @ + ~ /, and must not be empty.
admin-clients-name-needed = A client needs a name and a version.
admin-clients-added = The client has been created.
admin-clients-exists = A client with this ID, or with this name and version, already exists.
admin-hosts-added = The host has been added. It belongs to this tenant even if it does not send its tenant.
admin-hosts-added-elsewhere = The host has been added. Another tenant already has a host with this name, so this host must send its tenant: set “tenant” in its tms_keycmd.toml.
# $address (String) - the address
# $other (String) - the other host
admin-hosts-added-shared = However, { $address } is also an address of { $other }, so it identifies neither host. Use the hosts’ own names.
admin-hosts-exists = The host already has this address.
admin-hosts-credential-created = Save this credential in the host’s credential file. The previous credential, if there was one, works for one more hour.
admin-people-added = The account has been created.
admin-people-added-with-password = The account has been created. This is its password:
admin-people-new-password = This person has been signed out everywhere. This is the new password:
admin-people-exists = A person with this user name already exists.
admin-people-no-mfa = Activate the person’s second factor first. Host accounts require it.
admin-people-linked-already = This account is already linked to the person.
admin-delegations-no-client = There is no client with this ID.
admin-delegations-no-person = There is no person with this user name.
admin-delegations-exists = An administrator has already added this delegation. Revoke it first.
admin-delegations-ended = The delegation has been revoked. Its tokens no longer work, and the keys created with it have been revoked.
admin-policy-out-of-range = A value is out of range. The name must not be empty. Code lifetime: 1 to 60 minutes. Longest access: 1 to 3650 days. Second-factor lifetime: 1 hour to 10 years. Host link lifetime: 1 to 3650 days. Minimum UID: 1 or more.
admin-policy-retention-refused = Events must be kept forever (0) or for 30 to 36500 days, and security-relevant events for at least as long as the others. Nothing was changed.
# $tenant (String) - its name
admin-tenants-added = The tenant { $tenant } has been created. This is the secret of its first administrator, ~~admin:
admin-tenants-not-typed = To delete the tenant, enter its name exactly. Nothing was changed.
admin-id = ID
admin-made = Created
admin-days = Days (0 = no expiry)
admin-user-name = User name
admin-enabled = active
admin-disabled = disabled
admin-enable = Enable
admin-disable = Disable
admin-save = Save
admin-remove = Remove
admin-as-command = On the command line
admin-clients-id = Client ID
admin-clients-show-all = All
admin-clients-show-enabled = Active
admin-clients-show-disabled = Disabled
admin-clients-show-public = Public
admin-clients-search-for = ID or name
admin-clients-add = Add a client
admin-clients-add-button = Create client and show its secret
admin-clients-empty = No clients yet
admin-clients-empty-hint = Add a client for each application that may ask your people for access. You get the ID and the secret for its settings.
admin-clients-public = public
admin-clients-verified = verified
admin-clients-app-name = Application
admin-clients-app-version = Version
admin-clients-may = Allowed grants and scopes
admin-clients-device-grant = Ask in the browser with a code (device authorization grant)
admin-clients-code-grant = Sign people in through the browser (authorization code grant)
admin-clients-refresh-grant = Keep access with refresh tokens
admin-clients-own-tokens = Get tokens for itself (client credentials grant)
admin-clients-addresses = Addresses
admin-clients-redirect-uris = Redirect URIs
admin-clients-redirect-uris-hint = One per line. They are compared character by character; for http://127.0.0.1, http://[::1] and http://localhost any port is accepted.
admin-clients-post-logout-uris = Addresses to which people return after signing out
admin-clients-one-per-line = One per line.
admin-clients-backchannel-logout-uri = Back-channel logout URI
admin-clients-backchannel-logout-uri-hint = The portal tells the client there that a person has signed out.
admin-clients-origins = Web origins
admin-clients-origins-hint = For programs that run in a browser, such as https://app.example.org. One per line.
admin-clients-authentication = Authentication
admin-clients-auth-method = How the client proves who it is
admin-clients-auth-secret = With a client secret
admin-clients-auth-keys = With an assertion signed by its key (private_key_jwt)
admin-clients-auth-none = Not at all (public client): any program can claim to be it
admin-clients-auth-hint = A change takes effect immediately. A client that did not have a secret gets one, which is shown once.
admin-clients-jwks = Its public keys (JSON Web Key Set)
admin-clients-jwks-uri = URL where it publishes its public keys
admin-clients-jwks-hint = For signed assertions: paste the keys, or enter the URL. The portal fetches the URL once an hour, and when the client uses a new key.
admin-clients-endpoint-audience = Accept assertions for the token endpoint, which libraries before 2025 send
admin-clients-new-secret = The client now authenticates with this secret:
admin-clients-rules = Tokens and consent
admin-clients-pkce = Protection of its authorization codes
admin-clients-pkce-required = PKCE is required
admin-clients-pkce-nonce = PKCE, or a nonce that the client checks
admin-clients-pkce-off = Neither is required
admin-clients-pkce-off-warning = PKCE is switched off for this client: a stolen authorization code can be redeemed in another session of the client. Set it to “required” if the client supports PKCE.
admin-clients-id-token-algorithm = Signature of its ID tokens
admin-clients-longest-access = Longest access in hours
admin-clients-longest-access-hint = Empty: as the policy says.
admin-clients-longest-access-refused = The longest access must be empty or 1 to 87600 hours. Nothing was changed.
admin-clients-username-of-host = People arrive under the name of their account on this host
admin-clients-username-of-host-hint = Empty: under their user name here.
admin-clients-pushed-only = Accept pushed authorization requests only
admin-clients-refresh-always = Issue refresh tokens even without the scope offline_access
admin-clients-consent-always = Ask people each time
admin-clients-products = Configuration of applications
admin-clients-products-hint = For applications that sign people in here, with this client's values.
# $placeholder (String) - the word in its place
admin-clients-products-secret = Put the client secret in the place of { $placeholder }: it is shown only when it is created or rotated.
admin-clients-products-no-sign-in = This client may not sign people in through the browser. Allow it to use the authorization code grant to see its configuration for common applications.
admin-clients-products-other = Any other application (OpenID Connect)
# $scopes (String) - scopes, separated by spaces
admin-clients-products-missing = The application needs scopes that this client may not ask for: { $scopes }. Allow them under “Permissions”.
# $uri (String) - a redirect URI in which the host has to be filled in
admin-clients-products-redirect-uri = This client has no redirect URI like { $uri }. Fill in the host of the application, and add the address to the redirect URIs.
admin-clients-claims = What it is told about people
admin-clients-claims-hint = Claims of the ID token and of userinfo, with all scopes that the client may ask for. The person is not asked and nothing is sent.
admin-clients-claims-show = Show claims
# $host (String) - a host
admin-clients-claims-no-account = The client cannot sign in this person now, or has to ask them which account to use: they have no account on { $host }, or several.
admin-clients-set-up = Permissions
admin-clients-standing = Status
admin-clients-enabled-means = Active: its secret, tokens and keys work
admin-clients-verified-means = Verified: people are told that your centre has verified it
admin-clients-secret = Client secret
admin-clients-old-secret = A secret rotation is in progress. The old secret expires
admin-clients-overlap = Hours the old secret stays valid
admin-clients-rotate = Rotate secret
admin-clients-end-access = End all access
admin-clients-end-access-hint = The client stays registered, and people can allow it again. To stop it for a while, disable it instead: nothing ends then.
# $client (String) - its name
admin-clients-end-access-question = End all access of { $client }?
admin-clients-end-access-consequence = What people and administrators allowed it ends for everybody: its sign-ins, its tokens, and the SSH keys it created. This cannot be undone.
# $count (Number) - permissions that ended
admin-clients-access-ended = { $count ->
    [one] One permission of the client has ended.
   *[other] { NUMBER($count) } permissions of the client have ended.
}
admin-clients-access-none = Nobody had allowed the client anything. Nothing was changed.
admin-clients-delete = Delete this client
# $client (String) - its name
admin-clients-delete-question = Delete { $client }?
# $keys (Number) - keys it made
# $people (Number) - people who let it act for them
admin-clients-delete-consequence = Its keys ({ NUMBER($keys) }) and the access that { $people ->
    [one] { NUMBER($people) } person
   *[other] { NUMBER($people) } people
} granted are deleted with it. Its tokens stop working immediately. This cannot be undone.
admin-hosts-search-for = name or address
admin-hosts-add = Add a host
admin-hosts-empty = No hosts yet
admin-hosts-empty-hint = Add a host to get the lines for its sshd_config and to see its key lookups.
admin-hosts-name = Host
admin-hosts-name-hint = The name your centre uses. It need not be a DNS name.
admin-hosts-address = Address
admin-hosts-address-hint = The address for ssh: a DNS name or an IP address.
admin-hosts-addresses = Addresses
admin-hosts-asked = Last key lookup
admin-hosts-credential = Credential
admin-hosts-credential-none = none
admin-hosts-credential-required = required for key lookups
admin-hosts-credential-optional = present, not required
admin-hosts-credential-make = Create credential
admin-hosts-credential-renew = Create new credential
admin-hosts-credential-demand = Require credential
admin-hosts-credential-demand-not = Make credential optional
admin-hosts-credential-remove = Remove credential
admin-hosts-test = Refresh
admin-hosts-answers-not = Another tenant has a host with this name. The host must send its tenant or a credential.
# $host (String)
admin-hosts-credential-remove-question = Remove the credential of { $host }?
admin-hosts-credential-remove-consequence = Key lookups with this host’s name will no longer need a credential. A host that still sends the old credential is refused.
admin-hosts-test-hint = Log in on the host or run the check below, then refresh this page to see the time of the last key lookup.
admin-hosts-set-up = Setup
admin-hosts-sshd-config = In its sshd_config:
admin-hosts-key-command = In /etc/ssh/tms_keycmd/tms_keycmd.toml:
admin-hosts-then-check = Then run this on the host:
admin-hosts-links = This lets people link the account they are logged in to on this host, using tms link:
admin-hosts-links-credential = To let people link the account they are logged in to, using tms link, first create a credential for the host, above.
# $address (String) - the address
# $host (String) - the host
admin-hosts-remove-question = Remove { $address } from { $host }?
admin-hosts-remove-consequence = If this is the host’s last address, the host is removed from this list. Linked accounts and their keys are kept.
admin-people-search-for = user name or name
admin-people-show-all = All
admin-people-show-enabled = Active
admin-people-show-disabled = Disabled
admin-people-show-admins = Administrators
admin-people-show-no-mfa = Without an open MFA window
admin-people-sort-name = By user name
admin-people-sort-made = Newest first
admin-people-add = Add a person
admin-people-empty = No people yet
admin-people-empty-hint = People are added when they first sign in through an identity provider. Or add a person here, with a password or an invitation.
admin-people-display-name = Name
admin-people-admin = administrator
admin-people-mfa = MFA window
admin-people-mfa-none = none
admin-people-mfa-until = open until
admin-people-mfa-expired = expired
admin-people-mfa-off = closed
admin-people-mfa-open = Open MFA window
admin-people-mfa-renew = Renew MFA window
# $account (String)
# $person (String)
admin-people-unlink-question = Unlink { $account } from { $person }?
admin-people-unlink-consequence = The keys for this account are revoked. You can link the account again, but its keys are not restored.
admin-people-mfa-enable = Open MFA window again
admin-people-mfa-disable = Close MFA window
admin-people-mfa-close = Delete MFA record
# $person (String) - their name
admin-people-mfa-close-question = Delete the MFA record of { $person }?
admin-people-mfa-close-consequence = Their host accounts are unlinked, and the access of applications and their keys are revoked. The account is kept.
admin-people-forget-factors = Reset second factors
# $person (String)
admin-people-forget-factors-question = Reset all second factors of { $person }?
admin-people-forget-factors-consequence = Use this for a person who has lost their second factors, after you have verified their identity. Passkeys, the authenticator app and recovery codes stop working. Until the person sets up a new factor, the password alone is enough to sign in.
admin-people-host-accounts = Host accounts
# $place (String) - account@host
admin-people-unlink-this = Unlink { $place }
admin-people-link = Link
admin-people-last-sign-in = Last sign-in
admin-people-no-sessions = Not signed in anywhere.
admin-people-end-sessions = Sign out all sessions
# $browser (String) - such as "Firefox on Linux"
# $person (String) - the person
admin-people-end-session-question = Sign out { $browser } of { $person }?
admin-people-end-session-consequence = To continue there, they have to sign in again. Their applications and devices keep their access.
# $person (String) - their name
admin-people-end-sessions-question = Sign out all sessions of { $person }?
admin-people-account = Account
admin-people-disable = Disable account
admin-people-enable = Enable account
# $person (String) - their name
admin-people-disable-question = Disable { $person }?
admin-people-disable-consequence = Their sessions are signed out. Until they are enabled again, their devices’ tokens do not work and their keys cannot be used to log in.
admin-people-promote = Make administrator
# $person (String) - their name
admin-people-promote-question = Make { $person } an administrator?
admin-people-promote-consequence = They will have the same permissions as you, including removing your administrator role.
admin-people-demote = Remove administrator role
# $person (String) - their name
admin-people-demote-question = Remove the administrator role from { $person }?
admin-people-demote-consequence = They can no longer open these pages. The changes they made are kept.
admin-people-password = Reset password
# $person (String) - their name
admin-people-password-question = Reset the password of { $person }?
admin-people-password-consequence = The old password stops working, and all their sessions are signed out. The new password is shown once.
hosts-account = Account
admin-delegations-search-for = client or person
admin-delegations-add = Add a delegation
admin-delegations-add-means = Allows a client to act for a person on all of their host accounts, without asking them.
admin-delegations-empty = No delegations
admin-delegations-empty-hint = People create them when they allow an application. Or add one here, for a client that acts for a person without asking.
admin-delegations-may-read-keys = See the person’s SSH keys and when they were used
admin-delegations-may-create-keys = Log in over SSH as the person, run programs and change files
admin-delegations-may-revoke-keys = Revoke the person’s SSH keys
admin-delegations-every-host-account = all of the person’s host accounts
admin-delegations-by-consent = with the person’s consent
admin-delegations-end = Revoke
# $client (String) - the client
# $user (String) - the person
admin-delegations-end-this = Revoke the access of { $client } for { $user }
# $client (String) - the client
# $user (String) - the person
admin-delegations-end-question = Revoke all access of { $client } for { $user }?
admin-delegations-end-consequence = This includes the access that the person granted. Tokens stop working immediately, and the keys that the client created for the person are revoked.
admin-keys-search-for = person, host, account, client or fingerprint
admin-keys-empty = No keys yet
admin-keys-empty-hint = Keys are created by clients that a person has allowed, and by people with tms ssh. First link a host account to a person.
admin-policy-name = Centre name
admin-policy-help-contact = Help contact
admin-policy-help-contact-hint = Shown on the sign-in, error and report pages: an e-mail address, an https URL, a telephone number or a short text. Leave it empty to show none.
admin-policy-code-minutes = Code lifetime (minutes)
admin-policy-access-days = Longest access a person may grant (days)
admin-policy-access-token-minutes = Lifetime of access tokens that can be refreshed (minutes)
admin-policy-refresh-idle-days = Sign in again after this time without a refresh (days)
admin-policy-mfa-hours = Second-factor lifetime (hours)
admin-policy-link-days = Lifetime of links created from a host (days)
admin-policy-lowest-uid = Minimum UID of accounts that people may link (lower UIDs are system accounts)
admin-policy-people = People
admin-policy-require-started = Require “Yes, I started this” on the consent page
admin-policy-prefill = Allow links to fill in the code (easier to use, but also easier to phish)
admin-policy-own-keys = Allow people to add their own public keys
admin-policy-second-factor-at-consent = Require a second factor before a person allows a device to act for them
admin-policy-second-factor-for-admins = Require a second factor before administrators use their role
admin-policy-shared = Allow a host account to be linked to several people
admin-policy-shared-hint = All of them, and every application they allow, then act as the same account, and the host cannot tell them apart. If this is off, an account that is linked to one person cannot be linked to another, who is not told whose it is.
admin-policy-machines = Hosts and clients
admin-policy-host-credential = Require a host credential for key lookups
admin-policy-open-registration = Allow anyone to register a client
admin-policy-mvp = MVP mode, for migrating from an older server: missing links and delegations are created when a client requests a key
admin-policy-keep-activity = Days for which events are kept (0: forever)
admin-policy-keep-security-activity = Days for which security-relevant events are kept (0: forever)
admin-policy-retention-hint = Older events are deleted and can no longer be shown to anyone. Security-relevant events are changes by administrators, revocations, reports and limits that were reached. At least 30 days can be set here; the operator can set fewer.
admin-policy-look = Appearance
admin-policy-brand-light = Accent colour, light theme
admin-policy-brand-dark = Accent colour, dark theme
admin-policy-brand-hint = Enter both as #rrggbb, or leave both empty for the default colours. Text in these colours must be readable (contrast ratio of at least 4.5:1).
admin-tenants-add = Add a tenant
admin-tenants-name = Short name
admin-tenants-delete = Delete
# $tenant (String) - its short name
admin-tenants-off-question = Disable { $tenant }?
admin-tenants-off-consequence = Until the tenant is enabled again, its people cannot sign in, its clients are refused, and its keys cannot be used to log in.
# $tenant (String) - its short name
admin-tenants-delete-question = Delete { $tenant } and all its data?
admin-tenants-delete-consequence = Its people, clients, hosts, delegations, keys and audit log are deleted. This cannot be undone.
# $tenant (String) - its short name
admin-tenants-type = Enter { $tenant } to confirm
admin-people-mfa-forever = open, no expiry
admin-locks-out = No administrator would be able to sign in. Nothing was changed.
admin-providers = Identity providers
admin-providers-add = Add a provider
admin-providers-add-button = Test and add
admin-providers-empty = No identity providers yet
admin-providers-empty-hint = Add the provider where your people have an account.
admin-providers-id = Short name
admin-providers-id-hint = Used in URLs and, after a ~, in user names of new users. Letters, digits and . _ -
admin-providers-redirect-will-be = Redirect URI to register at the provider, with this short name in place of NAME:
admin-providers-name = Button label
admin-providers-kind = Kind
admin-providers-base = Issuer URL
admin-providers-base-hint = Enter it exactly as in the provider’s metadata. Leave it empty for kinds with a fixed address. It must use https and must not be on the portal’s own network; the portal’s operator can add providers there.
admin-providers-client-id = Client ID
admin-providers-secret = Client secret
admin-providers-secret-hint = It is not shown again. Leave it empty for a public client.
admin-providers-provisioning-hint = No new users can sign in until you choose who may, on the next page.
admin-providers-redirect = Registration at the provider
admin-providers-redirect-means = Redirect URI (register only this one):
admin-providers-has-secret = stored
admin-providers-no-secret = none (public client)
admin-providers-people = People who sign in with it
admin-providers-test = Test
admin-providers-test-hint = Fetches the provider’s metadata.
# $issuer (String) - its address
admin-providers-answers = OK: issuer { $issuer }
admin-providers-set-up = Sign-in settings
admin-providers-state = Status
admin-providers-enabled-means = Active: people can sign in with it
admin-providers-scope = Scope
# $usual (String) - scopes
admin-providers-scope-hint = Leave it empty for the default: { $usual }
admin-providers-provisioning = New users
admin-providers-provisioning-open = Anyone the provider authenticates
admin-providers-provisioning-invited = Invited users only
admin-providers-provisioning-rule = Users with a matching claim
admin-providers-known-only = Regardless of this setting, providers of this kind only sign in existing users.
admin-providers-claim = Claim
admin-providers-values = Values
admin-providers-values-hint = Separate several values with commas, for example staff@tacc, faculty@tacc.
admin-providers-mfa = Second factor at the provider
admin-providers-mfa-always = The provider always requires a second factor
admin-providers-mfa-acr = acr values that prove a second factor
admin-providers-mfa-amr = amr values that prove a second factor
admin-providers-mfa-hint = Separate several values with spaces.
admin-providers-names = User names of new users
# $provider (String) - its short name
admin-providers-own-names = Use the provider’s user names unchanged; otherwise ~{ $provider } is appended. Only for a provider whose user names are those of your centre.
admin-providers-new-secret = New client secret
admin-providers-replace-secret = Replace client secret
admin-providers-secret-needed = Enter the client secret that the provider issued.
admin-providers-added = The provider has been added. Register the redirect URI below at the provider, then choose who may sign in.
admin-providers-exists = A provider with this short name already exists.
admin-providers-incomplete = Enter a short name (letters, digits and . _ -), a button label, a kind, a client ID and, unless the kind has a fixed address, an issuer URL. Each must be a single line and not too long.
admin-providers-bad-set-up = Some fields are not valid. The button label must not be empty, a matching claim needs a claim and values, and each field must be a single line and not too long.
admin-providers-remove = Remove this provider
# $provider (String) - what its button says
admin-providers-remove-question = Remove { $provider }?
# $people (Number) - people who sign in there
# $only (Number) - those who have no other way in
admin-providers-remove-consequence = { $people ->
    [0] No one has signed in with it yet.
    [one] One person signs in with it and will no longer be able to.
   *[other] { NUMBER($people) } people sign in with it and will no longer be able to.
} { $only ->
    [0] No one loses their only sign-in method.
    [one] One person has no other sign-in method.
   *[other] { NUMBER($only) } people have no other sign-in method.
} Linked identities are kept in case you add it again. Open sessions continue.
# $why (String) - in half a sentence
provider-error-unreachable = The provider cannot be reached: { $why }.
provider-error-address-blocked = This address is on the portal’s own network. The portal’s operator can add a provider there with tms-portal idp add.
provider-error-slow = The provider did not respond in time.
# $detail (String) - in English
provider-error-broken = The response is not valid for a provider of this kind: { $detail }
# $detail (String) - in English
provider-error-issuer = The issuer does not match. Enter it exactly as in the provider’s metadata. ({ $detail })
# $detail (String) - in English
provider-error-misconfigured = The provider’s settings here are wrong: { $detail }
connect-error-host-not-found = host name not found
connect-error-refused = connection refused
connect-error-no-route = network unreachable
connect-error-connection-closed = connection closed by the provider
connect-error-no-tls = no TLS at this address
connect-error-unknown-authority = unknown certificate authority
connect-error-certificate-name = the certificate is for a different host name
connect-error-certificate-expired = the certificate has expired or is not yet valid
connect-error-slow = connection timed out
# $why (String) - one of the sentences above
# $proxy (String) - host and port
connect-error-proxied = { $why } (through the proxy { $proxy })
admin-people-identities = Linked identities
admin-people-no-identities = Not linked to any identity provider.
# $identity (String) - who the person is there
# $person (String) - their name
admin-people-unlink-identity-question = Unlink { $identity } from { $person }?
admin-people-unlink-identity-consequence = This identity can no longer be used to sign in to the person’s account. Open sessions continue.
admin-people-unlink-identity-last = It is this person’s only sign-in method: they cannot sign in again until you invite them or set a password for them.
admin-providers-signed-out-means = Post-logout redirect URI:
admin-providers-ended-means = Back-channel logout URI:

# Overview
admin-figures = At a glance
# $count (Number) - how many
admin-figure-reports = { $count ->
    [one] request was reported in the last 7 days
   *[other] requests were reported in the last 7 days
}
# $count (Number) - how many
admin-figure-locked-out = { $count ->
    [one] person is locked out after failed sign-ins
   *[other] people are locked out after failed sign-ins
}
# $count (Number) - how many
admin-figure-silent-hosts = { $count ->
    [one] host has made no key lookup for a day
   *[other] hosts have made no key lookup for a day
}
# $count (Number) - how many
admin-figure-no-credential = { $count ->
    [one] host has no credential
   *[other] hosts have no credential
}
# $count (Number) - how many
admin-figure-secrets = { $count ->
    [one] rotated secret expires within 14 days
   *[other] rotated secrets expire within 14 days
}
admin-figure-certificate = The portal’s TLS certificate expires on
# $count (Number) - how many
admin-figure-no-factor = { $count ->
    [one] person has no second factor here
   *[other] people have no second factor here
}
admin-chart = Sign-ins in the last 24 hours
# $succeeded (Number) - sign-ins
# $refused (Number) - refused ones
admin-chart-summary = { $succeeded } succeeded, { $refused } refused.
# $count (Number) - the most sign-ins within one hour
admin-chart-most = At most { $count } in one hour
admin-chart-now = now
# $count (Number) - how many
admin-figure-refused-lookups = { $count ->
    [one] key lookup was refused in the last 24 hours
   *[other] different key lookups were refused in the last 24 hours
}
# $wait (String) - a span of time
admin-people-blocked = Sign-in is blocked after too many failed attempts, for { $wait } more.
admin-people-allow-sign-in = Allow sign-in again
admin-chart-table = Show as a table
admin-chart-hour = Hour from
admin-chart-succeeded = Succeeded
admin-chart-refused = Refused
admin-hosts-show-all = All
admin-hosts-show-silent = No lookup for a day
admin-hosts-show-no-credential = Without credential
admin-people-show-no-factor = Without app or passkey
admin-people-factors = Enrolled second factors
admin-people-factors-none = None. The person has not set up an authenticator app or a passkey here.
# $count (Number) - how many
admin-people-factors-recovery = { $count ->
    [one] { $count } recovery code left
   *[other] { $count } recovery codes left
}
admin-people-factors-since = Set up
admin-people-mfa-hint = Until when the person's SSH keys work (the TMS record “user MFA”). It is extended by a sign-in with a second factor at the institution, or here by an administrator.
admin-hosts-status-new = No lookup yet
admin-hosts-status-silent = No lookup for a day
admin-hosts-status-working = Makes key lookups
admin-hosts-install = As root on the host, install the packages with one of these commands:
admin-hosts-store-credential = Store the credential. The command reads it from the terminal: paste it, press Enter, then Ctrl-D:

# Resource servers
admin-resources = Resource servers
admin-resources-lead = Applications that accept access tokens of this portal, with scopes of their own.
admin-resources-add = Register a resource server
admin-resources-add-button = Register
admin-resources-empty = No resource servers yet
admin-resources-indicator = Identifier
admin-resources-indicator-hint = An address, as programs send it in the parameter “resource”, such as https://data.example.org. It cannot be changed later.
admin-resources-name = Name, as people read it
admin-resources-scopes = Scopes
admin-resources-scopes-hint = One a line, with what it permits in English and Spanish:
admin-resources-clients = Clients that may ask people for access
admin-resources-clients-hint = Client IDs separated by spaces; * means all clients.
admin-resources-readers = Clients that may ask whether a token is valid
admin-resources-readers-hint = Client IDs separated by spaces: those of the application itself. They need a secret or keys.
admin-resources-remove = Remove this resource server
# $name (String) - its name
admin-resources-remove-question = Remove { $name }?
admin-resources-remove-consequence = Access that people allowed to it has no effect any more. Applications that check tokens without asking the portal accept them for up to an hour.
admin-resources-refused-exists = A resource server with this identifier is registered already.
admin-resources-refused-portal = This address belongs to the portal itself.
admin-resources-refused-no-name = Enter a name.
admin-resources-refused-no-scope = Enter at least one scope.
admin-resources-refused-too-many = There are more than 50 scopes.
# $scope (String) - a scope
admin-resources-refused-repeated = The scope { $scope } is there twice.
# $line (String) - what was entered
admin-resources-refused-scope = This line is not valid: { $line }. Write the scope without spaces, an equals sign, the English text, a vertical bar and the Spanish text. Scopes of the TMS API and of OpenID Connect cannot be used.
# $id (String) - what was entered
admin-resources-refused-client = This is not a client ID: { $id }
# $id (String) - a client ID
admin-resources-refused-no-client = There is no client { $id }.
# $id (String) - a client ID
admin-resources-refused-public = The client { $id } is public: it cannot prove who it is, so it may not ask about tokens.
