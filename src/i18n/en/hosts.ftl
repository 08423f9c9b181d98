# /hosts
hosts-title = Hosts
hosts-lead = Host accounts that are linked to you. An application can only use those that you select for it.
hosts-search-for = host or account
hosts-show-all = All
hosts-show-active = Active
hosts-show-expired = Expired
hosts-sort-host = By host
hosts-sort-linked = Recently linked first
hosts-sort-expires = Expiring soonest first
hosts-empty-title = No host account is linked to you yet
hosts-empty = Link one from the host itself, if the host supports it. Otherwise ask the operators of your centre: tell them the host and your user name on it.
hosts-linked = Linked
hosts-linked-by-admin = by an administrator
hosts-linked-carried-over = imported from the previous system
hosts-linked-by-you = by you, from the host
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
hosts-unlink-consequence = All keys for this account are revoked: neither you nor applications can log in there through TMS. Running SSH sessions are not interrupted. To link it again, run tms link on the host, or ask an administrator.
# $account (String) - the login
# $host (String) - the host
hosts-unlinked = { $account } on { $host } has been unlinked, and its keys have been revoked.
hosts-unlinked-already = This account is already unlinked. Nothing was changed.
hosts-link = Link a host account
hosts-link-hint = Log in to the host and run:
hosts-ends-soon = This link expires soon. To renew it, log in to the host as this account and run:
hosts-has-ended = This link has expired. To renew it, log in to the host as this account and run:
link-title = Link a host account
link-how-before = Log in to the host as the account you want to link, and run
link-how-after = { " " }there. Enter the code it shows:
link-came-with-address = This code was filled in from the link. Continue only if your own terminal on the host shows the same code.
link-not-filled-in = The code in the link was not filled in. It may have expired or been used. Enter the code that your terminal on the host shows.
link-sent-code = Did someone send you a code? Do not enter it: their account would be linked to you.
link-is-for-a-device = Enter a code that an application or device shows
link-for-a-request = You link this account for a request that waits for your answer. You return to it afterwards.
link-back-to-request = Back to the request
# $account (String) - the login
# $host (String) - the host
link-question = Link { $account } on { $host } to you?
# $host (String) - the host
link-compare = Check that your terminal on { $host } shows
link-account = Account
# $uid (String) - the account's number
link-number = UID { $uid }
link-host = Host
link-until = Linked until
# $account (String) - the login
# $host (String) - the host
# $user (String) - the person
link-means = Keys of { $user } will log in as { $account } on { $host }: keys that you add, and keys of applications that you allow to use this account.
link-warning-before = Confirm only if
link-warning-you = you
link-warning-after = started this on that host yourself, just now. Support staff will never ask you to enter a code, or to tell them a code that you see.
link-link = Link
link-renew = Renew
link-not-me = Not me
link-stop = Cancel request
# $until (String) - when it ends
link-yours = This account is already linked to you until { $until }. Confirm to renew the link. Your keys do not change.
link-yours-for-ever = This account is already linked to you, and the link does not expire.
# $account (String) - the login
# $host (String) - the host
# $until (String) - when it ends
link-linked = { $account } on { $host } is linked to you until { $until }.
# $account (String) - the login
# $host (String) - the host
link-linked-for-ever = { $account } on { $host } is linked to you.
# $account (String) - the login
# $host (String) - the host
# $until (String) - when it ends
link-renewed = { $account } on { $host } was already linked to you. The link now expires on { $until }.
# $account (String) - the login
# $host (String) - the host
link-renewed-for-ever = { $account } on { $host } was already linked to you, and the link does not expire. Nothing was changed.
link-stopped = Nothing was linked. The host has been notified, and the request has been recorded for the operators of your centre.
# $provider (String) - what people call it
hosts-link-through = Link host accounts through { $provider }
# $provider (String) - what people call it
hosts-linked-through = by you, through { $provider }
# $provider (String) - what people call it
hosts-ends-soon-through = This link expires soon. To renew it, link host accounts through { $provider } again.
# $provider (String) - what people call it
hosts-has-ended-through = This link has expired. To renew it, link host accounts through { $provider } again.
# $provider (String) - what people call it
proposal-title = Link host accounts through { $provider }
# $provider (String) - what people call it
proposal-there = Signed in at { $provider } as
proposal-here = Signed in here as
proposal-accounts = Host accounts to link
proposal-others = Cannot be linked
# $until (String) - when it ends
proposal-until = Linked until { $until }
# $until (String) - when it ends
proposal-renews = Already linked to you; the link will be renewed until { $until }
proposal-system-account = This is a system account.
proposal-no-name = The provider did not send a valid account name.
# $provider (String) - what people call it
proposal-empty = { $provider } lists no host account of yours that can be linked here. If you have one, ask its help desk.
# $user (String) - the person
proposal-means = Keys of { $user } will log in as these accounts: keys that you add, and keys of applications that you allow to use them. If this is the wrong account there, cancel and sign out there.
# $count (Number) - accounts
proposal-linked-several = { NUMBER($count) } host accounts are now linked to you.
