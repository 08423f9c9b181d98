# /apps
apps-title = Applications
apps-lead = What may act for you, on which host accounts, and until when. End what you do not know.
apps-search-for = application
apps-show-in-force = In force
apps-show-ended = Ended
apps-show-all = All
apps-sort-made = Newest first
apps-sort-expires = Ending soonest first
apps-sort-client = By application
apps-empty-title = Nothing may act for you
apps-empty = An application asks you with a code. To let the command line act for you, run this in a terminal and enter the code it shows.
apps-none-in-force = Nothing that matches is in force: it has ended already, or was never allowed. There is nothing to end.
apps-in-force = in force
apps-expired = expired
apps-was-ended = ended
apps-by-consent = with your consent
apps-by-admin = set up by an administrator
apps-carried-over = carried over from the old system
apps-may-read-hosts = See the host accounts
apps-may-read-keys = See your SSH keys and when they were used
apps-may-create-keys = Log in over SSH as you, run programs and change files
apps-may-revoke-keys = Revoke your SSH keys
apps-on = On
apps-every-host-account = every host account of yours
apps-no-host-account = no host account
apps-since = Since
apps-until = Until
apps-ended-at = Ended
apps-last-used = Last used
apps-keys = Keys it made
apps-change = Change the end
# $client (String) - the application
apps-change-this = Change when { $client } ends
# $client (String) - the application
apps-end-this = Revoke { $client }
# $client (String) - the application
apps-end-question = End what { $client } may do?
# $keys (Number) - keys it made
apps-end-consequence = { $keys ->
    [0] It can no longer act for you: its token stops working at once. What is running goes on running. To let it in again, you have to be asked again.
    [one] It can no longer act for you: its token stops working at once, and the key it made is deleted, unless something else you allowed covers it. What is running goes on running. To let it in again, you have to be asked again.
   *[other] It can no longer act for you: its token stops working at once, and the { NUMBER($keys) } keys it made are deleted, except those that something else you allowed covers. What is running goes on running. To let it in again, you have to be asked again.
}
# $client (String) - the application
apps-change-question = Until when may { $client } act for you?
apps-change-now = At present until
apps-change-to = From now on, for
apps-change-button = Set this end
apps-change-hint = A device keeps the token it has: when that ends, it has to ask you again, even if this lasts longer.
# $until (String) - date and time
apps-changed = It now ends on { $until }.
apps-ended = It has been ended: what the application or device holds no longer works.
