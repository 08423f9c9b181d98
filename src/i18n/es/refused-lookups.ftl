refused-title = Inicios de sesión rechazados
refused-count = { $count ->
    [one] Un inicio de sesión rechazado en los últimos 30 días
   *[other] { NUMBER($count, useGrouping: "false") } inicios de sesión rechazados en los últimos 30 días
}
refused-newest = Solo se muestran { NUMBER($count, useGrouping: "false") }, primero los de claves registradas.
refused-lead = Las máquinas rechazaron inicios de sesión con estas claves en sus cuentas. Si no intentó iniciar sesión, no tiene que hacer nada: no llegaron a entrar.
refused-none = El portal no ha rechazado ningún inicio de sesión en los últimos 30 días.
refused-key = Clave
refused-client = Aplicación
refused-person = Persona
refused-host = Máquina
refused-asked-from = Dirección de la máquina
refused-times = Rechazado
refused-times-count = { $count ->
    [one] una vez
   *[other] { NUMBER($count, useGrouping: "false") } veces
}
refused-unknown-key = La clave no está registrada para { $place }. Es posible que se haya revocado.
refused-key-expired = La clave para { $place } ha caducado.
refused-key-used-up = La clave para { $place } ha agotado sus usos.
refused-reservation-ended = La clave para { $place } y su reserva han caducado.
refused-mfa-missing = Iniciar sesión en { $place } requiere un segundo factor, y aquí no se ha usado ninguno.
refused-mfa-disabled = Iniciar sesión en { $place } requiere un segundo factor, que un administrador ha desactivado.
refused-mfa-expired = Iniciar sesión en { $place } requiere un segundo factor, que se usó por última vez hace demasiado tiempo.
refused-link-missing = { $place } no está vinculada a ninguna persona.
refused-link-expired = El vínculo con { $place } ha caducado.
refused-delegation-missing = La aplicación que creó la clave ya no puede usar { $place }.
refused-delegation-expired = El acceso de la aplicación a { $place } ha caducado.
refused-client-disabled = La aplicación que creó la clave para { $place } está desactivada.
refused-person-disabled = La persona titular de la clave para { $place } está desactivada.
refused-tenant-disabled = No se podía iniciar sesión en { $place } mientras su centro estaba desactivado.
refused-uid = { $place } se considera una cuenta del sistema: su UID es inferior al mínimo.
refused-key-type = Para { $place }, la máquina pidió una clave de otro tipo, por ejemplo para un certificado.
refused-other-tenant = La clave para { $place } se buscó en otro centro, que tiene una máquina con el mismo nombre.
refused-credential-missing = La máquina de { $place } no envió su credencial.
refused-credential-invalid = La máquina de { $place } envió una credencial no válida.
refused-credential-other = La máquina de { $place } envió la credencial de otra máquina.
refused-do-keys = Abrir las claves SSH
refused-do-new-key = Inicie de nuevo la aplicación o ejecute tms ssh HOST: obtendrá una clave nueva.
refused-do-mfa = Usar su segundo factor
refused-do-mfa-set-up = Configurar un segundo factor
refused-do-hosts = Renovar el vínculo
refused-do-apps = Abrir las aplicaciones
refused-ask = Solo los administradores de su centro pueden cambiarlo.
