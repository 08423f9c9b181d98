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
keys-revoke-selected = Revocar las claves seleccionadas
keys-select = Seleccionar { $key }
keys-select-all = Seleccionar las { NUMBER($count) } claves de esta página
keys-select-none = No seleccionar ninguna
keys-type = Tipo
keys-made-by = Creada por
keys-created = Creada
keys-last-used = Último uso
keys-used-on = en { $host }
keys-expires = Caduca
keys-uses-left = Inicios de sesión restantes
keys-uses-unlimited = sin límite
keys-revoke-this = Revocar { $key }
revoke = Revocar
state-active = activa
state-expired = caducada
state-used-up = agotada
keys-none-selected-title = No se ha seleccionado ninguna clave
keys-none-selected = Vuelva atrás y seleccione las claves que quiera revocar. Las que se han revocado entretanto ya no aparecen.
keys-back = Volver a las claves
keys-gone = Esta clave ya se ha revocado o ha caducado: ya no permite iniciar sesión. No queda nada por hacer.
keys-revoke-question = { $count ->
    [one] ¿Revocar esta clave?
   *[other] ¿Revocar estas { NUMBER($count) } claves?
}
keys-revoke-number = { $count ->
    [one] Revocar la clave
   *[other] Revocar { NUMBER($count) } claves
}
keys-all-of-client = { $count ->
    [one] La creó { $name }.
   *[other] Todas las creó { $name }.
}
keys-all-of-host = { $count ->
    [one] Es para { $name }.
   *[other] Todas son para { $name }.
}
keys-all-own = { $count ->
    [one] La registró usted.
   *[other] Todas las registró usted.
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
keys-everything = Revocar todo
keys-everything-lead = ¿Ha perdido un equipo o hay algo sospechoso?
keys-everything-question = ¿Revocar todo lo que puede actuar en su nombre?
keys-everything-consequence = Se revocan todas sus claves SSH, todas las aplicaciones y dispositivos pierden el acceso inmediatamente y se cierran todas sus demás sesiones de navegador. Mientras el portal no esté accesible, las máquinas pueden aceptar una clave almacenada en caché durante un máximo de cinco minutos. Las sesiones SSH en curso no se interrumpen. No se puede deshacer: cada aplicación tendrá que solicitarle acceso de nuevo.
keys-everything-revoked = Se ha revocado todo. Claves SSH: { NUMBER($keys) }. Aplicaciones y dispositivos: { NUMBER($apps) }. Otras sesiones: { NUMBER($sessions) }. La entrada de abajo lo confirma.
keys-and-more = { $count ->
    [one] y { NUMBER($count) } más
   *[other] y { NUMBER($count) } más
}
keys-views = Vista
keys-by-client = Por aplicación
keys-by-host = Por máquina
keys-in-one-list = En una lista
keys-group-own = Registradas por usted
keys-own = Registrada por usted
keys-registered-by-person = Registrada por la persona
keys-group-newest = La más reciente, creada
keys-summary = Claves activas: { NUMBER($count) }. Grupos: { NUMBER($groups) }.
keys-count = { $count ->
    [one] { NUMBER($count) } clave activa
   *[other] { NUMBER($count) } claves activas
}
keys-show-all-of-client = { $count ->
    [one] Mostrar la clave de { $name }
   *[other] Mostrar las { NUMBER($count) } claves de { $name }
}
keys-show-all-of-host = { $count ->
    [one] Mostrar la clave para { $name }
   *[other] Mostrar las { NUMBER($count) } claves para { $name }
}
keys-show-all-own = { $count ->
    [one] Mostrar la clave que ha registrado
   *[other] Mostrar las { NUMBER($count) } claves que ha registrado
}
keys-revoke-all-of-client = { $count ->
    [one] Revocar la clave de { $name }
   *[other] Revocar las { NUMBER($count) } claves de { $name }
}
keys-revoke-all-of-host = { $count ->
    [one] Revocar la clave para { $name }
   *[other] Revocar las { NUMBER($count) } claves para { $name }
}
keys-revoke-all-own = { $count ->
    [one] Revocar la clave que ha registrado
   *[other] Revocar las { NUMBER($count) } claves que ha registrado
}
keys-revoke-all-active = { $count ->
    [one] Revocar su única clave activa
   *[other] Revocar las { NUMBER($count) } claves activas
}
keys-revoke-matching = { $count ->
    [one] Revocar la clave de esta lista
   *[other] Revocar las { NUMBER($count) } claves de esta lista
}
keys-revoke-all-matching = Revocar todas las claves de esta lista
keys-more-than-announced = No se ha revocado nada: ahora hay más claves que coinciden de las que anunciaba la pregunta. Revise la lista e inténtelo de nuevo.
keys-ended = Claves caducadas o agotadas ({ NUMBER($count) })
keys-search-ended = Buscar también en las claves caducadas o agotadas
keys-not-used = Nunca usada
keys-created-then = creada
keys-expired = Caducó
keys-expires-never = No caduca
keys-details = Detalles
keys-client-id = Id. de la aplicación
keys-show-active-list = Activas, en una lista
keys-show-soon = Caducan en menos de 7 días
