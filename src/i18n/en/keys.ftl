# /keys
keys-title = SSH keys
keys-lead = With each of these keys a program, or you yourself, can log in as you. Revoke what you do not know.
keys-search-for = name, host, account, application or fingerprint
keys-show-all = All
keys-show-active = Active
keys-show-ended = Expired or used up
keys-show-unused = Never used
keys-sort-created = Newest first
keys-sort-used = Used last first
keys-sort-expires = Ending soonest first
keys-sort-host = By host
keys-empty-title = No key logs in as you
keys-empty = Applications you allow make keys of their own. For yourself, run this in a terminal: it makes a key, registers it, and logs in.
keys-ticked-elsewhere = Keys that were ticked on other pages are included.
keys-revoke-ticked = Revoke the ticked keys
# $key (String) - the key's name
keys-tick = Tick { $key }
keys-type = Type
keys-made-by = Made by
keys-made-by-you = you
keys-created = Created
keys-last-used = Last used
# $host (String) - the host
keys-used-on = on { $host }
keys-never-used = never
keys-expires = Expires
keys-uses-left = Logins left
keys-uses-unlimited = unlimited
# $key (String) - the key's name
keys-revoke-this = Revoke { $key }
revoke = Revoke
state-active = active
state-expired = expired
state-used-up = used up
keys-none-ticked-title = No key was ticked
keys-none-ticked = Go back and tick the keys that are to be revoked. Keys that have been revoked meanwhile are not asked for again.
keys-back = Back to the keys
keys-gone = This key has been revoked or has ended already: no login with it is let in any more. There is nothing left to do.
# $count (Number) - how many keys
keys-revoke-question = { $count ->
    [one] Revoke this key?
   *[other] Revoke these { NUMBER($count) } keys?
}
keys-revoke-consequence = New logins with what you revoke are refused from now on. Only while the portal cannot be reached, hosts that keep its answers may take a key for up to five minutes longer. What is running goes on running. This cannot be undone.
# $count (Number) - how many keys
keys-revoked = { $count ->
    [0] Nothing was revoked: the keys had gone already.
    [one] One key has been revoked: the next login with it is refused.
   *[other] { NUMBER($count) } keys have been revoked: the next login with any of them is refused.
}
keys-add = Add a key of your own
keys-add-title = Add an SSH key of your own
keys-add-lead = With its private half, which stays on your computer, you log in to one of your host accounts.
keys-add-account = Host account
# $account (String) - the login
# $host (String) - the host
keys-add-account-on = { $account } on { $host }
keys-add-key = Public key
keys-add-key-hint = The one line of your .pub file, such as ~/.ssh/id_ed25519.pub. Never the private key.
keys-add-file = Or choose the file
keys-add-name = Name
keys-add-name-hint = Optional; otherwise the comment at the end of the line.
keys-add-days = For how many days
# $days (Number) - the most
keys-add-days-hint = At most { NUMBER($days) } days in your centre.
keys-add-button = Add this key
keys-add-no-account = Choose one of your host accounts that is active.
keys-add-none = No active host account is linked to you, so there is nowhere to log in to.
# $fingerprint (String) - the key
# $host (String) - the host
keys-added = The key { $fingerprint } now logs in to { $host }.
# $client (String) - the application
keys-revoke-all-of = Revoke all of { $client }
keys-everything = Revoke everything
keys-everything-lead = Lost a computer, or something looks wrong?
keys-everything-question = Revoke everything that may act for you?
keys-everything-consequence = All your SSH keys are revoked, all applications and devices lose their access at once, and all your other browser sessions end. Only while the portal cannot be reached, hosts that keep its answers may take a key for up to five minutes longer. What is running goes on running. This cannot be undone: each application has to ask you again.
# $keys (Number) - how many keys
# $apps (Number) - how many applications and devices
# $sessions (Number) - how many sessions
keys-everything-revoked = Everything has been revoked. SSH keys: { NUMBER($keys) }. Applications and devices: { NUMBER($apps) }. Other sessions: { NUMBER($sessions) }. The record below confirms it.
# $count (Number) - keys that are not named
keys-and-more = { $count ->
    [one] and { NUMBER($count) } more
   *[other] and { NUMBER($count) } more
}
keys-made-by-person = the person
