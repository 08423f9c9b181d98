sessions-title = Sesiones
sessions-lead = Los navegadores en los que ha iniciado sesión. Cierre las sesiones que no reconozca.
sessions-methods = Para cambiar cómo inicia sesión, vaya a
sessions-this-one = esta sesión
sessions-last-seen = Última actividad
sessions-signed-in = Inicio de sesión
sessions-from = Desde
sessions-from-unknown = desconocido
sessions-with = con { $provider }
sessions-with-password = con una contraseña
sessions-clients = Sesión iniciada en
sessions-apps = Aplicaciones y dispositivos que pueden actuar en su nombre
sessions-shown = Solo se muestran las { NUMBER($count) } sesiones usadas más recientemente.
sessions-sign-out-instead = Para cerrar esta sesión, use «Cerrar sesión».
sessions-end = Cerrar sesión
sessions-end-this = Cerrar la sesión en { $browser }
sessions-end-question = ¿Cerrar la sesión en { $browser }?
sessions-end-consequence = Para continuar allí habrá que iniciar sesión de nuevo. También terminan los inicios de sesión en aplicaciones hechos en ella. Se mantiene el acceso que permitió a aplicaciones y dispositivos.
sessions-end-others = Cerrar todas las demás sesiones
sessions-end-others-question = ¿Cerrar todas las demás sesiones?
sessions-ended = Se ha cerrado la sesión.
sessions-ended-already = Esa sesión ya estaba cerrada.
sessions-others-ended = { $count ->
    [0] No había otras sesiones.
    [one] Se ha cerrado otra sesión.
   *[other] Se han cerrado otras { NUMBER($count) } sesiones.
}
browser-on = { $browser } en { $system }
browser-unknown = Navegador desconocido
