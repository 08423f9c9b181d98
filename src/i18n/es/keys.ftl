keys-title = Claves SSH
keys-lead = Cada una de estas claves permite a una aplicación, o a usted, iniciar sesión en una máquina en su nombre. Revoque las que no reconozca.
keys-search-for = nombre, máquina, cuenta, aplicación o huella
keys-show-all = Todas
keys-show-active = Activas
keys-show-ended = Caducadas o agotadas
keys-show-unused = Nunca usadas
keys-sort-created = Más recientes
keys-sort-used = Último uso
keys-sort-expires = Caducan antes
keys-sort-host = Por máquina
keys-empty-title = No tiene claves SSH
keys-empty = Las aplicaciones a las que da acceso crean sus propias claves. Para crear una para usted, ejecute esto en un terminal: crea la clave, la registra e inicia sesión.
keys-selected-elsewhere = Se incluyen las claves seleccionadas en otras páginas.
keys-revoke-ticked = Revocar las claves seleccionadas
keys-select = Seleccionar { $key }
keys-type = Tipo
keys-made-by = Creada por
keys-made-by-you = usted
keys-created = Creada
keys-last-used = Último uso
keys-used-on = en { $host }
keys-never-used = nunca
keys-expires = Caduca
keys-uses-left = Inicios de sesión restantes
keys-uses-unlimited = sin límite
keys-revoke-this = Revocar { $key }
revoke = Revocar
state-active = activa
state-expired = caducada
state-used-up = agotada
keys-none-ticked-title = No se ha seleccionado ninguna clave
keys-none-ticked = Vuelva atrás y seleccione las claves que quiera revocar. Las que se han revocado entretanto ya no aparecen.
keys-back = Volver a las claves
keys-gone = Esta clave ya se ha revocado o ha caducado: ya no permite iniciar sesión. No queda nada por hacer.
keys-revoke-question = { $count ->
    [one] ¿Revocar esta clave?
   *[other] ¿Revocar estas { NUMBER($count) } claves?
}
keys-revoke-consequence = Desde ahora se rechazan los nuevos inicios de sesión con una clave revocada. Mientras el portal no esté accesible, las máquinas pueden aceptar una clave almacenada en caché durante un máximo de cinco minutos. Las sesiones SSH en curso no se interrumpen. No se puede deshacer.
keys-revoked = { $count ->
    [0] No se ha revocado nada: las claves ya estaban revocadas.
    [one] Se ha revocado una clave. El próximo inicio de sesión con ella se rechazará.
   *[other] Se han revocado { NUMBER($count) } claves. El próximo inicio de sesión con cualquiera de ellas se rechazará.
}
keys-add = Añadir una clave propia
keys-add-title = Añadir una clave SSH propia
keys-add-lead = Añada una clave pública para iniciar sesión en una de sus cuentas. La clave privada se queda en su equipo.
keys-add-account = Cuenta en una máquina
keys-add-account-on = { $account } en { $host }
keys-add-key = Clave pública
keys-add-key-hint = La única línea de su archivo .pub, por ejemplo ~/.ssh/id_ed25519.pub. Nunca la clave privada.
keys-add-file = O elija un archivo
keys-add-name = Nombre
keys-add-name-hint = Opcional. De forma predeterminada, el comentario del final de la línea.
keys-add-days = Validez (días)
keys-add-days-hint = { NUMBER($days) } días como máximo en su centro.
keys-add-button = Añadir clave
keys-add-no-account = Elija una de sus cuentas activas.
keys-add-none = No tiene ninguna cuenta activa en la que iniciar sesión con una clave.
keys-added = La clave { $fingerprint } ya permite iniciar sesión en { $host }.
keys-revoke-all-of = Revocar todas las claves de { $client }
keys-everything = Revocar todo
keys-everything-lead = ¿Ha perdido un equipo o hay algo sospechoso?
keys-everything-question = ¿Revocar todo lo que puede actuar en su nombre?
keys-everything-consequence = Se revocan todas sus claves SSH, todas las aplicaciones y dispositivos pierden el acceso inmediatamente y se cierran todas sus demás sesiones de navegador. Mientras el portal no esté accesible, las máquinas pueden aceptar una clave almacenada en caché durante un máximo de cinco minutos. Las sesiones SSH en curso no se interrumpen. No se puede deshacer: cada aplicación tendrá que solicitarle acceso de nuevo.
keys-everything-revoked = Se ha revocado todo. Claves SSH: { NUMBER($keys) }. Aplicaciones y dispositivos: { NUMBER($apps) }. Otras sesiones: { NUMBER($sessions) }. La entrada de abajo lo confirma.
keys-and-more = { $count ->
    [one] y { NUMBER($count) } más
   *[other] y { NUMBER($count) } más
}
keys-made-by-person = la persona
