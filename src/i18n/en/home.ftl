home-welcome = Give your applications access, and keep control of it
home-welcome-lead = The Trust Manager lets applications that you choose act for you on your computing centre’s hosts: without your password, and only for as long as you allow.
home-welcome-code-before = You get a code when an application, such as
home-welcome-code-after = in a terminal, requests access.
# $name (String) - the person's name
home-hello = Hello, { $name }
home-signed-in-as = You are signed in as
home-at = at
home-waiting = Pending requests
home-asks = asks to use your account.
home-look = Review request
home-nothing-before = No request is pending. If an application shows you a code,
home-nothing-link = enter it
home-attention = Needs your attention
home-no-host-account = You have no active host account. Until you link one, applications cannot log in to any host.
home-second-factor-suggested = You have not set up a second factor. With one, your password alone is not enough to sign in.
home-second-factor-required = Your centre requires a second factor for some of what you can do here, and you have not set one up.
home-second-factor-set-up = Set up a second factor
# Each is followed by a time, such as "in 3 days".
# $count (Number) - keys that expire within a week
home-expiring-keys = { $count ->
    [one] One SSH key expires
   *[other] { NUMBER($count) } SSH keys expire within 7 days, the first
}
# $client (String) - the application
home-expiring-app = The access of { $client } expires
# $account (String) - the login
# $host (String) - the host
home-expiring-host = The link to { $account } on { $host } expires
home-see-keys = See SSH keys
home-see-apps = See applications
home-see-hosts = See hosts
home-see-activity = See your activity
home-access = What can act for you
# $count (Number) - how many
home-apps-count = { $count ->
    [0] No application
    [one] One application
   *[other] { NUMBER($count) } applications
}
# $count (Number) - how many
home-keys-count = { $count ->
    [0] No active SSH key
    [one] One active SSH key
   *[other] { NUMBER($count) } active SSH keys
}
# $count (Number) - how many
home-hosts-count = { $count ->
    [0] No host account
    [one] One host account
   *[other] { NUMBER($count) } host accounts
}
# Followed by a name and a time, such as "3 days ago".
home-newest = Newest:
# Followed by a time, such as "3 days ago".
home-last-sign-in = Previous sign-in:
# Followed by an IP address.
home-from = from
home-allow = Allow an application
home-terminal-title = Sign in from a terminal
home-terminal = To use TMS from a terminal, run this and enter the code it shows:
home-link-means = A host account is your login on one of your centre’s hosts. Applications and keys can only use the accounts that you link.
