notifications-title = Notificaciones
notifications-lead = Si no hizo usted alguna de estas cosas, elija «No fui yo».
notification-new-network = Inició sesión desde { $address }. No había usado esa red en los últimos 90 días.
notification-application-allowed = { $client } obtuvo permiso para actuar en su nombre.
notification-application-allowed-on = { $client } obtuvo permiso para actuar en su nombre. La solicitud vino de { $device }.
notification-key-registered = Se añadió una clave SSH a su cuenta: { $fingerprint }.
notification-application-keys = { $client } creó claves SSH para usted.
notification-device-replayed = El código de inicio de sesión de { $client } se usó una segunda vez. Se revocó el acceso que había dado.
notification-refresh-token-reused = Se volvió a usar un token antiguo de { $client }, así que puede haber una copia. Se revocó el acceso al que pertenecía.
notification-code-submitted-twice = Un código se introdujo en dos navegadores. Solo el primero puede usarlo.
notification-second-factor-removed = Se eliminó un segundo factor de su cuenta.
notification-from = desde
notification-not-me = No fui yo
notification-details = Detalles
notification-dismiss = Descartar
notifications-dismiss-all = Descartar todas
notifications-older = { $count ->
    [one] Una notificación anterior
   *[other] { NUMBER($count) } notificaciones anteriores
}
notifications-dismissed = Descartado. Los eventos siguen en Actividad.
notifications-gone = No quedaba nada que descartar.

mail-title = Correo electrónico
mail-sent-to = Las notificaciones se envían a { $address }.
mail-from-institution = Su institución confirmó esta dirección cuando inició sesión.
mail-from-admin = Un administrador indicó esta dirección.
mail-no-address = No se conoce ninguna dirección de correo suya, así que las notificaciones solo están en la página de inicio. Su institución la comunica cuando inicia sesión allí, o la indica un administrador.
mail-always = Los inicios de sesión desde redes nuevas, las claves nuevas propias, los códigos y tokens reutilizados y los segundos factores eliminados se envían siempre: un intruso podría desactivarlos antes.
mail-optional = Enviar también correos sobre aplicaciones nuevas y las claves que crean
mail-optional-on = Los correos sobre aplicaciones están activados.
mail-optional-off = Los correos sobre aplicaciones están desactivados.
mail-save = Guardar

mail-subject-one = { $tenant }: { $title }
mail-subject-many = { $tenant }: { NUMBER($count) } notificaciones sobre su cuenta
mail-title-new-network = inicio de sesión desde una red nueva
mail-title-application-allowed = una aplicación puede actuar en su nombre
mail-title-key-registered = nueva clave SSH
mail-title-application-keys = una aplicación creó claves SSH
mail-title-device-replayed = un código se usó dos veces
mail-title-refresh-token-reused = se volvió a usar un token antiguo
mail-title-second-factor-removed = segundo factor eliminado
mail-greeting = Hola, { $name }:
mail-lead = Esto ocurrió en su cuenta { $user } de { $tenant }:
mail-from-address = desde { $address }
mail-not-me = Si no fue usted:
mail-outro = Si lo hizo usted, no tiene que hacer nada. Los enlaces de este mensaje llevan solo a { $url }, y Trust Manager nunca pide contraseñas ni códigos por correo. Puede elegir qué se le envía en Métodos de inicio de sesión.

admin-people-email = Dirección de correo
admin-people-email-claimed = confirmada por la institución
admin-people-email-set = indicada por un administrador
admin-people-email-none = ninguna
admin-people-email-hint = Allí se envían las notificaciones. La dirección que indique sustituye a la de la institución; un campo vacío la elimina.
admin-people-email-refused = No es una dirección a la que el portal pueda enviar correo.
admin-people-groups = Grupos
admin-people-groups-set = Grupos indicados por administradores
admin-people-groups-hint = Se comunican a las aplicaciones en las que se inicia sesión con este portal. Separe los nombres con espacios; un campo vacío quita a la persona de todos ellos.
admin-people-groups-refused = Una persona puede estar en { $count } grupos como máximo. Sus nombres tienen letras sin acentos, cifras y . _ - : / @ +
