# Logins that hosts refused, and why: /activity, and the pages of a host and a person.
refused-title = Refused logins
# $count (Number) - how many
refused-count = { $count ->
    [one] One refused login in the last 30 days
   *[other] { NUMBER($count, useGrouping: "false") } refused logins in the last 30 days
}
# $count (Number) - how many
refused-newest = Only { NUMBER($count, useGrouping: "false") } are shown, those of registered keys first.
refused-lead = Hosts refused logins with these keys to your accounts. If you did not try to log in, no action is needed: the logins did not succeed.
refused-none = The portal refused no login in the last 30 days.
refused-key = Key
refused-client = Application
refused-person = Person
refused-host = Host
refused-asked-from = Host’s address
refused-times = Refused
# $count (Number) - how many times
refused-times-count = { $count ->
    [one] once
   *[other] { NUMBER($count, useGrouping: "false") } times
}
# $place (String) - account@host
refused-unknown-key = The key is not registered for { $place }. It may have been revoked.
# $place (String) - account@host
refused-key-expired = The key for { $place } has expired.
# $place (String) - account@host
refused-key-used-up = The key for { $place } has no logins left.
# $place (String) - account@host
refused-reservation-ended = The key for { $place } and its reservation have expired.
# $place (String) - account@host
refused-mfa-missing = Logging in to { $place } requires a second factor, and none has been used here.
# $place (String) - account@host
refused-mfa-disabled = Logging in to { $place } requires a second factor, which an administrator has disabled.
# $place (String) - account@host
refused-mfa-expired = Logging in to { $place } requires a second factor, which was last used too long ago.
# $place (String) - account@host
refused-link-missing = { $place } is linked to no person.
# $place (String) - account@host
refused-link-expired = The link to { $place } has expired.
# $place (String) - account@host
refused-delegation-missing = The application that created the key may no longer use { $place }.
# $place (String) - account@host
refused-delegation-expired = The application’s access to { $place } has expired.
# $place (String) - account@host
refused-client-disabled = The application that created the key for { $place } is disabled.
# $place (String) - account@host
refused-person-disabled = The owner of the key for { $place } is disabled.
# $place (String) - account@host
refused-tenant-disabled = Logging in to { $place } was not possible while your centre was disabled.
# $place (String) - account@host
refused-uid = { $place } counts as a system account: its UID is below the minimum.
# $place (String) - account@host
refused-key-type = For { $place }, the host asked for a key of another type, for example for a certificate.
# $place (String) - account@host
refused-other-tenant = The key for { $place } was looked for in another centre, which has a host of the same name.
# $place (String) - account@host
refused-credential-missing = The host of { $place } did not send its credential.
# $place (String) - account@host
refused-credential-invalid = The host of { $place } sent a credential that is not valid.
# $place (String) - account@host
refused-credential-other = The host of { $place } sent the credential of another host.
refused-do-keys = Open SSH keys
refused-do-new-key = Start the application again, or run tms ssh HOST: it gets a new key.
refused-do-mfa = Use your second factor
refused-do-mfa-set-up = Set up a second factor
refused-do-hosts = Renew the link
refused-do-apps = Open applications
refused-ask = Only the administrators of your centre can change this.
