# /activity, and what happened
event-signed-in = Signed in
event-sign-in-failed = Sign-in failed
event-sign-in-blocked = Sign-in blocked after too many wrong attempts
event-secret-guessing-stopped = Too many wrong secrets of a client or administrator
event-signed-out = Signed out
event-identity-linked = Sign-in method linked
event-identity-unlinked = Sign-in method unlinked
event-session-ended = Browser sessions signed out
event-device-approved = Device or application allowed
event-device-denied = Request denied
event-device-reported = Request reported as not started by the person
event-authorization-allowed = Application allowed
event-sign-in-allowed = Sign-in to an application allowed
event-signed-in-at-client = Signed in to an application
event-logout-not-delivered = Application not told of a sign-out
event-authorization-code-replayed = Sign-in code reused; access revoked
event-authorization-lapsed = Application did not request its token in time; access revoked
event-device-revoked = Access revoked
event-tokens-revoked = Sign-in of an application ended
event-device-redeemed = Device received its token
event-device-replayed = Device code reused; access revoked
event-refresh-token-reused = Old token of an application used again; access revoked
event-refreshed-from-new-network = Application used a sign-in from a new network
event-code-presented-twice = Code that was open in one browser entered in another
event-code-guessing-stopped = Too many wrong codes entered
event-device-expired = Device did not request its token in time; access revoked
event-key-created = SSH key created
event-key-changed = SSH key limits changed
event-key-revoked = SSH key revoked
event-key-used = SSH key used to log in
event-key-reserved = SSH key reserved
event-reservation-ended = SSH key reservation ended
event-host-link-requested = Host account link requested
event-host-linked = Host account linked
event-host-link-changed = Host account expiry changed
event-host-unlinked = Host account unlinked
event-host-link-refused = Host account link reported as not requested by the person
event-delegated = Application authorised by an administrator
event-delegation-changed = Expiry of an application’s access changed
event-delegation-ended = Access of an application revoked
event-mfa-opened = Second factor activated
event-mfa-changed = Second factor enabled or disabled
event-mfa-closed = Second-factor registration deleted
event-client-created = Client created
event-client-changed = Client changed
event-client-secret-changed = Client secret rotated
event-client-deleted = Client deleted
event-client-request-refused = Request of a client refused
event-resource-server-added = Resource server registered
event-resource-server-changed = Resource server changed
event-resource-server-removed = Resource server removed
event-host-added = Host added
event-host-removed = Host removed
event-host-credential-created = Host credential created
event-host-credential-changed = Host credential changed
event-host-credential-removed = Host credential removed
event-admin-added = Administrator added
event-admin-secret-changed = Administrator secret changed
event-admin-removed = Administrator removed
event-person-added = Person added
event-person-changed = Person enabled or disabled, or password reset
event-tenant-created = Tenant created
event-tenant-changed = Tenant changed
event-tenant-deleted = Tenant deleted
event-imported = Data imported from a TMS server
event-imported-secret-used = Imported secret used for the first time
event-signing-key-rotated = Another key signs tokens
event-signing-key-compromised = Compromised signing key removed
event-person-invited = Person invited
event-person-erased = Person and their data removed
event-provider-added = Identity provider added
event-provider-changed = Identity provider changed
event-provider-removed = Identity provider removed
event-otherwise = Unknown event
activity-title = Activity
activity-lead = What happened in your account, newest first. If you did not cause an event, open “This wasn’t me” beside it.
activity-search-for = application, key, host or address
activity-show-all = All events
activity-show-sign-ins = Sign-ins
activity-show-apps = Devices and applications
activity-show-keys = SSH keys
activity-show-hosts = Hosts and second factor
activity-show-administration = Administration
activity-empty-title = No events yet
activity-empty = Sign-ins, granted access and key use will appear here.
activity-client = Application
activity-subject = Details
activity-from = From
activity-by = By
# $admin (String) - who did it
activity-by-admin = administrator { $admin }
activity-by-operator = the portal’s operator
activity-who = Person
activity-not-me = This wasn’t me
# $what (String) - what happened
activity-not-me-this = This wasn’t me: { $what }
activity-export = Export
activity-export-json = Everything as JSON
activity-export-csv = Events as CSV
event-everything-revoked = Everything revoked: SSH keys, access and other sessions
event-first-factor-used = Password or institution accepted; second factor requested
event-second-factor-added = Second factor set up
event-second-factor-removed = Second factor removed
event-second-factor-renamed = Passkey renamed
event-second-factor-failed = Wrong second factor
event-recovery-code-used = Recovery code used
event-recovery-codes-created = New recovery codes created
event-password-changed = Password changed
event-password-change-failed = Password change failed: wrong current password
# $app (String) - the application’s name
# $host (String) - the host’s name
# $account (String) - the account on the host
event-key-used-app-host = { $app } logged in to { $host } as { $account }
# $host (String) - the host’s name
# $account (String) - the account on the host
event-key-used-host = Login to { $host } as { $account } with an SSH key
# $app (String) - the application’s name
event-key-used-app = { $app } logged in with an SSH key
# $app (String) - the application’s name
# $host (String) - the host’s name
# $account (String) - the account on the host
event-key-created-app-host = { $app } created an SSH key for { $account } on { $host }
# $host (String) - the host’s name
# $account (String) - the account on the host
event-key-created-host = SSH key for { $account } on { $host } added
# $app (String) - the application’s name
event-key-created-app = { $app } created an SSH key
# $app (String) - the application’s name
# $host (String) - the host’s name
# $account (String) - the account on the host
event-key-changed-app-host = Limits of an SSH key changed, created by { $app } for { $account } on { $host }
# $host (String) - the host’s name
# $account (String) - the account on the host
event-key-changed-host = Limits of an SSH key for { $account } on { $host } changed
# $app (String) - the application’s name
event-key-changed-app = Limits of an SSH key created by { $app } changed
# $app (String) - the application’s name
# $host (String) - the host’s name
# $account (String) - the account on the host
event-key-revoked-app-host = SSH key revoked, created by { $app } for { $account } on { $host }
# $host (String) - the host’s name
# $account (String) - the account on the host
event-key-revoked-host = SSH key for { $account } on { $host } revoked
# $app (String) - the application’s name
event-key-revoked-app = SSH key created by { $app } revoked
# $app (String) - the application’s name
# $host (String) - the host’s name
# $account (String) - the account on the host
event-key-reserved-app-host = { $app } reserved an SSH key for { $account } on { $host }
# $app (String) - the application’s name
event-key-reserved-app = { $app } reserved an SSH key
# $app (String) - the application’s name
event-reservation-ended-app = { $app } ended the reservation of an SSH key
# $app (String) - the application’s name
event-device-approved-app = Access allowed for { $app }
# $app (String) - the application’s name
event-device-denied-app = Request of { $app } denied
# $app (String) - the application’s name
event-device-reported-app = Request of { $app } reported as not started by the person
# $app (String) - the application’s name
event-device-reported-own = You reported a request of { $app }
# $app (String) - the application’s name
event-sign-in-allowed-app = Sign-in to { $app } allowed
# $app (String) - the application’s name
event-signed-in-at-client-app = Signed in to { $app }
# $app (String) - the application’s name
event-logout-not-delivered-app = { $app } could not be told of a sign-out
# $app (String) - the application’s name
event-authorization-code-replayed-app = Sign-in code of { $app } reused; access revoked
# $app (String) - the application’s name
event-authorization-lapsed-app = { $app } did not complete the sign-in in time; access revoked
# $app (String) - the application’s name
event-device-revoked-app = Access of { $app } revoked
# $app (String) - the application’s name
event-tokens-revoked-app = A sign-in of { $app } ended; what you allowed it remains
# $app (String) - the application’s name
event-device-redeemed-app = { $app } received its token
# $app (String) - the application’s name
event-device-replayed-app = Device code of { $app } reused; access revoked
# $app (String) - the application’s name
event-refresh-token-reused-app = Old token of { $app } used again; access revoked
# $app (String) - the application’s name
event-refreshed-from-new-network-app = { $app } used its sign-in from a new network
# $app (String) - the application’s name
event-code-presented-twice-app = Code of { $app } that was open in one browser entered in another
# $app (String) - the application’s name
event-device-expired-app = { $app } did not request its token in time; access revoked
# $app (String) - the application’s name
event-delegated-app = { $app } authorised by an administrator
# $app (String) - the application’s name
event-delegation-changed-app = Expiry of the access of { $app } changed
# $host (String) - the host’s name
# $account (String) - the account on the host
event-host-link-requested-host = Link of { $account } on { $host } requested
# $host (String) - the host’s name
# $account (String) - the account on the host
event-host-linked-host = { $account } on { $host } linked
# $host (String) - the host’s name
# $account (String) - the account on the host
event-host-link-changed-host = Expiry of { $account } on { $host } changed
# $host (String) - the host’s name
# $account (String) - the account on the host
event-host-unlinked-host = { $account } on { $host } unlinked
# $host (String) - the host’s name
# $account (String) - the account on the host
event-host-link-refused-host = Link of { $account } on { $host } reported as not requested by the person
# $host (String) - the host’s name
# $account (String) - the account on the host
event-host-link-refused-own = You reported a request to link { $account } on { $host }
# $name (String) - the name of what changed
event-signed-in-as = Signed in as { $name }
# $name (String) - the name of what changed
event-identity-linked-name = Sign-in method { $name } linked
# $name (String) - the name of what changed
event-identity-unlinked-name = Sign-in method { $name } unlinked
# $app (String) - the application’s name
event-client-created-app = Client { $app } created
# $app (String) - the application’s name
event-client-changed-app = Client { $app } changed
# $app (String) - the application’s name
event-client-secret-changed-app = Secret of the client { $app } rotated
# $app (String) - the application’s name
event-client-deleted-app = Client { $app } deleted
# $app (String) - the application’s name
event-client-request-refused-app = Request of the client { $app } refused
# $name (String) - the name of what changed
event-resource-server-added-name = Resource server { $name } registered
# $name (String) - the name of what changed
event-resource-server-changed-name = Resource server { $name } changed
# $name (String) - the name of what changed
event-resource-server-removed-name = Resource server { $name } removed
# $host (String) - the host’s name
event-host-added-host = Host { $host } added
# $host (String) - the host’s name
event-host-removed-host = Host { $host } removed
# $host (String) - the host’s name
event-host-credential-created-host = Credential of the host { $host } created
# $host (String) - the host’s name
event-host-credential-changed-host = Credential of the host { $host } changed
# $host (String) - the host’s name
event-host-credential-removed-host = Credential of the host { $host } removed
# $name (String) - the name of what changed
event-admin-added-name = Administrator { $name } added
# $name (String) - the name of what changed
event-admin-secret-changed-name = Secret of the administrator { $name } changed
# $name (String) - the name of what changed
event-admin-removed-name = Administrator { $name } removed
# $name (String) - the name of what changed
event-person-added-name = Person { $name } added
# $name (String) - the name of what changed
event-person-changed-name = { $name } enabled or disabled, or password reset
# $name (String) - the name of what changed
event-person-invited-name = Person { $name } invited
# $name (String) - the name of what changed
event-provider-added-name = Identity provider { $name } added
# $name (String) - the name of what changed
event-provider-removed-name = Identity provider { $name } removed
# $name (String) - the name of what changed
event-tenant-deleted-name = Tenant { $name } deleted
# $name (String) - the name of what changed
event-signing-key-rotated-name = Key { $name } signs tokens now
# $name (String) - the name of what changed
event-signing-key-compromised-name = Compromised signing key { $name } removed
# $count (Number) - how many
# $app (String) - the application’s name
# $host (String) - the host’s name
# $account (String) - the account on the host
event-keys-created-app-host = { NUMBER($count) } SSH keys for { $account } on { $host } created by { $app }
# $count (Number) - how many
# $app (String) - the application’s name
event-keys-created-app = { NUMBER($count) } SSH keys created by { $app }
# $count (Number) - how many
# $host (String) - the host’s name
# $account (String) - the account on the host
event-keys-created-host = { NUMBER($count) } SSH keys for { $account } on { $host } added
# $count (Number) - how many
event-keys-created = { NUMBER($count) } SSH keys created
# $count (Number) - how many
# $app (String) - the application’s name
# $host (String) - the host’s name
# $account (String) - the account on the host
event-keys-revoked-app-host = { NUMBER($count) } SSH keys revoked, created by { $app } for { $account } on { $host }
# $count (Number) - how many
# $app (String) - the application’s name
event-keys-revoked-app = { NUMBER($count) } SSH keys created by { $app } revoked
# $count (Number) - how many
# $host (String) - the host’s name
# $account (String) - the account on the host
event-keys-revoked-host = { NUMBER($count) } SSH keys for { $account } on { $host } revoked
# $count (Number) - how many
event-keys-revoked = { NUMBER($count) } SSH keys revoked
# $count (Number) - how many
# $app (String) - the application’s name
# $host (String) - the host’s name
# $account (String) - the account on the host
event-keys-used-app-host = { $app } logged in to { $host } as { $account } { NUMBER($count) } times
# $count (Number) - how many
# $host (String) - the host’s name
# $account (String) - the account on the host
event-keys-used-host = { NUMBER($count) } logins to { $host } as { $account } with an SSH key
# $sentence (String) - what happened
# $count (Number) - how often
event-times = { $sentence } ({ NUMBER($count) } times)
activity-today = Today
activity-yesterday = Yesterday
# $zone (String) - such as Europe/Madrid
activity-zone = Days are counted in the time zone { $zone }.
activity-key = Key
# $count (Number) - how many events
activity-single = Show these { NUMBER($count) } events
activity-date-from = First day
activity-date-to = Last day
activity-actor = User name or administrator
activity-date-invalid = A date is not valid. Dates are written as 2026-11-30.
activity-dates-reversed = The first day is after the last one.
# $name (String) - display name
# $user (String) - user name
activity-person = { $name } ({ $user })
activity-do-sign-out = Sign out other sessions
activity-do-password = Change password
activity-do-methods = Review sign-in methods
# $app (String) - the application’s name
activity-do-revoke-access = Revoke the access of { $app }
# $account (String) - the account on the host
# $host (String) - the host’s name
activity-do-unlink = Unlink { $account } on { $host }
activity-do-everything = Revoke everything
# $count (Number) - how many keys
activity-do-revoke-keys = { $count ->
    [one] Revoke this key
   *[other] Revoke these { NUMBER($count) } keys
}
# $day (String) - day of the month
# $month (Number) - 1 to 12
# $year (String) - four digits
calendar-date = { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[other] December
} { $year }
