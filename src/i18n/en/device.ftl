client-verified = verified
client-not-verified = not verified
client-any-program = any program can use this name
device-title = Enter the code from your device
device-code = Code
device-came-with-address = This code came with the address. Go on only if your own device shows the same one.
device-not-filled-in = The code in the address was not filled in. It may have expired or been used. Type the code that your device shows.
device-not-kept = The code you entered before you signed in is not kept any more. Enter it once more.
device-hint-before = Eight letters, such as
device-hint-after = { "." } Capitals, spaces and dashes do not matter.
device-continue = Continue
device-sent-code = Did somebody send you a code, or ask you to enter one?
device-is-for-a-host = Enter a code that tms link shows on a host
consent-compare = Check that your device shows
consent-valid-for = Valid for
consent-expired = expired
consent-only-if-before = Only continue if
consent-only-if-you = you
consent-only-if-after = started this on your own device just now. Support staff will never ask you to enter a code.
consent-tick = Yes, I started this
consent-deny = Deny
consent-allow = Allow
consent-missing-sign-in = To allow this, confirm first that it is you. You can deny it right away.
consent-missing-second-factor = To allow this, show your second factor first. You can deny it right away.
consent-missing-own = To allow this, your centre wants a second factor, and you have none yet. You can deny it right away.
consent-show-first = Go on to allow
consent-another-code = Enter another code
consent-application = Application
consent-asked = Asked
consent-from = From
consent-from-unknown = unknown
# $from (String) - an address
consent-from-network = { $from }, the same network as this browser
# $from (String) - an address
consent-from-uncompared = { $from }; the address of this browser is not known
consent-program = Program
consent-program-says = (as it calls itself)
consent-may = What it may do
consent-may-log-in = Log in over SSH as you
consent-may-log-in-more = , run programs and change files, on the host accounts ticked below
consent-may-see-hosts = See the host accounts ticked below
consent-may-know = Know your user name
consent-hosts = Host accounts
consent-no-hosts = No host account is linked to you, so there is nothing to choose.
consent-as = as
consent-how-long = For how long
consent-until = until
consent-you-are = You are
consent-use-another = Use another account
result-connected = Connected
result-go-back = You can go back to your device and close this page.
result-may-log-in = May log in over SSH to
result-may-see = May see
result-no-host = no host account
result-until = Until
result-changed-your-mind = Changed your mind?
result-take-back = Take it back
result-see-all = See all that you let in
result-denied = Denied
result-denied-means = Nothing was shared. The device has been told.
result-taken-back = Taken back
result-taken-back-means = The access has ended: what the device holds no longer works.
result-expired = The code has expired
result-expired-means = Nothing was shared. Run the command again to get a new code.
result-refused = The device was refused
result-nothing = No request here
result-nothing-means = This address names no request. What may act for you at the moment is on the page “Sessions”.
result-gone = You have answered no such request with this account, or so long ago that it is forgotten. What may act for you at the moment is on the page “Sessions”.
pickup-waiting = Your device has not picked it up yet. That takes a few seconds.
pickup-look-again = Look again
pickup-denied = The request has been denied.
pickup-withdrawn = The access has been taken back.
pickup-expired = Your device did not come for it in time. Run the command again.
pickup-refused-disabled = The operators of your centre have switched this application off: it gets no access, and access that it had does not work.
pickup-refused-grant = The operators of your centre no longer let this application act for people: it gets no access, and access that it had does not work.
pickup-refused-scope = The operators of your centre no longer let this application do anything of what you allowed: it gets no access, and access that it had does not work.
report-lead = Whoever sends you a code wants you to let them into your account. Do not enter it anywhere else, and do not answer them.
report-enter = Enter the code here, and it stops working at once. The device is told no, and what happened is recorded for your centre’s operators.
report-button = Report and stop it
report-did-start = I did start it: enter the code to continue
report-thanks = Thank you. It has been stopped.
report-thanks-means = The code no longer works, the device has been told no, and nothing was shared.
report-allowed-before = If you have already allowed a request,
report-allowed-link = take it back
report-allowed-after = , and tell your centre’s help desk.
# $tenant (String) - the centre
device-switch-to = Switch to { $tenant }
# $client (String) - the application
consent-question = Let { $client } use your account?
# $from (String) - an address
consent-from-same = { $from }, the same address as this browser
# $from (String) - an address
consent-from-other = { $from }, another address than this browser’s
# $host (String) - the host
# $account (String) - the login
consent-account-on = { $host } as { $account }
# $time (String) - date and time
pickup-at = Your device picked it up on { $time }.
# $time (String) - date and time
# $from (String) - an address
pickup-at-from = Your device picked it up on { $time }, from { $from }.
