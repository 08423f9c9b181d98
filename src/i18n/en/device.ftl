client-verified = verified
client-not-verified = not verified
client-any-program = any program can use this name
device-title = Enter a code
device-code = Code
device-came-with-address = This code was filled in from the link. Continue only if your own device shows the same code.
device-not-filled-in = The code in the link was not filled in. It may have expired or been used. Enter the code that your device shows.
device-not-kept = The code that you entered before signing in is no longer available. Enter it again.
device-hint-before = Eight letters, such as
device-hint-after = { "." } Upper or lower case, spaces and hyphens do not matter.
device-continue = Continue
device-sent-code = Did someone send you a code or ask you to enter one?
device-is-for-a-host = Enter a code that tms link shows on a host
consent-compare = Check that your device shows
consent-valid-for = Valid for
consent-expired = expired
consent-only-if-before = Continue only if
consent-only-if-you = you
consent-only-if-after = started this on your own device just now. Support staff will never ask you to enter a code.
consent-confirmation = Yes, I started this
consent-deny = Deny
consent-allow = Allow
consent-missing-sign-in = Confirm that it is you before you allow this. You can deny it right away.
consent-missing-second-factor = Use your second factor before you allow this. You can deny it right away.
consent-missing-own = Your centre requires a second factor for this, and you have not set one up yet. You can deny it right away.
consent-verify-first = Verify to continue
consent-another-code = Enter another code
consent-application = Application
consent-requested = Requested
consent-from = From
consent-from-unknown = unknown
# $from (String) - an address
consent-from-network = { $from }, the same network as this browser
# $from (String) - an address
consent-from-uncompared = { $from }; the address of this browser is not known
consent-program = Program
consent-program-says = (self-reported)
consent-may = What it may do
consent-may-log-in = Log in over SSH as you
consent-may-log-in-more = , run programs and change files, on the host accounts selected below
consent-may-see-hosts = See the host accounts selected below
consent-may-know = See your user name
# $resource (String) - the name of a resource server, or its address
consent-may-at = What it may do at { $resource }
consent-hosts = Host accounts
consent-no-accounts = None
consent-selected-accounts = Only selected accounts
consent-no-hosts = No host account is linked to you, so this application cannot log in to any host. To give it access to a host, link your account first; you then return to this request.
consent-as = as
consent-how-long = For how long
# $time (String) - a duration, such as "8 hours"
consent-lasts = Access lasts { $time }.
consent-until = until
consent-you-are = Signed in as
consent-use-another = Use another account
result-connected = Connected
result-go-back = You can go back to your device and close this page.
result-may-log-in = May log in over SSH to
result-may-see = May see
result-no-host = none
result-link-first = This access reaches no host. Link a host account, then sign in again on your device.
result-until = Valid until
result-changed-your-mind = Changed your mind?
result-revoke = Revoke access
result-see-all = See everything that has access
result-denied = Request denied
result-denied-means = Nothing was shared. The device has been notified.
result-revoked = Access revoked
result-revoked-means = Access has been revoked: the device’s token no longer works.
result-expired = The code has expired
result-expired-means = Nothing was shared. Run the command again to get a new code.
result-refused = Access refused
result-nothing = No request found
result-nothing-means = This address does not identify a request. Applications and devices that have access are listed on the page “Applications”.
result-gone = You have not answered this request with this account, or you answered it too long ago. Applications and devices that have access are listed on the page “Applications”.
pickup-waiting = Waiting for your device to finish signing in. This takes a few seconds.
pickup-look-again = Refresh
pickup-refused-disabled = The operators of your centre have disabled this application. It gets no access, and any access it had no longer works.
pickup-refused-grant = The operators of your centre no longer let this application act for people. It gets no access, and any access it had no longer works.
pickup-refused-scope = The operators of your centre have withdrawn every permission that you allowed this application. It gets no access, and any access it had no longer works.
report-lead = Anyone who sends you a code is trying to get into your account. Do not enter the code anywhere else, and do not reply to them.
report-enter = Enter the code here to cancel it. The request is denied and recorded for the operators of your centre.
report-button = Report and deny
report-did-start = I started this. Enter the code to continue
report-thanks = Thank you. The request has been denied.
report-thanks-means = The code no longer works, and nothing was shared. The request has been recorded for the operators of your centre.
report-allowed-before = If you have already allowed a request,
report-allowed-link = revoke its access
report-allowed-after = , and tell your centre’s help desk.
# $tenant (String) - the centre
device-switch-to = Switch to { $tenant }
# $client (String) - the application
consent-question = Allow { $client } to use your account?
# $from (String) - an address
consent-from-same = { $from }, the same address as this browser
# $from (String) - an address
consent-from-other = { $from }, a different address from this browser
# $host (String) - the host
# $account (String) - the login
consent-account-on = { $host } as { $account }
# $time (String) - date and time
pickup-at = Your device finished signing in on { $time }.
# $time (String) - date and time
# $from (String) - an address
pickup-at-from = Your device finished signing in on { $time }, from { $from }.
# $count (Number) - how many accounts
consent-all-accounts =
    { $count ->
        [one] The account
       *[other] All { $count } accounts
    }
# $hosts (String) - names of hosts
consent-accounts-on = on { $hosts }
# $hosts (String) - names of hosts
# $count (Number) - how many more hosts
consent-accounts-on-more =
    { $count ->
        [one] on { $hosts } and { $count } more host
       *[other] on { $hosts } and { $count } more hosts
    }
