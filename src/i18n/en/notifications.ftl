notifications-title = Notifications
notifications-lead = If you did not do one of these yourself, choose “This wasn’t me”.
# $address (String) - an IP address
notification-new-network = You signed in from { $address }. You had not used that network in the last 90 days.
# $client (String) - the application's name
notification-application-allowed = { $client } was allowed to act for you.
# $client (String) - the application's name
# $device (String) - its program and address, such as "tms 0.4.0 (laptop; Linux), 192.0.2.1"
notification-application-allowed-on = { $client } was allowed to act for you. The request came from { $device }.
# $fingerprint (String) - of the SSH key
notification-key-registered = An SSH key was added to your account: { $fingerprint }.
# $client (String) - the application's name
notification-application-keys = { $client } created SSH keys for you.
# $client (String) - the application's name
notification-device-replayed = The sign-in code of { $client } was used a second time. The access it had given was revoked.
# $client (String) - the application's name
notification-refresh-token-reused = An old token of { $client } was used again, so there may be a copy of it. The access that it belonged to was revoked.
notification-code-submitted-twice = A code was entered in two browsers. Only the first one can use it.
notification-second-factor-removed = A second factor was removed from your account.
notification-from = from
notification-not-me = This wasn’t me
notification-details = Details
notification-dismiss = Dismiss
notifications-dismiss-all = Dismiss all
# $count (Number) - notifications that are not shown
notifications-older = { $count ->
    [one] One older notification
   *[other] { NUMBER($count) } older notifications
}
notifications-dismissed = Dismissed. The events are still listed under Activity.
notifications-gone = Nothing was left to dismiss.

mail-title = E-mail
# $address (String) - an e-mail address
mail-sent-to = Notifications are sent to { $address }.
mail-from-institution = Your institution confirmed this address when you signed in.
mail-from-admin = An administrator set this address.
mail-no-address = No e-mail address of yours is known, so notifications are only on the home page. Your institution passes one on when you sign in there, or an administrator sets it.
mail-always = Sign-ins from new networks, new keys of your own, reused codes and tokens and removed second factors are always sent: an intruder could otherwise turn them off first.
mail-optional = Also send e-mail about new applications and the keys they create
mail-optional-on = E-mail about applications is on.
mail-optional-off = E-mail about applications is off.
mail-save = Save

# $tenant (String) - the tenant's name
# $title (String) - what it is about
mail-subject-one = { $tenant }: { $title }
# $count (Number) - notifications
# $tenant (String) - the tenant's name
mail-subject-many = { $tenant }: { NUMBER($count) } notifications about your account
mail-title-new-network = sign-in from a new network
mail-title-application-allowed = an application may act for you
mail-title-key-registered = new SSH key
mail-title-application-keys = an application created SSH keys
mail-title-device-replayed = a code was used twice
mail-title-refresh-token-reused = an old token was used again
mail-title-second-factor-removed = second factor removed
# $name (String) - the person's name
mail-greeting = Hello { $name },
# $user (String) - the person's user name
# $tenant (String) - the tenant's name
mail-lead = This happened in your account { $user } at { $tenant }:
# $address (String) - an IP address
mail-from-address = from { $address }
mail-not-me = If this wasn’t you:
# $url (String) - the URL of the portal
mail-outro = If you did this yourself, there is nothing to do. The links in this message lead to { $url } only, and the Trust Manager never asks for a password or code by e-mail. You can choose what is sent to you under Sign-in methods.

admin-people-email = E-mail address
admin-people-email-claimed = confirmed by the institution
admin-people-email-set = set by an administrator
admin-people-email-none = none
admin-people-email-hint = Notifications are sent there. An address that you set replaces the institution’s; an empty field removes it.
admin-people-email-refused = That is no e-mail address that the portal can send to.
admin-people-groups = Groups
admin-people-groups-set = Groups set by administrators
admin-people-groups-hint = Applications that people sign in to with this portal are told about them. Separate names with spaces; an empty field removes the person from all of these.
# $count (Number) - the most groups
admin-people-groups-refused = A person can be in { $count } groups at most. Their names have letters without accents, digits and . _ - : / @ +
