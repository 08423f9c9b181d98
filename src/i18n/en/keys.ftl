# /keys
keys-title = SSH keys
keys-lead = Each of these keys lets an application, or you, log in to a host as you. Revoke any that you do not recognise.
keys-search-for = name, host, account, application or fingerprint
keys-show-all = All
keys-show-active = Active
keys-show-ended = Expired or used up
keys-show-unused = Never used
keys-sort-created = Newest first
keys-sort-used = Recently used first
keys-sort-expires = Expiring soonest first
keys-sort-host = By host
keys-empty-title = You have no SSH keys
keys-empty = Applications that you allow create their own keys. For yourself, run this in a terminal: it creates a key, registers it, and logs in.
keys-selected-elsewhere = Keys selected on other pages are included.
keys-revoke-selected = Revoke selected keys
# $key (String) - the key's name
keys-select = Select { $key }
# $count (Number) - keys on this page of the list
keys-select-all = Select all { NUMBER($count) } keys on this page
keys-select-none = Select none
keys-type = Type
keys-made-by = Created by
keys-created = Created
keys-last-used = Last used
# $host (String) - the host
keys-used-on = on { $host }
keys-expires = Expires
keys-uses-left = Remaining logins
keys-uses-unlimited = unlimited
# $key (String) - the key's name
keys-revoke-this = Revoke { $key }
revoke = Revoke
state-active = active
state-expired = expired
state-used-up = used up
keys-none-selected-title = No keys selected
keys-none-selected = Go back and select the keys to revoke. Keys that have been revoked in the meantime are no longer listed.
keys-back = Back to the keys
keys-gone = This key has already been revoked or has expired: it can no longer be used to log in. There is nothing left to do.
# $count (Number) - how many keys
keys-revoke-question = { $count ->
    [one] Revoke this key?
   *[other] Revoke these { NUMBER($count) } keys?
}
# $count (Number) - how many keys
keys-revoke-number = { $count ->
    [one] Revoke key
   *[other] Revoke { NUMBER($count) } keys
}
# $count (Number) - how many keys
# $name (String) - the application
keys-all-of-client = { $count ->
    [one] It was created by { $name }.
   *[other] All of them were created by { $name }.
}
# $count (Number) - how many keys
# $name (String) - the host
keys-all-of-host = { $count ->
    [one] It is for { $name }.
   *[other] All of them are for { $name }.
}
# $count (Number) - how many keys
keys-all-own = { $count ->
    [one] You registered it yourself.
   *[other] You registered all of them yourself.
}
keys-revoke-consequence = New logins with a revoked key are refused from now on. While the portal is unreachable, hosts may accept a cached key for up to five minutes. Running SSH sessions are not interrupted. This cannot be undone.
# $count (Number) - how many keys
keys-revoked = { $count ->
    [0] Nothing was revoked: the keys had already been revoked.
    [one] One key has been revoked. The next login with it is refused.
   *[other] { NUMBER($count) } keys have been revoked. The next login with any of them is refused.
}
keys-add = Add your own key
keys-add-title = Add your own SSH key
keys-add-lead = Add a public key to log in to one of your host accounts. The private key stays on your computer.
keys-add-account = Host account
# $account (String) - the login
# $host (String) - the host
keys-add-account-on = { $account } on { $host }
keys-add-key = Public key
keys-add-key-hint = The single line in your .pub file, such as ~/.ssh/id_ed25519.pub. Never the private key.
keys-add-file = Or choose a file
keys-add-name = Name
keys-add-name-hint = Optional. The default is the comment at the end of the line.
keys-add-days = Valid for (days)
# $days (Number) - the most
keys-add-days-hint = At most { NUMBER($days) } days at your centre.
keys-add-button = Add key
keys-add-no-account = Choose one of your active host accounts.
keys-add-none = You have no active host account to log in to with a key.
# $fingerprint (String) - the key
# $host (String) - the host
keys-added = The key { $fingerprint } can now log in to { $host }.
keys-everything = Revoke everything
keys-everything-lead = Lost a computer, or does something look wrong?
keys-everything-question = Revoke everything that may act for you?
keys-everything-consequence = All your SSH keys are revoked, all applications and devices lose their access immediately, and all your other browser sessions are signed out. While the portal is unreachable, hosts may accept a cached key for up to five minutes. Running SSH sessions are not interrupted. This cannot be undone: each application has to ask you again.
# $keys (Number) - how many keys
# $apps (Number) - how many applications and devices
# $sessions (Number) - how many sessions
keys-everything-revoked = Everything has been revoked. SSH keys: { NUMBER($keys) }. Applications and devices: { NUMBER($apps) }. Other sessions: { NUMBER($sessions) }. The entry below confirms it.
# $count (Number) - keys that are not named
keys-and-more = { $count ->
    [one] and { NUMBER($count) } more
   *[other] and { NUMBER($count) } more
}
keys-views = View
keys-by-client = By application
keys-by-host = By host
keys-in-one-list = In one list
keys-group-own = Registered by you
keys-own = Registered by you
keys-registered-by-person = Registered by the person
keys-group-newest = Newest created
# $count (Number) - how many keys
# $groups (Number) - how many groups
keys-summary = Active keys: { NUMBER($count) }. Groups: { NUMBER($groups) }.
# $count (Number) - how many keys
keys-count = { $count ->
    [one] { NUMBER($count) } active key
   *[other] { NUMBER($count) } active keys
}
# $count (Number) - how many keys
# $name (String) - the application
keys-show-all-of-client = { $count ->
    [one] Show the key of { $name }
   *[other] Show all { NUMBER($count) } keys of { $name }
}
# $count (Number) - how many keys
# $name (String) - the host
keys-show-all-of-host = { $count ->
    [one] Show the key for { $name }
   *[other] Show all { NUMBER($count) } keys for { $name }
}
# $count (Number) - how many keys
keys-show-all-own = { $count ->
    [one] Show the key that you registered
   *[other] Show all { NUMBER($count) } keys that you registered
}
# $count (Number) - how many keys
# $name (String) - the application
keys-revoke-all-of-client = { $count ->
    [one] Revoke the key of { $name }
   *[other] Revoke all { NUMBER($count) } keys of { $name }
}
# $count (Number) - how many keys
# $name (String) - the host
keys-revoke-all-of-host = { $count ->
    [one] Revoke the key for { $name }
   *[other] Revoke all { NUMBER($count) } keys for { $name }
}
# $count (Number) - how many keys
keys-revoke-all-own = { $count ->
    [one] Revoke the key that you registered
   *[other] Revoke all { NUMBER($count) } keys that you registered
}
# $count (Number) - how many keys
keys-revoke-all-active = { $count ->
    [one] Revoke your only active key
   *[other] Revoke all { NUMBER($count) } active keys
}
# $count (Number) - how many keys
keys-revoke-matching = { $count ->
    [one] Revoke the key in this list
   *[other] Revoke all { NUMBER($count) } keys in this list
}
keys-revoke-all-matching = Revoke all keys in this list
keys-more-than-announced = Nothing was revoked: more keys match now than the question announced. Check the list and try again.
# $count (Number) - how many keys
keys-ended = Expired or used-up keys ({ NUMBER($count) })
keys-search-ended = Search expired and used-up keys, too
keys-not-used = Never used
keys-created-then = created
keys-expired = Expired
keys-expires-never = Does not expire
keys-details = Details
keys-client-id = Application ID
keys-show-active-list = Active, in one list
keys-show-soon = Expiring within 7 days
