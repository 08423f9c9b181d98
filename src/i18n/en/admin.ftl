# /admin
admin-title = Administration
admin-lead = What you do here can be done by the TMS API as well: each page shows the command. All of it stands in the record.
admin-areas = Areas of the administration
admin-clients = Clients
admin-clients-purpose = applications that may ask people and make keys
admin-hosts = Hosts
admin-hosts-purpose = set them up, and see when they asked last
admin-people = People
admin-people-purpose = second factors, host accounts, sessions
admin-delegations = Delegations
admin-delegations-purpose = who may act for whom
admin-keys = Keys
admin-keys-purpose = every SSH key of the tenant
admin-activity = Record
admin-activity-purpose = everything that happened
admin-policy = Policy
admin-policy-purpose = lifetimes, requirements, look
admin-tenants = Tenants
admin-tenants-purpose = the centres of this deployment
admin-as-curl = The same by the API
admin-saved = Saved.
admin-gone = That is not there any more. Nothing was changed.
admin-stale = Somebody has changed this since you opened it. Look at it again, then make your change.
# $name (String) - what was deleted
admin-deleted = { $name } has been deleted.
# $until (String) - date and time
admin-rotated = There is a new secret. The old one works until { $until }.
admin-bad-id = Names take letters, digits and . _ - @ + ~ /, and must not be empty.
admin-clients-name-needed = A client needs a name and a version.
admin-clients-added = The client has been made.
admin-clients-exists = There is a client of that id, or of that name and version, already.
admin-hosts-added = The host has been added: this tenant answers it, also when it does not say whose it is.
admin-hosts-added-elsewhere = The host has been added. Another tenant had a host of that name first, so it has to say whose it is: set “tenant” in its tms_keycmd.toml.
# $address (String) - the address
# $other (String) - the other host
admin-hosts-added-shared = But { $address } is an address of { $other } too: as a name it stands for neither of the two hosts. Use their own names.
admin-hosts-exists = The host has that address already.
admin-hosts-credential-made = Put this credential into the host’s credential file. The one before, if there was one, works for one more hour.
admin-people-added = The account has been made.
admin-people-added-with-password = The account has been made. This is its password:
admin-people-new-password = All sessions of this person have ended. This is the new password:
admin-people-exists = There is a person of that name already.
admin-people-no-mfa = Open the person’s second factor first: a host account rests on it.
admin-people-linked-already = That account is linked to the person already.
admin-delegations-no-client = There is no such client.
admin-delegations-no-person = There is no such person.
admin-delegations-exists = An administrator has set that up already. End it first.
admin-delegations-ended = It has been ended: tokens no longer work, and the keys made for it have been deleted.
admin-policy-out-of-range = The name must not be empty; codes live 1 to 60 minutes, access 1 to 3650 days, a second factor 1 hour to 10 years, links 1 to 3650 days; account numbers begin at 1.
# $tenant (String) - its name
admin-tenants-added = The tenant { $tenant } has been made. This is the secret of its first administrator, ~~admin:
admin-tenants-not-typed = Type the tenant’s name exactly to delete it. Nothing was changed.
admin-id = Id
admin-made = Made
admin-days = Days (0: for ever)
admin-user-name = User name
admin-enabled = on
admin-disabled = off
admin-enable = Switch on
admin-disable = Switch off
admin-save = Save
admin-remove = Remove
admin-as-command = The same at the command line
admin-clients-id = Client id
admin-clients-show-all = All
admin-clients-show-enabled = Switched on
admin-clients-show-disabled = Switched off
admin-clients-show-public = Public
admin-clients-search-for = id or name
admin-clients-add = Add a client
admin-clients-add-button = Make it and show its secret
admin-clients-empty = No client yet
admin-clients-public = public
admin-clients-verified = verified
admin-clients-app-name = Application
admin-clients-app-version = Version
admin-clients-may = What it may ask people for
admin-clients-device-grant = Ask in the browser with a code (device grant)
admin-clients-set-up = What it may do
admin-clients-standing = Standing
admin-clients-enabled-means = Switched on: its secret, its tokens and its keys work
admin-clients-verified-means = Verified: people are told that you vouch for it
admin-clients-secret = Secret
admin-clients-old-secret = A rotation is under way. The old secret stops working
admin-clients-overlap = Hours the old secret goes on
admin-clients-rotate = Make a new secret
admin-clients-delete = Delete this client
# $client (String) - its name
admin-clients-delete-question = Delete { $client }?
# $keys (Number) - keys it made
# $people (Number) - people who let it act for them
admin-clients-delete-consequence = Its keys ({ NUMBER($keys) }) and the permissions people gave it ({ NUMBER($people) } people) are deleted with it, and its tokens stop working at once. This cannot be undone.
admin-hosts-search-for = name or address
admin-hosts-add = Add a host
admin-hosts-empty = No host yet
admin-hosts-empty-hint = Add a host to get the lines for its sshd_config, and to see when it asks.
admin-hosts-name = Host
admin-hosts-name-hint = As your centre calls it; it need not be its DNS name.
admin-hosts-address = Address
admin-hosts-address-hint = Where ssh reaches it: a DNS name or an IP address.
admin-hosts-addresses = Addresses
admin-hosts-asked = Last asked for a key
admin-hosts-credential = Credential
admin-hosts-credential-none = none
admin-hosts-credential-required = keys are shown to it only with its credential
admin-hosts-credential-optional = has one, not required
admin-hosts-credential-make = Make a credential
admin-hosts-credential-renew = Make a new credential
admin-hosts-credential-demand = Require the credential
admin-hosts-credential-demand-not = Do not require it
admin-hosts-credential-remove = Take it away
admin-hosts-test = Look again
admin-hosts-answers-not = Another centre has this name too: the host must send its tenant, or a credential.
# $host (String)
admin-hosts-credential-remove-question = Take the credential of { $host } away?
admin-hosts-credential-remove-consequence = Whoever knows the host’s name can ask for its keys again. A host that still shows the credential is refused.
admin-hosts-test-hint = Log in on the host, or run the check below; then look again: this page says when the host asked.
admin-hosts-set-up = Set it up
admin-hosts-sshd-config = In its sshd_config:
admin-hosts-key-command = In /etc/ssh/tms_keycmd/tms_keycmd.toml:
admin-hosts-then-check = Then, on the host:
admin-hosts-links = With these two units people link the account they are logged in to here themselves, with tms link:
admin-hosts-links-credential = First give the host a credential, below: it asks for the links with it.
# $address (String) - the address
# $host (String) - the host
admin-hosts-remove-question = Remove { $address } from { $host }?
admin-hosts-remove-consequence = With its last address the host goes from this list. Linked accounts and keys for it stay.
admin-people-search-for = user name or name
admin-people-show-all = All
admin-people-show-enabled = Switched on
admin-people-show-disabled = Switched off
admin-people-show-admins = Administrators
admin-people-show-no-mfa = Without a second factor that counts
admin-people-sort-name = By user name
admin-people-sort-made = Newest first
admin-people-add = Add a person
admin-people-empty = Nobody yet
admin-people-display-name = Name
admin-people-admin = administrator
admin-people-mfa = Second factor
admin-people-mfa-none = none
admin-people-mfa-until = counts until
admin-people-mfa-expired = expired
admin-people-mfa-off = switched off
admin-people-mfa-open = Let it count from now on
# $account (String)
# $person (String)
admin-people-unlink-question = Unlink { $account } from { $person }?
admin-people-unlink-consequence = The keys for this account are deleted. It can be linked again; the keys do not come back.
admin-people-mfa-enable = Switch it on
admin-people-mfa-disable = Switch it off
admin-people-mfa-close = Close it for good
# $person (String) - their name
admin-people-mfa-close-question = Close the second factor of { $person } for good?
admin-people-mfa-close-consequence = Their host accounts are unlinked, what may act for them ends, and their keys are deleted. The account stays.
admin-people-forget-factors = Take their second factors away
# $person (String)
admin-people-forget-factors-question = Take all second factors of { $person } away?
admin-people-forget-factors-consequence = For somebody who has lost them, and whom you know by other means: from then on their password alone lets them in, until they set one up again. Passkeys, the authenticator app and recovery codes stop working.
admin-people-host-accounts = Host accounts
# $place (String) - account@host
admin-people-unlink-this = Unlink { $place }
admin-people-link = Link
admin-people-no-sessions = Signed in nowhere.
admin-people-end-sessions = End all sessions
# $person (String) - their name
admin-people-end-sessions-question = End all sessions of { $person }?
admin-people-account = Account
admin-people-disable = Switch off
admin-people-enable = Switch on
# $person (String) - their name
admin-people-disable-question = Switch { $person } off?
admin-people-disable-consequence = Their sessions end, their devices’ tokens stop working, and no key logs in for them, until they are switched on again.
admin-people-appoint = Make an administrator
# $person (String) - their name
admin-people-appoint-question = Make { $person } an administrator?
admin-people-appoint-consequence = They can do all that you can do here, also take the role away from you.
admin-people-dismiss = Take the role away
# $person (String) - their name
admin-people-dismiss-question = Take the role of an administrator away from { $person }?
admin-people-dismiss-consequence = They can no longer open these pages. What they did stays.
admin-people-password = New password
# $person (String) - their name
admin-people-password-question = Give { $person } a new password?
admin-people-password-consequence = The old one stops working, and all their sessions end. The new one is shown once.
hosts-account = Account
admin-delegations-search-for = client or person
admin-delegations-add = Add a delegation
admin-delegations-add-means = Lets a client act for a person, on all of their host accounts, without asking them.
admin-delegations-empty = Nothing is delegated
admin-delegations-end = End
# $client (String) - the client
# $user (String) - the person
admin-delegations-end-this = End what { $client } may do for { $user }
# $client (String) - the client
# $user (String) - the person
admin-delegations-end-question = End everything { $client } may do for { $user }?
admin-delegations-end-consequence = Also what the person allowed: tokens stop working at once, and the keys the client made for them are deleted.
admin-keys-search-for = person, host, account, client or fingerprint
admin-keys-empty = No keys yet
admin-policy-name = Name of the centre
admin-policy-code-minutes = Minutes a code lives
admin-policy-access-days = Days of access a person may grant at most
admin-policy-mfa-hours = Hours a second factor counts
admin-policy-link-days = Days a link lasts that people make from the host
admin-policy-lowest-uid = Lowest number of an account that people may link; lower ones are the host’s own
admin-policy-people = People
admin-policy-started-tick = The consent page requires the tick “Yes, I started this”
admin-policy-prefill = An address may fill in the code: easier to use, and easier to phish
admin-policy-own-keys = People may register public keys of their own
admin-policy-second-factor-at-consent = People show a second factor before they let a device act for them
admin-policy-second-factor-for-admins = Administrators show a second factor before they use the role
admin-policy-shared = One host account may be linked to several people
admin-policy-shared-hint = Each of them, and every application they allow, then acts as the same account: nobody on the host can tell them apart. Where this is off, an account that is linked to one person is refused to others, and they are not told whose it is.
admin-policy-machines = Machines
admin-policy-host-credential = Keys are shown only to hosts with a credential
admin-policy-open-registration = Anybody may register a client
admin-policy-mvp = MVP mode, for moving over from an older server: links and delegations that are missing are made when a client asks for a key
admin-policy-look = Look
admin-policy-brand-light = Colour on light ground
admin-policy-brand-dark = Colour on dark ground
admin-policy-brand-hint = Both as #rrggbb, or both empty for the portal’s own. They are checked: text in them must be readable (contrast 4.5).
admin-tenants-add = Add a tenant
admin-tenants-name = Short name
admin-tenants-delete = Delete
# $tenant (String) - its short name
admin-tenants-off-question = Switch { $tenant } off?
admin-tenants-off-consequence = Nobody can sign in there, no client gets anything, and no key logs in until it is switched on again.
# $tenant (String) - its short name
admin-tenants-delete-question = Delete { $tenant } with all it has?
admin-tenants-delete-consequence = Its people, clients, hosts, delegations, keys and its record are deleted. This cannot be undone.
# $tenant (String) - its short name
admin-tenants-type = Type { $tenant } to go on
admin-people-mfa-forever = counts, without an end
admin-locks-out = No administrator could sign in any more. Nothing was changed.
admin-providers = Identity providers
admin-providers-purpose = institutions at which people sign in
admin-providers-add = Add a provider
admin-providers-add-button = Ask it, and add it
admin-providers-empty = No identity provider yet
admin-providers-empty-hint = Add the one at which your people have an account.
admin-providers-id = Short name
admin-providers-id-hint = Stands in addresses and, behind a ~, in names of newcomers. Letters, digits and . _ -
admin-providers-redirect-will-be = What to register there, with that in place of NAME (redirect URI):
admin-providers-name = What its button says
admin-providers-kind = Kind
admin-providers-base = Where it is
admin-providers-base-hint = The issuer of an OpenID provider, written exactly as it writes it; empty for those that are in one place only. Over https, and not on the portal’s own network: whoever runs the portal adds those.
admin-providers-client-id = As what it knows this portal (client id)
admin-providers-secret = Its client’s secret
admin-providers-secret-hint = Never shown again. Empty, if it gave none: then the portal is a public client.
admin-providers-newcomers-hint = Nobody new comes in until you say who may, on the page that follows.
admin-providers-redirect = At the provider
admin-providers-redirect-means = Register this address there as the only one to send people back to (redirect URI):
admin-providers-has-secret = kept
admin-providers-no-secret = none: a public client
admin-providers-people = People who sign in there
admin-providers-test = Test it
admin-providers-test-hint = Asks the provider what it says of itself.
# $issuer (String) - its address
admin-providers-answers = It answers, as { $issuer }.
admin-providers-set-up = How people come in
admin-providers-state = State
admin-providers-enabled-means = Switched on: people sign in there
admin-providers-scope = What to ask for (scope)
# $usual (String) - scopes
admin-providers-scope-hint = Empty for the usual: { $usual }
admin-providers-newcomers = Who may come for the first time
admin-providers-newcomers-open = Whoever the provider lets in
admin-providers-newcomers-invited = Whoever has been invited
admin-providers-newcomers-rule = Whoever has one of these values in a claim
admin-providers-known-only = Of this kind only people come who are known already, whatever is chosen here.
admin-providers-claim = Claim
admin-providers-values = Values
admin-providers-values-hint = Several with commas between them, such as staff@tacc, faculty@tacc.
admin-providers-mfa = What counts as a second factor
admin-providers-mfa-always = The provider demands one of everybody
admin-providers-mfa-acr = Values of acr that mean one
admin-providers-mfa-amr = Values of amr that mean one
admin-providers-mfa-hint = Several with spaces between them.
admin-providers-names = Names of newcomers
# $provider (String) - its short name
admin-providers-own-names = They are called what it calls them; otherwise ~{ $provider } is put behind it. Only for a provider whose names are your centre’s own.
admin-providers-new-secret = New secret
admin-providers-replace-secret = Replace the secret
admin-providers-secret-needed = Type the secret that the provider gave you.
admin-providers-added = The provider has been added. Register the address below there, then say who may come in.
admin-providers-exists = There is a provider of that name already.
admin-providers-incomplete = A provider needs a short name of letters, digits and . _ -, what its button says, its kind, where it is, and a client id; each in one line that is not too long.
admin-providers-bad-set-up = Some of that cannot be: what the button says must not be empty, a rule needs a claim and values, and each field is one line that is not too long.
admin-providers-remove = Remove this provider
# $provider (String) - what its button says
admin-providers-remove-question = Remove { $provider }?
# $people (Number) - people who sign in there
# $only (Number) - those who have no other way in
admin-providers-remove-consequence = { $people ->
    [0] Nobody has signed in there yet.
    [one] One person signs in there, and cannot any more.
   *[other] { NUMBER($people) } people sign in there, and cannot any more.
} { $only ->
    [0] Nobody is left without a way in.
    [one] One person has no other way in.
   *[other] { NUMBER($only) } people have no other way in.
} Who people are there stays known, for when it is added again. Sessions that are open go on.
# $why (String) - in half a sentence
provider-trouble-unreachable = It cannot be reached: { $why }.
provider-trouble-out-of-bounds = That address is on a network of the portal’s own. Whoever runs the portal can add a provider there, with tms-portal idp add.
provider-trouble-slow = It takes too long to answer.
# $detail (String) - in English
provider-trouble-broken = It does not answer as a provider of this kind does: { $detail }
# $detail (String) - in English
provider-trouble-issuer = It calls itself something else. Write where it is exactly as it writes it. ({ $detail })
# $detail (String) - in English
provider-trouble-misconfigured = It is set up wrongly here: { $detail }
provider-why-no-such-name = no address is known for its name
provider-why-refused = it refuses the connection
provider-why-no-route = no way leads to its network
provider-why-hangs-up = it hangs up
provider-why-no-tls = it does not speak TLS there
provider-why-unknown-authority = its certificate is from an authority that is not known here
provider-why-other-name = its certificate is for another name
provider-why-not-now = its certificate is not valid at this time
provider-why-slow = it takes too long to answer
# $why (String) - one of the sentences above
# $proxy (String) - host and port
provider-why-proxied = { $why } (through the proxy { $proxy })
admin-people-identities = Ways to sign in elsewhere
admin-people-no-identities = Linked to no identity provider.
# $identity (String) - who the person is there
# $person (String) - their name
admin-people-unlink-identity-question = Unlink { $identity } from { $person }?
admin-people-unlink-identity-consequence = Whoever signs in there is no longer this person here. Sessions that are open go on.
admin-people-unlink-identity-last = It is this person’s only way in: they cannot sign in any more until you invite them, or give them a password.
admin-providers-signed-out-means = Where it sends people who have signed out there (post-logout redirect):
admin-providers-ended-means = Where it says that somebody has signed out there (back-channel logout):
