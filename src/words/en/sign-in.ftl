# /sign-in
sign-in-again-title = Confirm that it is you
sign-in-again-why = What you are about to do is hard to take back. Enter your password once more.
