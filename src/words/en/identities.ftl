# /identities
identities-title = Ways to sign in
# $person (String)
identities-lead = Where { $person } signs in. Whoever signs in at one of these is you here.
identities-none = You sign in with a password kept here, and nowhere else yet.
identities-link-another = Link another
identities-link-means = Sign in there once; then you can use either.
identities-at = At
identities-since = Linked
identities-last-used = Last used
identities-unlink = Unlink
# $identity (String) - who the person is there
identities-unlink-this = Unlink { $identity }
# $identity (String)
identities-unlink-question = Unlink { $identity }?
identities-unlink-consequence = Whoever signs in there is no longer you here. Sessions that are open go on: end them under “Sessions” if you do not trust them.
# $identity (String)
identities-unlinked = { $identity } has been unlinked.
identities-gone = That has been unlinked already. Nothing was changed.
identities-only-way-in = That is your only way to sign in. Link another one first.
# $identity (String)
# $person (String)
identities-link-question = Link { $identity } to { $person }?
# $identity (String)
# $user (String)
identities-link-consequence = From then on, whoever signs in there as { $identity } is { $user } here, with all host accounts and keys. If that is somebody else’s account, cancel.
identities-link = Link
# $identity (String)
identities-linked = { $identity } has been linked.
# $identity (String)
identities-already-yours = { $identity } is linked to you already. Nothing was changed.
# $identity (String)
identities-somebody-elses = { $identity } is linked to somebody else here. If both are you, sign in with that account and unlink it there first; else ask the operators of your centre.
identities-nothing-to-link = There is nothing to link. Start again below.
