sessions-title = Sesiones
sessions-lead = Dónde ha iniciado sesión y a qué ha dado acceso. Termine lo que no conozca.
sessions-browsers = Navegadores
sessions-this-one = esta
sessions-last-seen = Vista por última vez
sessions-signed-in = Iniciada
sessions-from = Desde
sessions-from-unknown = desconocido
sessions-sign-out-instead = Para terminar esta, cierre la sesión.
sessions-end = Terminar
sessions-end-this = Terminar la sesión en { $browser }
sessions-end-question = ¿Terminar la sesión en { $browser }?
sessions-end-consequence = Quien esté allí tendrá que iniciar sesión de nuevo. Las aplicaciones y los dispositivos con acceso lo conservan.
sessions-end-others = Terminar todas las demás sesiones
sessions-end-others-question = ¿Terminar todas las demás sesiones?
sessions-ended = La sesión se ha terminado.
sessions-ended-already = Esa sesión ya había terminado.
sessions-others-ended = { $count ->
    [0] No había otras sesiones.
    [one] Se ha terminado otra sesión.
   *[other] Se han terminado otras { NUMBER($count) } sesiones.
}
sessions-devices = Dispositivos y aplicaciones
sessions-no-devices = Por ahora nada puede actuar por usted.
sessions-allowed = Permitido
sessions-until = Hasta
sessions-not-picked-up = todavía no recogido
sessions-take-back = Retirar
sessions-take-back-this = Retirar el acceso de { $client }
sessions-take-back-question = ¿Retirar el acceso de { $client }?
sessions-take-back-consequence = Lo que tiene el dispositivo deja de funcionar enseguida y las claves que creó ya no inician sesión. Lo que está en marcha sigue en marcha.
sessions-taken-back = Se ha retirado: lo que tiene el dispositivo ya no funciona.
browser-on = { $browser } en { $system }
browser-unknown = Navegador desconocido
