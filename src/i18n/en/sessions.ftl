# /sessions
sessions-title = Sessions
sessions-lead = The browsers you are signed in with, and the devices and applications that have access to your account. Sign out or revoke any that you do not recognise.
sessions-browsers = Browsers
sessions-this-one = this session
sessions-last-seen = Last seen
sessions-signed-in = Signed in
sessions-from = From
sessions-from-unknown = unknown
sessions-sign-out-instead = Use “Sign out” to end this session.
sessions-end = Sign out
# $browser (String) - such as "Firefox on Linux"
sessions-end-this = Sign out { $browser }
# $browser (String) - such as "Firefox on Linux"
sessions-end-question = Sign out { $browser }?
sessions-end-consequence = To continue there, a new sign-in is required. Applications and devices keep their access.
sessions-end-others = Sign out all other sessions
sessions-end-others-question = Sign out all other sessions?
sessions-ended = The session has been signed out.
sessions-ended-already = That session was already signed out.
# $count (Number) - how many
sessions-others-ended = { $count ->
    [0] There were no other sessions.
    [one] One other session has been signed out.
   *[other] { NUMBER($count) } other sessions have been signed out.
}
sessions-devices = Devices and applications
sessions-no-devices = No device or application has access to your account.
sessions-allowed = Allowed
sessions-until = Expires
sessions-not-picked-up = not connected yet
sessions-revoke = Revoke
# $client (String) - the application
sessions-revoke-this = Revoke the access of { $client }
# $client (String) - the application
sessions-revoke-question = Revoke the access of { $client }?
sessions-revoke-consequence = The device’s token stops working immediately, and the keys it created can no longer be used to log in. Running sessions are not interrupted.
sessions-taken-back = Access has been revoked: the device’s token no longer works.
# $browser (String) - such as "Firefox"
# $system (String) - such as "Linux"
browser-on = { $browser } on { $system }
browser-unknown = Unknown browser
