# Around every page, and what pages share.
language-name = English
# `ltr` or `rtl`: the direction this language is written in.
direction = ltr

product = Trust Manager
# $title (String) - the page's heading
document-title = { $title } · { product }
# $title (String) - the page's heading
document-title-refused = Error: { $title } · { product }
skip-to-content = Skip to the content

# $day (String) - day of the month
# $month (Number) - 1 to 12
# $year (String) - four digits
# $time (String) - hours, minutes and zone, such as 14:02 UTC
moment = { $day } { $month ->
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
} { $year }, { $time }
moment-unknown = unknown time
just-now = just now
# $span (String) - such as "3 days"
span-ago = { $span } ago
# $span (String) - such as "3 days"
in-span = in { $span }
# $count (Number) - how many
span-seconds = { $count ->
    [one] { NUMBER($count) } second
   *[other] { NUMBER($count) } seconds
}
# $count (Number) - how many
span-minutes = { $count ->
    [one] { NUMBER($count) } minute
   *[other] { NUMBER($count) } minutes
}
# $count (Number) - how many
span-hours = { $count ->
    [one] { NUMBER($count) } hour
   *[other] { NUMBER($count) } hours
}
# $count (Number) - how many
span-days = { $count ->
    [one] { NUMBER($count) } day
   *[other] { NUMBER($count) } days
}
never = never

nav-main = Main
nav-device = Enter a code
nav-hosts = Hosts
nav-keys = SSH keys
nav-apps = Applications
nav-sessions = Sessions
nav-identities = Sign-in
nav-activity = Activity
nav-admin = Administration
nav-api = TMS API
# $user (String) - the user name
# $tenant (String) - the centre
person-at = { $user } at { $tenant }
sign-out = Sign out
footer-never-asked = Support staff never ask you to enter a code or to tell them one.
cookies-needed = Your browser keeps no cookies of this site, and without them you cannot sign in, enter a code or see what went wrong here. Allow cookies for this site, then try again.
not-started = I did not start this

preferences-language = Language
footer-time-zone = Time zone
time-zone-title = Time zone
time-zone-lead = Times on this portal are shown in this zone, and exports of your activity add it beside UTC.
time-zone-of-browser = As this browser says
time-zone-hint = If you choose none, times are shown in the zone of this browser, or in UTC where scripts are switched off. The choice is kept in this browser.
time-zone-save = Save
preferences-theme = Colours
theme-system = Like the system
theme-light = Light
theme-dark = Dark

copy = Copy
copied = Copied
cancel = Cancel

list-search = Search
list-filter = Show
list-order = Order
list-apply = Apply
list-pieces = Pieces of this list
list-beginning = To the beginning
list-previous = Previous
list-more = More
list-nothing-found = Nothing was found. Try other words, or show all.
# $count (Number) - rows on the page
list-shown = { $count ->
    [one] { NUMBER($count) } shown
   *[other] { NUMBER($count) } shown
}
# $first (Number) - the place of the first row shown
# $last (Number) - the place of the last row shown
# $total (Number) - all rows found
list-shown-of = { NUMBER($first) }–{ NUMBER($last) } of { NUMBER($total) }
# $count (Number) - rows on the page
# $most (Number) - rows up to which a list is counted
list-shown-of-more = { NUMBER($count) } shown, of more than { NUMBER($most) }

sorry-title = Something broke on our side
sorry = This page could not be put together. Try again in a moment; if it stays like this, tell your centre’s help desk when it happened.

gone-title = There is nothing to change
gone = It has gone already, or it was never yours. Look at the list again.
gone-back = Back to the list
list-since = Since
secret-once = This is shown only now. Keep it where it is needed, and nowhere else.
