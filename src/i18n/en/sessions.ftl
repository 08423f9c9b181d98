# /sessions
sessions-title = Sessions
sessions-lead = The browsers you are signed in with. Sign out any that you do not recognise.
sessions-methods = To change how you sign in, go to
sessions-this-one = this session
sessions-last-seen = Last seen
sessions-signed-in = Signed in
sessions-from = From
sessions-from-unknown = unknown
# $provider (String) - the institution
sessions-with = with { $provider }
sessions-with-password = with a password
sessions-clients = Signed in at
sessions-apps = Applications and devices that may act for you
# $count (Number) - how many are listed
sessions-shown = Only the { NUMBER($count) } sessions that were used last are listed.
sessions-sign-out-instead = Use “Sign out” to end this session.
sessions-end = Sign out
# $browser (String) - such as "Firefox on Linux"
sessions-end-this = Sign out { $browser }
# $browser (String) - such as "Firefox on Linux"
sessions-end-question = Sign out { $browser }?
sessions-end-consequence = To continue there, a new sign-in is required. Sign-ins at applications that were made in it end as well. The access that you allowed applications and devices remains.
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
# $browser (String) - such as "Firefox"
# $system (String) - such as "Linux"
browser-on = { $browser } on { $system }
browser-unknown = Unknown browser
