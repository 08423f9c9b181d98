apps-title = Aplicaciones
apps-lead = Qué puede actuar por usted, en qué cuentas y hasta cuándo. Termine lo que no conozca.
apps-search-for = aplicación
apps-show-in-force = En vigor
apps-show-ended = Terminadas
apps-show-all = Todas
apps-sort-made = Las más nuevas primero
apps-sort-expires = Las que antes terminan primero
apps-sort-client = Por aplicación
apps-empty-title = Nada puede actuar por usted
apps-empty = Una aplicación le pregunta con un código. Para que la línea de órdenes actúe por usted, ejecute esto en un terminal e introduzca el código que muestre.
apps-none-in-force = Nada de lo que coincide está en vigor: ya ha terminado o nunca se permitió. No hay nada que terminar.
apps-in-force = en vigor
apps-expired = caducada
apps-was-ended = terminada
apps-by-consent = con su consentimiento
apps-by-admin = establecida por un administrador
apps-carried-over = traída del sistema anterior
apps-may-read-hosts = Ver las cuentas en máquinas
apps-may-read-keys = Ver sus claves SSH y cuándo se usaron
apps-may-create-keys = Iniciar sesión por SSH como usted, ejecutar programas y cambiar archivos
apps-may-revoke-keys = Revocar sus claves SSH
apps-on = En
apps-every-host-account = todas sus cuentas en máquinas
apps-no-host-account = ninguna cuenta
apps-since = Desde
apps-until = Hasta
apps-ended-at = Terminó
apps-last-used = Último uso
apps-keys = Claves que creó
apps-change = Cambiar el final
apps-change-this = Cambiar cuándo termina { $client }
apps-end-this = Revocar { $client }
apps-end-question = ¿Terminar lo que { $client } puede hacer?
apps-end-consequence = { $keys ->
    [0] Ya no podrá actuar por usted: su token deja de funcionar enseguida. Lo que está en marcha sigue en marcha. Para permitirla de nuevo, tendrá que volver a preguntarle.
    [one] Ya no podrá actuar por usted: su token deja de funcionar enseguida y la clave que creó se borra, salvo que otro permiso suyo la cubra. Lo que está en marcha sigue en marcha. Para permitirla de nuevo, tendrá que volver a preguntarle.
   *[other] Ya no podrá actuar por usted: su token deja de funcionar enseguida y las { NUMBER($keys) } claves que creó se borran, salvo las que cubra otro permiso suyo. Lo que está en marcha sigue en marcha. Para permitirla de nuevo, tendrá que volver a preguntarle.
}
apps-change-question = ¿Hasta cuándo puede { $client } actuar por usted?
apps-change-now = Por ahora hasta
apps-change-to = Desde ahora, durante
apps-change-button = Fijar este final
apps-change-hint = Un dispositivo conserva el token que tiene: cuando termine, tendrá que volver a preguntarle, aunque esto dure más.
apps-changed = Ahora termina el { $until }.
apps-ended = Se ha terminado: lo que tienen la aplicación o el dispositivo ya no funciona.
