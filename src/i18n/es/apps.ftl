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
apps-flow = Cómo se permitió
apps-flow-device = con un código, para un dispositivo
apps-flow-code = en el navegador
apps-sign-ins = { $count ->
    [one] Un inicio de sesión de la aplicación sigue vigente:
   *[other] { NUMBER($count) } inicios de sesión de la aplicación siguen vigentes:
}
apps-sign-ins-newest = Los { NUMBER($shown) } más recientes de los { NUMBER($count) } inicios de sesión de la aplicación que siguen vigentes:
apps-sign-in-since = Inicio de sesión
apps-sign-in-refreshed = Última renovación
apps-sign-in-idle-until = Termina si no se renueva
apps-sign-in-end = Terminar inicio de sesión
apps-sign-in-end-this = Terminar el inicio de sesión de { $client } ({ $program })
apps-sign-in-end-question = ¿Terminar este inicio de sesión de { $client }?
apps-sign-in-end-consequence = Sus tokens dejan de funcionar de inmediato. Lo que permitió a la aplicación, sus otros inicios de sesión y sus claves SSH se mantienen: revoque su acceso para terminar también con ellos.
apps-sign-in-ended = El inicio de sesión ha terminado: sus tokens ya no funcionan.
apps-sign-in-ended-before = Este inicio de sesión ya había terminado. No se ha cambiado nada.
apps-ends = Termina
apps-ends-with-session = con la sesión del navegador
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
apps-receipt-sign-ins = { $count ->
    [0] La aplicación no tenía ningún inicio de sesión vigente.
    [one] Ha terminado un inicio de sesión de la aplicación.
   *[other] Han terminado { NUMBER($count) } inicios de sesión de la aplicación.
}
apps-receipt-keys = { $count ->
    [0] No se ha revocado ninguna clave SSH.
    [one] Se ha revocado una clave SSH.
   *[other] Se han revocado { NUMBER($count) } claves SSH.
}
apps-receipt-told = Se informa a la aplicación del cierre de sesión.
apps-receipt-login = El último inicio de sesión con sus claves fue en { $host }, el { $at }.
