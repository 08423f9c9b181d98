# /authorize
# $client (String) - the application
authorize-question-delegation = Let { $client } log in to hosts as you?
# $client (String) - the application
authorize-question-resources = Let { $client } act for you?
# $client (String) - the application
authorize-question-sign-in = Sign in to { $client }?
# $client (String) - the application
authorize-question-program = Let { $client } on your computer use your account?
authorize-any-program = Any program can use this name. Continue only if you started it on this computer just now.
authorize-back-to = You go back to
authorize-to-this-computer = a program on this computer
authorize-allowed-before = Allowed before
# $count (Number) - how many people
authorize-people-before =
    { $count ->
        [one] by one person of your centre, since
       *[other] by { $count } people of your centre, since
    }
authorize-nobody-before = by nobody yet
authorize-told = What it is told about you
authorize-name = Name
authorize-email = E-mail address
authorize-groups = Groups
# $account (String) - the account on the host
# $host (String) - the host
authorize-arrive-as = You arrive there as { $account }, your account on { $host }.
# $host (String) - the host
authorize-arrive-as-which = As which of your accounts on { $host }?
# $host (String) - the host
authorize-no-username = You need an account on { $host } that is linked to you. Link it first; otherwise you cannot sign in to this application.
authorize-until-sign-out = It ends when you sign out here, after 12 hours at the latest.
authorize-remember = Do not ask me again
# $from (String) - an address
authorize-confirmation-other = Yes, I started this on the computer with the address { $from }
authorize-sign-in-only = Sign in only
authorize-choose = Which account?
# $client (String) - the application
authorize-choose-lead = { $client } asks you to choose the account to sign in with.
# $client (String) - the application
# $tenant (String) - the centre
authorize-other-tenant = { $client } needs an account at { $tenant }.
# $client (String) - the application
authorize-other-person = { $client } asks for another account than the one that is signed in.
authorize-keep-account = Continue with this account
authorize-elsewhere = This request is open elsewhere
authorize-elsewhere-means = It was opened in another browser, or before you signed out. Go back to the application and start again.
authorize-expired = This request has expired
authorize-expired-means = It was not answered within 15 minutes, and nothing was shared. Go back to the application and start again.
authorize-refused = This request cannot be answered
authorize-refused-means = The application’s request is not valid, so you cannot be sent back to it. Nothing was shared. Its operators, or those of your centre, can find the reason with the reference below.
authorize-nothing = No request found
authorize-nothing-means = Applications open this page when they ask you to sign in. There is nothing to answer now.
authorize-gone-means = This request does not exist, or it was answered before. Go back to the application and start again.
authorize-over = You have answered this request
# $host (String) - the host of the application
authorize-over-host = You have been sent back to { $host }. If that did not work, start again there.
authorize-over-program = You have been sent back to the program. If that did not work, start it again.
# $host (String) - the host of the application
authorize-onward-host = Going back to { $host }
authorize-onward-program = Going back to the program
authorize-onward-means = If nothing happens, use the button.
# $host (String) - the host of the application
authorize-go-host = Continue to { $host }
authorize-go-program = Continue to the program
authorize-reported-means = The request has been denied and recorded for the operators of your centre. Nothing was shared, and you were not sent back to the application.
