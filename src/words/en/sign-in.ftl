# /sign-in
sign-in-again-title = Confirm that it is you
sign-in-again-why = What you are about to do is hard to take back. Show once more that it is you.
sign-in = Sign in
sign-in-code-kept = Your code is kept. Sign in to see who asks.
sign-in-elsewhere = My account is at another centre
sign-in-nobody = Nobody can sign in here yet. Ask the operators of your centre.
sign-in-where = Where is your account?
# $tenant (String) - the centre
sign-in-no-way = There is no way to sign in to { $tenant } here yet. Ask its operators.
sign-in-account-at = Account at
sign-in-user-name = User name
sign-in-password = Password
# $provider (String) - the institution
sign-in-with = Sign in with { $provider }
sign-in-last = last time
sign-in-or-password = Or with a password kept here
sign-in-invited = I have an invitation
sign-in-invitation = Invitation
sign-in-invitation-keep = Use it
sign-in-invitation-kept = Your invitation is kept. Sign in where you have an account; it will be tied to yours here.
sign-in-invitation-forget = It is not mine: forget it
# $provider (String) - the institution
sign-in-help = Does { $provider } keep sending you to the wrong place? Let it forget what you chose there:
