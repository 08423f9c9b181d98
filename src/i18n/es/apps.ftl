apps-title = Aplicaciones
apps-lead = Aplicaciones y dispositivos que pueden actuar en su nombre, en qué cuentas y hasta cuándo. Revoque los que no reconozca.
apps-search-for = aplicación
apps-show-in-force = Activas
apps-show-ended = Caducadas o revocadas
apps-show-all = Todas
apps-sort-made = Más recientes
apps-sort-expires = Caducan antes
apps-sort-client = Por aplicación
apps-empty-title = Ninguna aplicación puede actuar en su nombre
apps-empty = Las aplicaciones solicitan acceso mediante un código. Para dar acceso a la línea de comandos, ejecute esto en un terminal e introduzca el código que muestra.
apps-none-in-force = Ninguna aplicación activa coincide: nunca se permitió o su acceso ya ha terminado. No hay nada que revocar.
apps-none-ended = No consta ningún acceso caducado ni revocado.
apps-none-active = Esta aplicación no tiene ningún acceso activo.
apps-expired = caducada
apps-was-ended = revocada
apps-by-consent = Con su consentimiento
apps-by-admin = Concedido por un administrador
apps-carried-over = Importado del sistema anterior
apps-may-read-hosts = Ver las cuentas en máquinas
apps-may-read-keys = Ver sus claves SSH y cuándo se usaron
apps-may-create-keys = Iniciar sesión por SSH como usted, ejecutar programas y modificar archivos
apps-may-revoke-keys = Revocar sus claves SSH
apps-may-stay-signed-in = Mantener la sesión iniciada hasta que termine el acceso
apps-may-sign-in = Saber quién es usted
apps-may-know-name = Saber su nombre
apps-may-know-email = Saber su dirección de correo electrónico
apps-may-know-groups = Saber a qué grupos pertenece
apps-may-at = { $scope } en { $resource }
apps-on = Cuentas en máquinas
apps-every-host-account = todas sus cuentas en máquinas
apps-no-host-account = ninguna
apps-since = Acceso concedido
apps-until = Caduca
apps-ended-at = Terminó
apps-last-used = Último uso
apps-used-from = desde { $address }
apps-not-connected = todavía sin conectar
apps-last-login = Último inicio de sesión SSH
apps-from = Desde
apps-agent = Se identifica como
apps-program-unknown = Programa desconocido
apps-devices = Dispositivos
apps-details = Qué puede hacer
apps-client-id = ID de cliente
apps-all = Todas las aplicaciones
apps-show-all-devices = Ver los { NUMBER($count) } dispositivos
apps-show-all-of = Ver los { NUMBER($count) } dispositivos de { $client }
apps-revoke-access = Revocar el acceso
apps-revoke-access-of = Revocar el acceso de { $client }
apps-revoke-question = ¿Revocar todo el acceso de { $client }?
apps-revoke-consequence = { $count ->
    [one] Ya no podrá actuar en su nombre: su permiso termina inmediatamente y su token deja de funcionar.
   *[other] Ya no podrá actuar en su nombre: los { NUMBER($count) } permisos de esta aplicación terminan inmediatamente y sus tokens dejan de funcionar.
}
apps-revoke-keys = { $keys ->
    [0] No creó ninguna clave SSH.
    [one] La clave SSH que creó se revoca.
   *[other] Las { NUMBER($keys) } claves SSH que creó se revocan.
}
apps-revoke-then = Las sesiones SSH en curso no se interrumpen. Para volver a actuar en su nombre, tendrá que solicitárselo de nuevo o un administrador tendrá que concederle acceso.
apps-access-revoked = { $count ->
    [one] Se ha revocado todo el acceso de la aplicación: su permiso ha terminado.
   *[other] Se ha revocado todo el acceso de la aplicación: han terminado { NUMBER($count) } permisos.
}
apps-keys = Claves creadas
apps-change = Cambiar la caducidad
apps-change-this = Cambiar la caducidad de { $client } ({ $device })
apps-end-this = Revocar el acceso de { $client } ({ $device })
apps-end-question = ¿Revocar el acceso de { $device } ({ $client })?
apps-end-question-admin = ¿Revocar el acceso de { $client } que concedió un administrador?
apps-end-question-imported = ¿Revocar el acceso de { $client } que se importó del sistema anterior?
apps-end-question-consent = ¿Revocar el acceso de { $client } que usted permitió?
apps-end-consequence = { $keys ->
    [0] Este acceso termina inmediatamente; los tokens emitidos para él dejan de funcionar. Las sesiones SSH en curso no se interrumpen. Para volver a tener acceso, la aplicación tendrá que solicitárselo o un administrador tendrá que concedérselo.
    [one] Este acceso termina inmediatamente; los tokens emitidos para él dejan de funcionar. La clave que creó se revoca, salvo que la cubra otro acceso que usted haya permitido. Las sesiones SSH en curso no se interrumpen. Para volver a tener acceso, la aplicación tendrá que solicitárselo o un administrador tendrá que concedérselo.
   *[other] Este acceso termina inmediatamente; los tokens emitidos para él dejan de funcionar. Las { NUMBER($keys) } claves que creó se revocan, salvo las que cubra otro acceso que usted haya permitido. Las sesiones SSH en curso no se interrumpen. Para volver a tener acceso, la aplicación tendrá que solicitárselo o un administrador tendrá que concedérselo.
}
apps-change-question = ¿Durante cuánto tiempo puede { $client } actuar en su nombre?
apps-change-now = Válido actualmente hasta el
apps-change-never = Este acceso no caduca.
apps-change-to = A partir de ahora, durante
apps-change-button = Guardar
apps-change-hint = Los dispositivos conservan su token actual. Cuando el token caduque, el dispositivo tendrá que solicitarle acceso de nuevo, aunque este acceso dure más.
apps-changed = El acceso caduca ahora el { $until }.
apps-ended = Se ha revocado el acceso: los tokens emitidos para él ya no funcionan.
