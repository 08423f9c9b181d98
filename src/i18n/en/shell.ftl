# Around every page, and what pages share.
language-name = English
# `ltr` or `rtl`: the direction this language is written in.
direction = ltr

product = Trust Manager
# $title (String) - the page's heading
document-title = { $title } · { product }
# $title (String) - the page's heading
document-title-refused = Error: { $title } · { product }
skip-to-content = Skip to main content

# $day (String) - day of the month
# $month (Number) - 1 to 12
# $year (String) - four digits
# $time (String) - hours, minutes and zone, such as 14:02 UTC
exact-time = { $day } { $month ->
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

nav-main = Main navigation
nav-account = Your account
nav-menu = Menu
nav-device = Enter a code
nav-hosts = Hosts
nav-keys = SSH keys
nav-apps = Applications
nav-sessions = Sessions
nav-identities = Sign-in methods
nav-settings = Settings
nav-activity = Activity
nav-admin = Administration
nav-api = TMS API
api-docs-in-english = This reference is in English only.
# $user (String) - the user name
# $tenant (String) - the centre
person-at = { $user } at { $tenant }
sign-out = Sign out
footer-never-asked = Support staff will never ask you to enter a code or to tell them one.
cookies-needed = Your browser does not store cookies for this site. Without them you cannot sign in, enter a code or see error messages here. Allow cookies for this site, then try again.
not-started = I did not start this

preferences-language = Language
settings-title = Settings
settings-lead = These settings are stored in this browser.
time-zone-title = Time zone
time-zone-lead = Times on this portal are shown in this zone. Exports of your activity show them in this zone and in UTC.
time-zone-of-browser = Same as browser
time-zone-hint = By default it is the time zone of this browser, or UTC if scripts are disabled.
time-zone-save = Save
preferences-theme = Colours
theme-system = Same as system
theme-light = Light
theme-dark = Dark

copy = Copy
copied = Copied
cancel = Cancel

list-search = Search
list-filter = Show
list-order = Sort
list-apply = Apply
list-pages = Pages
list-beginning = First page
list-previous = Previous page
list-more = Next page
list-nothing-found = Nothing found. Try other search terms, or show all.
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

server-error-title = Something went wrong on our side
server-error-text = This page could not be loaded. Try again in a moment. If the problem persists, tell your centre’s help desk when it happened.

gone-title = Nothing to change
gone = It no longer exists, or it does not belong to you.
gone-back = Back to the list
list-more-filters = More filters
secret-once = Copy this now. It will not be shown again.

# $minutes (String) - such as "5 minutes"
session-idle = You will be signed out in less than { $minutes }, because you have not opened a page for a while.
session-stay = Stay signed in
# $minutes (String) - such as "5 minutes"
session-ending = Your session ends in less than { $minutes }. Sign in again to continue.
session-ended = Your session has ended. Sign in again to continue.
session-other-account = You signed in or signed out in another tab. This page shows the earlier state.
session-reload = Reload
