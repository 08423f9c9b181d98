sign-in-again-title = Confirme que es usted
sign-in-again-why = Lo que va a hacer es difícil de deshacer. Introduzca su contraseña otra vez.
