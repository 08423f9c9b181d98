sessions-title = Sesiones
sessions-lead = Los navegadores en los que ha iniciado sesión y los dispositivos y aplicaciones que tienen acceso a su cuenta. Cierre o revoque lo que no reconozca.
sessions-browsers = Navegadores
sessions-this-one = esta sesión
sessions-last-seen = Última actividad
sessions-signed-in = Inicio de sesión
sessions-from = Desde
sessions-from-unknown = desconocido
sessions-sign-out-instead = Para cerrar esta sesión, use «Cerrar sesión».
sessions-end = Cerrar sesión
sessions-end-this = Cerrar la sesión en { $browser }
sessions-end-question = ¿Cerrar la sesión en { $browser }?
sessions-end-consequence = Para seguir allí hará falta iniciar sesión de nuevo. Las aplicaciones y los dispositivos conservan su acceso.
sessions-end-others = Cerrar todas las demás sesiones
sessions-end-others-question = ¿Cerrar todas las demás sesiones?
sessions-ended = Se ha cerrado la sesión.
sessions-ended-already = Esa sesión ya estaba cerrada.
sessions-others-ended = { $count ->
    [0] No había otras sesiones.
    [one] Se ha cerrado otra sesión.
   *[other] Se han cerrado otras { NUMBER($count) } sesiones.
}
sessions-devices = Dispositivos y aplicaciones
sessions-no-devices = Ningún dispositivo ni aplicación tiene acceso a su cuenta.
sessions-allowed = Acceso concedido
sessions-until = Caduca
sessions-not-picked-up = todavía sin conectar
sessions-revoke = Revocar
sessions-revoke-this = Revocar el acceso de { $client }
sessions-revoke-question = ¿Revocar el acceso de { $client }?
sessions-revoke-consequence = El token del dispositivo deja de funcionar de inmediato y las claves que creó ya no sirven para iniciar sesión. Las sesiones en curso no se interrumpen.
sessions-taken-back = Se ha revocado el acceso: el token del dispositivo ya no funciona.
browser-on = { $browser } en { $system }
browser-unknown = Navegador desconocido
