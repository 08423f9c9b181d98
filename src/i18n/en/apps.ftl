# /apps
apps-title = Applications
apps-lead = Applications and devices that may act for you, on which host accounts, and until when. Revoke any that you do not recognise.
apps-search-for = application
apps-show-in-force = Active
apps-show-ended = Expired or revoked
apps-show-all = All
apps-sort-made = Newest first
apps-sort-expires = Expiring soonest first
apps-sort-client = By application
apps-empty-title = No application may act for you
apps-empty = Applications request access with a code. To give the command line access, run this in a terminal and enter the code it shows.
apps-none-in-force = No active application matches: it was never allowed, or its access has already ended. There is nothing to revoke.
apps-none-ended = No expired or revoked access is recorded.
apps-none-active = This application has no active access.
apps-expired = expired
apps-was-ended = revoked
apps-by-consent = With your consent
apps-by-admin = Set up by an administrator
apps-carried-over = Imported from the previous system
apps-may-read-hosts = See the host accounts
apps-may-read-keys = See your SSH keys and when they were used
apps-may-create-keys = Log in over SSH as you, run programs and change files
apps-may-revoke-keys = Revoke your SSH keys
apps-may-stay-signed-in = Stay signed in until the access ends
apps-may-sign-in = Know who you are
apps-may-know-name = Know your name
apps-may-know-email = Know your e-mail address
apps-may-know-groups = Know the groups that you are in
# $scope (String) - scopes of a resource server
# $resource (String) - its address
apps-may-at = { $scope } at { $resource }
apps-on = Host accounts
apps-every-host-account = all your host accounts
apps-no-host-account = none
apps-since = Allowed
apps-until = Expires
apps-ended-at = Ended
apps-last-used = Last used
# $address (String) - an IP address
apps-used-from = from { $address }
apps-not-connected = not connected yet
apps-last-login = Last login
apps-from = From
apps-agent = Reported as
apps-program-unknown = Unknown program
apps-flow = How it was allowed
apps-flow-device = with a code, for a device
apps-flow-code = in the browser
# $count (Number) - how many
apps-sign-ins = { $count ->
    [one] One sign-in of the application is active:
   *[other] { NUMBER($count) } sign-ins of the application are active:
}
# $shown (Number) - how many are listed
# $count (Number) - how many there are
apps-sign-ins-newest = The newest { NUMBER($shown) } of { NUMBER($count) } active sign-ins of the application:
apps-sign-in-since = Signed in
apps-sign-in-refreshed = Last refreshed
apps-sign-in-idle-until = Ends unless refreshed
apps-sign-in-end = End sign-in
# $client (String) - the application
# $program (String) - the program
apps-sign-in-end-this = End sign-in of { $client } ({ $program })
# $client (String) - the application
apps-sign-in-end-question = End this sign-in of { $client }?
apps-sign-in-end-consequence = Its tokens stop working immediately. What you allowed the application, its other sign-ins and its SSH keys remain: revoke its access to end those as well.
apps-sign-in-ended = The sign-in has ended: its tokens no longer work.
apps-sign-in-ended-before = This sign-in had ended before. Nothing was changed.
apps-ends = Ends
apps-ends-with-session = with the browser session
apps-devices = Devices
apps-details = What it may do
apps-client-id = Client ID
apps-all = All applications
# $count (Number) - how many
apps-show-all-devices = Show all { NUMBER($count) } devices
# $client (String) - the application
# $count (Number) - how many devices
apps-show-all-of = Show all { NUMBER($count) } devices of { $client }
apps-revoke-access = Revoke access
# $client (String) - the application
apps-revoke-access-of = Revoke access of { $client }
# $client (String) - the application
apps-revoke-question = Revoke all access of { $client }?
# $count (Number) - active delegations
apps-revoke-consequence = { $count ->
    [one] It can no longer act for you: its permission ends immediately, and its token stops working.
   *[other] It can no longer act for you: all { NUMBER($count) } permissions of this application end immediately, and its tokens stop working.
}
# $keys (Number) - keys it created
apps-revoke-keys = { $keys ->
    [0] It created no SSH keys.
    [one] The SSH key it created is revoked.
   *[other] The { NUMBER($keys) } SSH keys it created are revoked.
}
apps-revoke-then = Running SSH sessions are not interrupted. To act for you again, it has to ask you, or an administrator has to set it up.
# $count (Number) - revoked delegations
apps-access-revoked = { $count ->
    [one] All access of the application has been revoked: its permission has ended.
   *[other] All access of the application has been revoked: { NUMBER($count) } permissions have ended.
}
apps-keys = Keys created
apps-change = Change expiry
# $client (String) - the application
# $device (String) - the device or program
apps-change-this = Change expiry of { $client } ({ $device })
# $client (String) - the application
# $device (String) - the device or program
apps-end-this = Revoke access of { $client } ({ $device })
# $device (String) - the device or program
# $client (String) - the application
apps-end-question = Revoke the access of { $device } ({ $client })?
# $client (String) - the application
apps-end-question-admin = Revoke the access of { $client } that an administrator set up?
# $client (String) - the application
apps-end-question-imported = Revoke the access of { $client } that was imported from the previous system?
# $client (String) - the application
apps-end-question-consent = Revoke the access of { $client } that you allowed?
# $keys (Number) - keys it made
apps-end-consequence = { $keys ->
    [0] This access ends immediately; a token issued for it stops working. Running SSH sessions are not interrupted. To get access again, the application has to ask you, or an administrator has to set it up.
    [one] This access ends immediately; a token issued for it stops working. The key it created is revoked, unless other access that you allowed covers it. Running SSH sessions are not interrupted. To get access again, the application has to ask you, or an administrator has to set it up.
   *[other] This access ends immediately; a token issued for it stops working. The { NUMBER($keys) } keys it created are revoked, except those covered by other access that you allowed. Running SSH sessions are not interrupted. To get access again, the application has to ask you, or an administrator has to set it up.
}
# $client (String) - the application
apps-change-question = How long may { $client } act for you?
apps-change-now = Currently valid until
apps-change-never = This access does not expire.
apps-change-to = From now on, for
apps-change-button = Save
apps-change-hint = A device keeps its current token. When the token expires, the device has to ask you again, even if this access lasts longer.
# $until (String) - date and time
apps-changed = Access now expires on { $until }.
apps-ended = Access has been revoked: a token issued for it no longer works.
# $count (Number) - sign-ins of the application that ended
apps-receipt-sign-ins = { $count ->
    [0] No sign-in of the application was active.
    [one] One sign-in of the application ended.
   *[other] { NUMBER($count) } sign-ins of the application ended.
}
# $count (Number) - keys that were revoked
apps-receipt-keys = { $count ->
    [0] No SSH key was revoked.
    [one] One SSH key was revoked.
   *[other] { NUMBER($count) } SSH keys were revoked.
}
apps-receipt-told = The application is told about the sign-out.
# $host (String) - the host
# $at (String) - date and time
apps-receipt-login = The last login with its keys was to { $host }, on { $at }.
