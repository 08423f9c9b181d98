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
home-nothing-before = Nothing pending. If an application shows you a code,
home-nothing-link = enter it here
home-hosts = Your hosts
# $count (Number) - active host accounts
home-hosts-linked = { $count ->
    [0] No host account is linked to you yet.
    [one] One host account is linked to you.
   *[other] { NUMBER($count) } host accounts are linked to you.
}
home-hosts-see = See your hosts
home-terminal = Sign in from a terminal
