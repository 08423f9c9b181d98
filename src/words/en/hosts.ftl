# /hosts
hosts-title = Hosts
hosts-lead = Host accounts that are linked to you. An application you allow can only use those you tick for it.
hosts-search-for = host or account
hosts-show-all = All
hosts-show-active = Active
hosts-show-expired = Expired
hosts-sort-host = By host
hosts-sort-linked = Linked last first
hosts-sort-expires = Ending soonest first
hosts-empty-title = No host account is linked to you yet
hosts-empty = The operators of your centre link them. Tell them the host and your user name on it.
hosts-linked = Linked
hosts-linked-by-admin = by an administrator
hosts-linked-carried-over = carried over from the old system
hosts-linked-by-you = by you
hosts-expires = Expires
hosts-expired = Expired
hosts-last-login = Last login through TMS
hosts-keys = Keys
# $count (Number) - keys with logins left
hosts-key-count = { $count ->
    [0] none
    [one] { NUMBER($count) } key
   *[other] { NUMBER($count) } keys
}
hosts-unlink = Unlink
# $account (String) - the login
# $host (String) - the host
hosts-unlink-this = Unlink { $account } on { $host }
# $account (String) - the login
# $host (String) - the host
hosts-unlink-question = Unlink { $account } on { $host }?
hosts-unlink-consequence = All keys for this account are revoked: applications and you can no longer log in there through TMS. What is running goes on running. Only an administrator can link it again.
# $account (String) - the login
# $host (String) - the host
hosts-unlinked = { $account } on { $host } is no longer linked to you, and its keys have been revoked.
hosts-unlinked-already = That account was not linked to you any more. Nothing was changed.
