keys-title = Claves SSH
keys-lead = Con cada una de estas claves un programa, o usted, puede iniciar sesión como usted. Revoque lo que no conozca.
keys-search-for = nombre, máquina, cuenta, aplicación o huella
keys-show-all = Todas
keys-show-active = Activas
keys-show-ended = Caducadas o agotadas
keys-show-unused = Nunca usadas
keys-sort-created = Las más nuevas primero
keys-sort-used = Último uso primero
keys-sort-expires = Las que caducan antes primero
keys-sort-host = Por máquina
keys-empty-title = Ninguna clave inicia sesión como usted
keys-empty = Las aplicaciones que usted permite crean sus propias claves. Para usted, ejecute esto en un terminal: crea una clave, la registra e inicia sesión.
keys-ticked-elsewhere = Se incluyen las claves marcadas en otras páginas.
keys-revoke-ticked = Revocar las claves marcadas
keys-tick = Marcar { $key }
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
keys-none-ticked-title = No se marcó ninguna clave
keys-none-ticked = Vuelva y marque las claves que deban revocarse. Las que ya se han revocado no se vuelven a preguntar.
keys-back = Volver a las claves
keys-gone = Esta clave ya se ha revocado o ha terminado: ya no se admite ningún acceso con ella. No queda nada que hacer.
keys-revoke-question = { $count ->
    [one] ¿Revocar esta clave?
   *[other] ¿Revocar estas { NUMBER($count) } claves?
}
keys-revoke-consequence = Desde ahora se rechazan los nuevos inicios de sesión con lo que revoca. Solo mientras no se pueda llegar al portal, las máquinas que guardan sus respuestas pueden aceptar una clave hasta cinco minutos más. Lo que está en marcha sigue en marcha. No se puede deshacer.
keys-revoked = { $count ->
    [0] No se revocó nada: las claves ya no existían.
    [one] Se ha revocado una clave: el próximo inicio de sesión con ella se rechaza.
   *[other] Se han revocado { NUMBER($count) } claves: el próximo inicio de sesión con cualquiera de ellas se rechaza.
}
keys-add = Añadir una clave propia
keys-add-title = Añadir una clave SSH propia
keys-add-lead = Con su mitad privada, que se queda en su ordenador, inicia sesión en una de sus cuentas.
keys-add-account = Cuenta en máquina
keys-add-account-on = { $account } en { $host }
keys-add-key = Clave pública
keys-add-key-hint = La única línea de su archivo .pub, como ~/.ssh/id_ed25519.pub. Nunca la clave privada.
keys-add-file = O elija el archivo
keys-add-name = Nombre
keys-add-name-hint = Opcional; si no, el comentario del final de la línea.
keys-add-days = Durante cuántos días
keys-add-days-hint = Como máximo { NUMBER($days) } días en su centro.
keys-add-button = Añadir esta clave
keys-add-no-account = Elija una de sus cuentas que esté activa.
keys-add-none = No hay ninguna cuenta activa vinculada a usted, así que no hay dónde iniciar sesión.
keys-added = La clave { $fingerprint } ya inicia sesión en { $host }.
keys-revoke-all-of = Revocar todas las de { $client }
keys-everything = Revocar todo
keys-everything-lead = ¿Ha perdido un ordenador, o algo parece ir mal?
keys-everything-question = ¿Revocar todo lo que puede actuar por usted?
keys-everything-consequence = Se revocan todas sus claves SSH, todas las aplicaciones y dispositivos pierden su acceso enseguida y terminan todas sus demás sesiones de navegador. Solo mientras no se pueda llegar al portal, las máquinas que guardan sus respuestas pueden aceptar una clave hasta cinco minutos más. Lo que está en marcha sigue en marcha. No se puede deshacer: cada aplicación tendrá que volver a preguntarle.
keys-everything-revoked = Se ha revocado todo. Claves SSH: { NUMBER($keys) }. Aplicaciones y dispositivos: { NUMBER($apps) }. Otras sesiones: { NUMBER($sessions) }. El registro de abajo lo confirma.
keys-and-more = { $count ->
    [one] y { NUMBER($count) } más
   *[other] y { NUMBER($count) } más
}
keys-made-by-person = la persona
