home-welcome = Let your programs in, and see who you let in
home-welcome-lead = The Trust Manager lets the applications you choose work for you on your computing centre’s hosts, without your password, and only for as long as you say.
home-welcome-code-before = A code appears when a program, such as
home-welcome-code-after = in a terminal, asks to act for you.
# $name (String) - the person's name
home-hello = Hello, { $name }
home-signed-in-as = You are signed in as
home-at = at
home-waiting = Waiting for you
home-asks = asks to use your account.
home-look = Look at the request
home-nothing-before = Nothing. When a program shows you a code,
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
