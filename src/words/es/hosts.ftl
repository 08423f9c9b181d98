hosts-title = Máquinas
hosts-lead = Cuentas en máquinas vinculadas a usted. Una aplicación que usted permita solo puede usar las que marque para ella.
hosts-search-for = máquina o cuenta
hosts-show-all = Todas
hosts-show-active = Activas
hosts-show-expired = Caducadas
hosts-sort-host = Por máquina
hosts-sort-linked = Último vínculo primero
hosts-sort-expires = Las que caducan antes primero
hosts-empty-title = Todavía no hay ninguna cuenta vinculada a usted
hosts-empty = Las vinculan los operadores de su centro. Dígales la máquina y su nombre de usuario en ella.
hosts-linked = Vinculada
hosts-linked-by-admin = por un administrador
hosts-linked-carried-over = traída del sistema anterior
hosts-linked-by-you = por usted
hosts-expires = Caduca
hosts-expired = Caducó
hosts-last-login = Último inicio de sesión por TMS
hosts-keys = Claves
hosts-key-count = { $count ->
    [0] ninguna
    [one] { NUMBER($count) } clave
   *[other] { NUMBER($count) } claves
}
hosts-unlink = Desvincular
hosts-unlink-this = Desvincular { $account } en { $host }
hosts-unlink-question = ¿Desvincular { $account } en { $host }?
hosts-unlink-consequence = Se revocan todas las claves de esta cuenta: ni las aplicaciones ni usted podrán iniciar sesión allí por TMS. Lo que está en marcha sigue en marcha. Solo un administrador puede volver a vincularla.
hosts-unlinked = { $account } en { $host } ya no está vinculada a usted, y sus claves se han revocado.
hosts-unlinked-already = Esa cuenta ya no estaba vinculada a usted. No se cambió nada.
