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
hosts-empty = Link one from the host itself, if it offers that; or ask the operators of your centre, and tell them the host and your user name on it.
hosts-linked = Linked
hosts-linked-by-admin = by an administrator
hosts-linked-carried-over = carried over from the old system
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
hosts-unlink-consequence = All keys for this account are revoked: applications and you can no longer log in there through TMS. What is running goes on running. To link it again, run tms link on the host, or ask an administrator.
# $account (String) - the login
# $host (String) - the host
hosts-unlinked = { $account } on { $host } is no longer linked to you, and its keys have been revoked.
hosts-unlinked-already = That account was not linked to you any more. Nothing was changed.
hosts-link = Link a host account
hosts-link-hint = Log in to the host and run:
hosts-ends-soon = This link ends soon. To renew it, log in to the host as this account and run:
hosts-has-ended = This link has ended. To renew it, log in to the host as this account and run:
link-title = Link a host account
link-how-before = Log in to the host as the account you want to link, and run
link-how-after = { " " }there. Enter the code it shows:
link-came-with-address = This code came with the address. Go on only if your own terminal on the host shows the same one.
link-not-filled-in = The code in the address was not filled in. It may have expired or been used. Type the code that your terminal on the host shows.
link-sent-code = Did somebody send you a code? Do not enter it: their account would be linked to you.
link-is-for-a-device = Enter a code that an application or device shows
# $account (String) - the login
# $host (String) - the host
link-question = Link { $account } on { $host } to you?
# $host (String) - the host
link-compare = Check that your terminal on { $host } shows
link-account = Account
# $uid (String) - the account's number
link-number = number { $uid }
link-host = Host
link-until = Linked until
# $account (String) - the login
# $host (String) - the host
# $user (String) - the person
link-means = Keys of { $user } will log in as { $account } on { $host }: those you add, and those of applications you allow to use this account.
link-warning-before = Confirm only if
link-warning-you = you
link-warning-after = started this on that host yourself, just now. Support staff will never ask you to enter a code, or for one that you see.
link-link = Link
link-renew = Renew
link-not-me = Not me
link-stop = Stop it
# $until (String) - when it ends
link-yours = This account is linked to you already, until { $until }. Confirm to renew the link; keys stay as they are.
link-yours-for-ever = This account is linked to you already, and the link has no end: there is nothing to renew.
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
link-renewed = { $account } on { $host } was linked to you already. The link now lasts until { $until }.
# $account (String) - the login
# $host (String) - the host
link-renewed-for-ever = { $account } on { $host } was linked to you already, and the link has no end. Nothing was changed.
link-stopped = Nothing was linked. The host has been told, and it is recorded for your centre’s operators.
# $provider (String) - what people call it
hosts-link-through = Link host accounts through { $provider }
# $provider (String) - what people call it
hosts-linked-through = by you, through { $provider }
# $provider (String) - what people call it
hosts-ends-soon-through = This link ends soon. To renew it, link host accounts through { $provider } once more.
# $provider (String) - what people call it
hosts-has-ended-through = This link has ended. To renew it, link host accounts through { $provider } once more.
# $provider (String) - what people call it
offer-title = Link host accounts through { $provider }
# $provider (String) - what people call it
offer-there = At { $provider } you are
offer-here = Here you are
offer-accounts = Which are to be linked to you?
offer-others = These cannot be linked
# $until (String) - when it ends
offer-until = Linked until { $until }
# $until (String) - when it ends
offer-renews = Linked to you already; then until { $until }
offer-system-account = This account runs the host, and is nobody’s.
offer-no-name = The provider says no name that a host account can have.
# $provider (String) - what people call it
offer-empty = { $provider } knows of no host account of yours that can be linked here. If you have one, ask its help desk.
# $user (String) - the person
offer-means = Keys of { $user } will log in as these accounts: those you add, and those of applications you allow to use them. If you are somebody else there than you want to be, cancel and sign out there.
# $count (Number) - accounts
offer-linked-several = { NUMBER($count) } host accounts are linked to you.
