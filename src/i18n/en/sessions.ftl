# /sessions
sessions-title = Sessions
sessions-lead = Where you are signed in, and what you let in. End what you do not know.
sessions-browsers = Browsers
sessions-this-one = this one
sessions-last-seen = Last seen
sessions-signed-in = Signed in
sessions-from = From
sessions-from-unknown = unknown
sessions-sign-out-instead = To end this one, sign out.
sessions-end = End
# $browser (String) - such as "Firefox on Linux"
sessions-end-this = End the session in { $browser }
# $browser (String) - such as "Firefox on Linux"
sessions-end-question = End the session in { $browser }?
sessions-end-consequence = Whoever sits there has to sign in again. Applications and devices that were let in stay so.
sessions-end-others = End all other sessions
sessions-end-others-question = End all other sessions?
sessions-ended = The session has been ended.
sessions-ended-already = That session had ended already.
# $count (Number) - how many
sessions-others-ended = { $count ->
    [0] There were no other sessions.
    [one] One other session has been ended.
   *[other] { NUMBER($count) } other sessions have been ended.
}
sessions-devices = Devices and applications
sessions-no-devices = Nothing may act for you at the moment.
sessions-allowed = Allowed
sessions-until = Until
sessions-not-picked-up = not picked up yet
sessions-take-back = Take back
# $client (String) - the application
sessions-take-back-this = Take back the access of { $client }
# $client (String) - the application
sessions-take-back-question = Take back the access of { $client }?
sessions-take-back-consequence = What the device holds stops working at once, and the keys it made no longer log in. What is running goes on running.
sessions-taken-back = It has been taken back: what the device holds no longer works.
# $browser (String) - such as "Firefox"
# $system (String) - such as "Linux"
browser-on = { $browser } on { $system }
browser-unknown = Unknown browser
