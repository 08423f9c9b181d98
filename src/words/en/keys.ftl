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
# $count (Number) - how many keys
keys-revoke-question = { $count ->
    [one] Revoke this key?
   *[other] Revoke these { NUMBER($count) } keys?
}
keys-revoke-consequence = New logins with it are refused from now on; hosts that keep answers for outages may take it for up to a minute longer. What is running goes on running. This cannot be undone.
# $count (Number) - how many keys
keys-revoked = { $count ->
    [0] Nothing was revoked: the keys had gone already.
    [one] One key has been revoked: the next login with it is refused.
   *[other] { NUMBER($count) } keys have been revoked: the next login with any of them is refused.
}
