admin-title = Administración
admin-lead = Todo lo que se hace aquí puede hacerse también con la API de TMS o en la línea de comandos: cada página muestra cómo. Todo queda en el registro de auditoría.
admin-areas = Áreas de administración
admin-areas-menu = Administración: { $area }
admin-clients = Clientes
admin-hosts = Máquinas
admin-people = Personas
admin-delegations = Delegaciones
admin-keys = Claves
admin-activity = Registro de auditoría
admin-policy = Política
admin-tenants = Tenants
admin-tenants-not-yours = Solo los administradores del tenant «default» pueden gestionar los tenants. Póngase en contacto con los operadores del portal.
admin-as-curl = Con la API
admin-saved = Cambios guardados.
admin-gone = Ya no existe. No se ha cambiado nada.
admin-stale = Otro administrador ha hecho cambios desde que usted abrió esta página. Revise los valores actuales y repita su cambio.
admin-deleted = Se ha eliminado { $name }.
admin-rotated = Se ha creado un secreto nuevo. El anterior funciona hasta el { $until }.
admin-bad-id = Los nombres solo admiten letras, cifras y . _ - @ + ~ /, y no pueden estar vacíos.
admin-clients-name-needed = El cliente necesita un nombre y una versión.
admin-clients-added = Se ha creado el cliente.
admin-clients-exists = Ya existe un cliente con ese ID, o con ese nombre y versión.
admin-hosts-added = Se ha añadido la máquina. Pertenece a este tenant aunque no indique el suyo en las consultas.
admin-hosts-added-elsewhere = Se ha añadido la máquina. Otro tenant ya tenía una con ese nombre, así que debe indicar su tenant en las consultas: defina «tenant» en su tms_keycmd.toml.
admin-hosts-added-shared = Sin embargo, { $address } es también una dirección de { $other }, por lo que no identifica a ninguna de las dos máquinas. Use el nombre de cada una.
admin-hosts-exists = La máquina ya tiene esa dirección.
admin-hosts-credential-created = Guarde esta credencial en el archivo de credencial de la máquina. La anterior, si la había, funciona durante una hora más.
admin-people-added = Se ha creado la cuenta.
admin-people-added-with-password = Se ha creado la cuenta. Esta es su contraseña:
admin-people-new-password = Se han cerrado todas las sesiones de esta persona. Esta es la contraseña nueva:
admin-people-exists = Ya existe una persona con ese nombre de usuario.
admin-people-no-mfa = Active primero el segundo factor de la persona: es necesario para vincular cuentas en máquinas.
admin-people-linked-already = Esa cuenta ya está vinculada a la persona.
admin-delegations-no-client = No existe ningún cliente con ese ID.
admin-delegations-no-person = No existe ninguna persona con ese nombre de usuario.
admin-delegations-exists = Un administrador ya añadió esa delegación. Revóquela antes.
admin-delegations-ended = Se ha revocado la delegación. Sus tokens ya no funcionan y las claves creadas con ella se han revocado.
admin-policy-out-of-range = Hay un valor fuera de rango. El nombre no puede estar vacío. Validez del código: de 1 a 60 minutos. Acceso máximo: de 1 a 3650 días. Validez del segundo factor: de 1 hora a 10 años. Duración de los vínculos: de 1 a 3650 días. UID mínimo: 1 o más.
admin-policy-retention-refused = Los eventos deben conservarse siempre (0) o de 30 a 36500 días, y los relevantes para la seguridad, al menos tanto tiempo como los demás. No se ha modificado nada.
admin-tenants-added = Se ha creado el tenant { $tenant }. Este es el secreto de su primer administrador, ~~admin:
admin-tenants-not-typed = Para eliminar el tenant, escriba su nombre exactamente. No se ha cambiado nada.
admin-id = ID
admin-made = Fecha de creación
admin-days = Días (0 = sin caducidad)
admin-user-name = Nombre de usuario
admin-enabled = activo
admin-disabled = desactivado
admin-enable = Activar
admin-disable = Desactivar
admin-save = Guardar
admin-remove = Quitar
admin-as-command = En la línea de comandos
admin-clients-id = ID de cliente
admin-clients-show-all = Todos
admin-clients-show-enabled = Activos
admin-clients-show-disabled = Desactivados
admin-clients-show-public = Públicos
admin-clients-search-for = ID o nombre
admin-clients-add = Añadir un cliente
admin-clients-add-button = Crear el cliente y mostrar su secreto
admin-clients-empty = Todavía no hay clientes
admin-clients-empty-hint = Añada un cliente por cada aplicación que pueda pedir acceso a las personas de su centro. Obtendrá el ID y el secreto para su configuración.
admin-clients-public = público
admin-clients-verified = verificado
admin-clients-app-name = Aplicación
admin-clients-app-version = Versión
admin-clients-may = Concesión y permisos (scopes) autorizados
admin-clients-device-grant = Pedir autorización en el navegador con un código (device authorization grant)
admin-clients-set-up = Permisos
admin-clients-standing = Estado
admin-clients-enabled-means = Activo: su secreto, sus tokens y sus claves funcionan
admin-clients-verified-means = Verificado: se informa de que su centro lo ha verificado
admin-clients-secret = Secreto de cliente
admin-clients-old-secret = El secreto se está renovando. El anterior caduca
admin-clients-overlap = Horas que el secreto anterior sigue siendo válido
admin-clients-rotate = Renovar el secreto
admin-clients-delete = Eliminar este cliente
admin-clients-delete-question = ¿Eliminar { $client }?
admin-clients-delete-consequence = También se eliminan sus claves ({ NUMBER($keys) }) y los accesos que le { $people ->
    [one] ha concedido { NUMBER($people) } persona
   *[other] han concedido { NUMBER($people) } personas
}. Sus tokens dejan de funcionar de inmediato. Esta acción no se puede deshacer.
admin-hosts-search-for = nombre o dirección
admin-hosts-add = Añadir una máquina
admin-hosts-empty = Todavía no hay máquinas
admin-hosts-empty-hint = Añada una máquina para obtener las líneas de su sshd_config y ver sus consultas de claves.
admin-hosts-name = Máquina
admin-hosts-name-hint = El nombre que usa su centro; no tiene por qué ser un nombre DNS.
admin-hosts-address = Dirección
admin-hosts-address-hint = La dirección para ssh: un nombre DNS o una dirección IP.
admin-hosts-addresses = Direcciones
admin-hosts-asked = Última consulta de claves
admin-hosts-credential = Credencial
admin-hosts-credential-none = ninguna
admin-hosts-credential-required = obligatoria para consultar claves
admin-hosts-credential-optional = existe, pero no es obligatoria
admin-hosts-credential-make = Crear una credencial
admin-hosts-credential-renew = Crear una credencial nueva
admin-hosts-credential-demand = Exigir la credencial
admin-hosts-credential-demand-not = Hacerla opcional
admin-hosts-credential-remove = Quitar la credencial
admin-hosts-test = Actualizar
admin-hosts-answers-not = Otro tenant tiene una máquina con este nombre. Esta debe enviar su tenant o una credencial.
admin-hosts-credential-remove-question = ¿Quitar la credencial de { $host }?
admin-hosts-credential-remove-consequence = Las consultas de claves con el nombre de esta máquina ya no necesitarán credencial. Se rechazarán las que sigan enviando la antigua.
admin-hosts-test-hint = Inicie sesión en la máquina o ejecute la comprobación de abajo; después, actualice esta página para ver la hora de la última consulta.
admin-hosts-set-up = Configuración
admin-hosts-sshd-config = En su sshd_config:
admin-hosts-key-command = En /etc/ssh/tms_keycmd/tms_keycmd.toml:
admin-hosts-then-check = Después, ejecute en la máquina:
admin-hosts-links = Con esta orden, cada persona puede vincular con tms link la cuenta con la que ha iniciado sesión en esta máquina:
admin-hosts-links-credential = Para que las personas puedan vincular con tms link la cuenta con la que han iniciado sesión, cree antes una credencial para la máquina, más arriba.
admin-hosts-remove-question = ¿Quitar { $address } de { $host }?
admin-hosts-remove-consequence = Si es la última dirección de la máquina, esta desaparece de la lista. Las cuentas vinculadas y sus claves se conservan.
admin-people-search-for = nombre de usuario o nombre
admin-people-show-all = Todas
admin-people-show-enabled = Activas
admin-people-show-disabled = Desactivadas
admin-people-show-admins = Administradores
admin-people-show-no-mfa = Sin ventana de MFA abierta
admin-people-sort-name = Por usuario
admin-people-sort-made = Más recientes
admin-people-add = Añadir una persona
admin-people-empty = Todavía no hay personas
admin-people-empty-hint = Las personas se añaden cuando inician sesión por primera vez mediante un proveedor de identidad. También puede añadir una aquí, con una contraseña o una invitación.
admin-people-display-name = Nombre
admin-people-admin = administrador
admin-people-mfa = Ventana de MFA
admin-people-mfa-none = ninguna
admin-people-mfa-until = abierta hasta el
admin-people-mfa-expired = caducada
admin-people-mfa-off = cerrada
admin-people-mfa-open = Abrir la ventana de MFA
admin-people-mfa-renew = Renovar la ventana de MFA
admin-people-unlink-question = ¿Desvincular { $account } de { $person }?
admin-people-unlink-consequence = Se revocan las claves de esta cuenta. La cuenta puede vincularse de nuevo, pero las claves no se recuperan.
admin-people-mfa-enable = Volver a abrir la ventana de MFA
admin-people-mfa-disable = Cerrar la ventana de MFA
admin-people-mfa-close = Eliminar el registro de MFA
admin-people-mfa-close-question = ¿Eliminar el registro de MFA de { $person }?
admin-people-mfa-close-consequence = Se desvinculan sus cuentas en máquinas, se revoca el acceso de las aplicaciones y se revocan sus claves. La cuenta de la persona se conserva.
admin-people-forget-factors = Restablecer los segundos factores
admin-people-forget-factors-question = ¿Restablecer todos los segundos factores de { $person }?
admin-people-forget-factors-consequence = Hágalo si la persona los ha perdido y usted ha comprobado su identidad. Sus llaves de acceso, la aplicación de autenticación y los códigos de recuperación dejan de funcionar. Hasta que configure otro factor, le bastará la contraseña para iniciar sesión.
admin-people-host-accounts = Cuentas en máquinas
admin-people-unlink-this = Desvincular { $place }
admin-people-link = Vincular
admin-people-last-sign-in = Último inicio de sesión
admin-people-no-sessions = No tiene ninguna sesión abierta.
admin-people-end-sessions = Cerrar todas las sesiones
admin-people-end-session-question = ¿Cerrar la sesión de { $person } en { $browser }?
admin-people-end-session-consequence = Para seguir allí tendrá que iniciar sesión de nuevo. Sus aplicaciones y dispositivos conservan su acceso.
admin-people-end-sessions-question = ¿Cerrar todas las sesiones de { $person }?
admin-people-account = Cuenta
admin-people-disable = Desactivar la cuenta
admin-people-enable = Activar la cuenta
admin-people-disable-question = ¿Desactivar a { $person }?
admin-people-disable-consequence = Se cierran sus sesiones. Hasta que se active de nuevo, los tokens de sus dispositivos no funcionan y sus claves no sirven para iniciar sesión.
admin-people-promote = Nombrar administrador
admin-people-promote-question = ¿Nombrar administrador a { $person }?
admin-people-promote-consequence = Tendrá los mismos permisos que usted, incluido el de quitarle el rol de administrador.
admin-people-demote = Quitar el rol de administrador
admin-people-demote-question = ¿Quitar el rol de administrador a { $person }?
admin-people-demote-consequence = Ya no podrá abrir estas páginas. Los cambios que hizo se conservan.
admin-people-password = Restablecer la contraseña
admin-people-password-question = ¿Restablecer la contraseña de { $person }?
admin-people-password-consequence = La contraseña anterior deja de funcionar y se cierran todas sus sesiones. La nueva se muestra una sola vez.
hosts-account = Cuenta
admin-delegations-search-for = cliente o persona
admin-delegations-add = Añadir una delegación
admin-delegations-add-means = Autoriza a un cliente a actuar en nombre de una persona, en todas sus cuentas en máquinas, sin pedirle permiso.
admin-delegations-empty = No hay delegaciones
admin-delegations-empty-hint = Las personas las crean al permitir una aplicación. También puede añadir una aquí, para un cliente que actúe en nombre de una persona sin preguntarle.
admin-delegations-may-read-keys = Ver las claves SSH de la persona y cuándo se usaron
admin-delegations-may-create-keys = Iniciar sesión por SSH como la persona, ejecutar programas y modificar archivos
admin-delegations-may-revoke-keys = Revocar las claves SSH de la persona
admin-delegations-every-host-account = todas las cuentas de la persona
admin-delegations-by-consent = con el consentimiento de la persona
admin-delegations-end = Revocar
admin-delegations-end-this = Revocar el acceso de { $client } en nombre de { $user }
admin-delegations-end-question = ¿Revocar todo el acceso de { $client } en nombre de { $user }?
admin-delegations-end-consequence = Incluye el acceso que concedió la propia persona. Los tokens dejan de funcionar de inmediato y se revocan las claves que el cliente creó para ella.
admin-keys-search-for = persona, máquina, cuenta, cliente o huella
admin-keys-empty = Todavía no hay claves
admin-keys-empty-hint = Las claves las crean los clientes que una persona ha permitido, y las personas con tms ssh. Primero vincule una cuenta a una persona.
admin-policy-name = Nombre del centro
admin-policy-help-contact = Contacto de ayuda
admin-policy-help-contact-hint = Se muestra en las páginas de inicio de sesión, de error y de denuncia: una dirección de correo, una URL https, un número de teléfono o un texto breve. Déjelo vacío para no mostrar ninguno.
admin-policy-code-minutes = Validez del código (minutos)
admin-policy-access-days = Acceso máximo que una persona puede conceder (días)
admin-policy-mfa-hours = Validez del segundo factor (horas)
admin-policy-link-days = Duración de los vínculos creados desde una máquina (días)
admin-policy-lowest-uid = UID mínimo de las cuentas que se pueden vincular (los inferiores son cuentas del sistema)
admin-policy-people = Personas
admin-policy-require-started = Exigir «Sí, yo inicié esto» en la página de consentimiento
admin-policy-prefill = Permitir que un enlace rellene el código (más cómodo, pero facilita el phishing)
admin-policy-own-keys = Permitir que cada persona añada sus propias claves públicas
admin-policy-second-factor-at-consent = Exigir un segundo factor para permitir que un dispositivo actúe en nombre de una persona
admin-policy-second-factor-for-admins = Exigir un segundo factor a los administradores para usar su rol
admin-policy-shared = Permitir que una cuenta en una máquina se vincule a varias personas
admin-policy-shared-hint = Todas ellas, y las aplicaciones que permitan, actúan entonces con la misma cuenta, y la máquina no puede distinguirlas. Si está desactivado, una cuenta vinculada a una persona no puede vincularse a otra, a la que no se le dice de quién es.
admin-policy-machines = Máquinas y clientes
admin-policy-host-credential = Exigir una credencial de máquina para consultar claves
admin-policy-open-registration = Permitir que cualquiera registre un cliente
admin-policy-mvp = Modo MVP, para migrar desde un servidor anterior: los vínculos y las delegaciones que falten se crean cuando un cliente solicita una clave
admin-policy-keep-activity = Días durante los que se conservan los eventos (0: siempre)
admin-policy-keep-security-activity = Días durante los que se conservan los eventos relevantes para la seguridad (0: siempre)
admin-policy-retention-hint = Los eventos más antiguos se eliminan y ya no se pueden mostrar a nadie. Son relevantes para la seguridad los cambios de administradores, las revocaciones, las denuncias y los límites alcanzados. Aquí se pueden fijar 30 días como mínimo; el operador puede fijar menos.
admin-policy-look = Apariencia
admin-policy-brand-light = Color de acento, tema claro
admin-policy-brand-dark = Color de acento, tema oscuro
admin-policy-brand-hint = Indique ambos como #rrggbb, o deje ambos vacíos para usar los colores predeterminados. El texto en estos colores debe leerse bien (contraste mínimo de 4.5:1).
admin-tenants-add = Añadir un tenant
admin-tenants-name = Nombre corto
admin-tenants-delete = Eliminar
admin-tenants-off-question = ¿Desactivar { $tenant }?
admin-tenants-off-consequence = Hasta que se active de nuevo, sus usuarios no pueden iniciar sesión, se rechaza a sus clientes y sus claves no sirven para iniciar sesión.
admin-tenants-delete-question = ¿Eliminar { $tenant } y todos sus datos?
admin-tenants-delete-consequence = Se eliminan sus usuarios, clientes, máquinas, delegaciones, claves y registro de auditoría. Esta acción no se puede deshacer.
admin-tenants-type = Escriba { $tenant } para confirmar
admin-people-mfa-forever = abierta, sin caducidad
admin-locks-out = Ningún administrador podría iniciar sesión. No se ha cambiado nada.
admin-providers = Proveedores de identidad
admin-providers-add = Añadir un proveedor
admin-providers-add-button = Probar y añadir
admin-providers-empty = Todavía no hay proveedores de identidad
admin-providers-empty-hint = Añada el proveedor en el que las personas de su centro tienen cuenta.
admin-providers-id = Nombre corto
admin-providers-id-hint = Aparece en las URL y, tras una ~, en los nombres de los usuarios nuevos. Letras, cifras y . _ -
admin-providers-redirect-will-be = URI de redirección que debe registrar en el proveedor, con este nombre corto en lugar de NAME:
admin-providers-name = Texto del botón
admin-providers-kind = Tipo
admin-providers-base = URL del emisor
admin-providers-base-hint = Escríbala exactamente como figura en los metadatos del proveedor. Déjela vacía en los tipos con dirección fija. Debe usar https y no puede estar en la red propia del portal; quien opera el portal puede añadir proveedores allí.
admin-providers-client-id = ID de cliente
admin-providers-secret = Secreto de cliente
admin-providers-secret-hint = No vuelve a mostrarse. Déjelo vacío si es un cliente público.
admin-providers-provisioning-hint = Ningún usuario nuevo podrá iniciar sesión hasta que usted elija quién puede, en la página siguiente.
admin-providers-redirect = Registro en el proveedor
admin-providers-redirect-means = URI de redirección (registre solo esta):
admin-providers-has-secret = guardado
admin-providers-no-secret = ninguno (cliente público)
admin-providers-people = Personas que inician sesión con él
admin-providers-test = Probar
admin-providers-test-hint = Obtiene los metadatos del proveedor.
admin-providers-answers = Correcto: emisor { $issuer }
admin-providers-set-up = Opciones de inicio de sesión
admin-providers-state = Estado
admin-providers-enabled-means = Activo: se puede iniciar sesión con él
admin-providers-scope = Permisos solicitados (scope)
admin-providers-scope-hint = Déjelo vacío para usar el valor predeterminado: { $usual }
admin-providers-provisioning = Usuarios nuevos
admin-providers-provisioning-open = Cualquiera que el proveedor autentique
admin-providers-provisioning-invited = Solo usuarios invitados
admin-providers-provisioning-rule = Usuarios con un atributo (claim) que coincida
admin-providers-known-only = Los proveedores de este tipo solo admiten usuarios que ya existen, sea cual sea esta opción.
admin-providers-claim = Atributo (claim)
admin-providers-values = Valores
admin-providers-values-hint = Separe los valores con comas; por ejemplo: staff@tacc, faculty@tacc.
admin-providers-mfa = Segundo factor en el proveedor
admin-providers-mfa-always = El proveedor exige siempre un segundo factor
admin-providers-mfa-acr = Valores de acr que acreditan un segundo factor
admin-providers-mfa-amr = Valores de amr que acreditan un segundo factor
admin-providers-mfa-hint = Separe los valores con espacios.
admin-providers-names = Nombres de los usuarios nuevos
admin-providers-own-names = Usar sin cambios los nombres del proveedor; si no, se les añade ~{ $provider }. Solo para proveedores cuyos nombres de usuario son los de su centro.
admin-providers-new-secret = Nuevo secreto de cliente
admin-providers-replace-secret = Cambiar el secreto de cliente
admin-providers-secret-needed = Introduzca el secreto de cliente que emitió el proveedor.
admin-providers-added = Se ha añadido el proveedor. Registre en él la URI de redirección que aparece abajo y elija después quién puede iniciar sesión.
admin-providers-exists = Ya existe un proveedor con ese nombre corto.
admin-providers-incomplete = Indique un nombre corto (letras, cifras y . _ -), el texto del botón, el tipo, el ID de cliente y, salvo en los tipos con dirección fija, la URL del emisor. Cada valor debe ocupar una sola línea y no ser demasiado largo.
admin-providers-bad-set-up = Algún campo no es válido. El texto del botón no puede estar vacío, la coincidencia por atributo necesita un atributo y valores, y cada campo debe ocupar una sola línea y no ser demasiado largo.
admin-providers-remove = Quitar este proveedor
admin-providers-remove-question = ¿Quitar { $provider }?
admin-providers-remove-consequence = { $people ->
    [0] Nadie ha iniciado sesión con él todavía.
    [one] Una persona inicia sesión con él y ya no podrá hacerlo.
   *[other] { NUMBER($people) } personas inician sesión con él y ya no podrán hacerlo.
} { $only ->
    [0] Nadie pierde su único método de inicio de sesión.
    [one] Una persona no tiene otro método de inicio de sesión.
   *[other] { NUMBER($only) } personas no tienen otro método de inicio de sesión.
} Las identidades vinculadas se conservan por si vuelve a añadirlo. Las sesiones abiertas no se cierran.
provider-error-unreachable = No se puede conectar con el proveedor: { $why }.
provider-error-address-blocked = Esta dirección está en la red propia del portal. Quien opera el portal puede añadir allí un proveedor con tms-portal idp add.
provider-error-slow = El proveedor no respondió a tiempo.
provider-error-broken = La respuesta no es válida para un proveedor de este tipo: { $detail }
provider-error-issuer = El emisor no coincide. Escríbalo exactamente como figura en los metadatos del proveedor. ({ $detail })
provider-error-misconfigured = La configuración del proveedor no es correcta en este portal: { $detail }
connect-error-host-not-found = no se encontró el nombre de la máquina
connect-error-refused = conexión rechazada
connect-error-no-route = red inaccesible
connect-error-connection-closed = el proveedor cerró la conexión
connect-error-no-tls = no hay TLS en esta dirección
connect-error-unknown-authority = autoridad de certificación desconocida
connect-error-certificate-name = el certificado es de otra máquina
connect-error-certificate-expired = el certificado ha caducado o todavía no es válido
connect-error-slow = se agotó el tiempo de espera
connect-error-proxied = { $why } (a través del proxy { $proxy })
admin-people-identities = Identidades vinculadas
admin-people-no-identities = Sin vínculos con proveedores de identidad.
admin-people-unlink-identity-question = ¿Desvincular { $identity } de { $person }?
admin-people-unlink-identity-consequence = Ya no se podrá iniciar sesión en la cuenta de esta persona con esa identidad. Las sesiones abiertas no se cierran.
admin-people-unlink-identity-last = Es su único método de inicio de sesión: no podrá volver a iniciar sesión hasta que usted la invite o le asigne una contraseña.
admin-providers-signed-out-means = URI de redirección tras el cierre de sesión (post-logout redirect URI):
admin-providers-ended-means = URI de cierre de sesión por canal trasero (back-channel logout URI):

# Resumen
admin-figures = De un vistazo
admin-figure-reports = { $count ->
    [one] solicitud denunciada en los últimos 7 días
   *[other] solicitudes denunciadas en los últimos 7 días
}
admin-figure-locked-out = { $count ->
    [one] persona bloqueada por intentos fallidos
   *[other] personas bloqueadas por intentos fallidos
}
admin-figure-silent-hosts = { $count ->
    [one] máquina sin consultas de claves desde hace un día
   *[other] máquinas sin consultas de claves desde hace un día
}
admin-figure-no-credential = { $count ->
    [one] máquina sin credencial
   *[other] máquinas sin credencial
}
admin-figure-secrets = { $count ->
    [one] secreto renovado caduca en 14 días
   *[other] secretos renovados caducan en 14 días
}
admin-figure-certificate = El certificado TLS del portal caduca el
admin-figure-no-factor = { $count ->
    [one] persona sin segundo factor aquí
   *[other] personas sin segundo factor aquí
}
admin-chart = Inicios de sesión en las últimas 24 horas
admin-chart-summary = { $succeeded } correctos, { $refused } rechazados.
admin-chart-most = Como máximo { $count } en una hora
admin-chart-now = ahora
admin-figure-refused-lookups = { $count ->
    [one] consulta de claves rechazada en las últimas 24 horas
   *[other] consultas de claves distintas rechazadas en las últimas 24 horas
}
admin-people-blocked = El inicio de sesión está bloqueado por demasiados intentos fallidos durante { $wait } más.
admin-people-allow-sign-in = Permitir de nuevo el inicio de sesión
admin-chart-table = Ver como tabla
admin-chart-hour = Hora desde
admin-chart-succeeded = Correctos
admin-chart-refused = Rechazados
admin-hosts-show-all = Todas
admin-hosts-show-silent = Sin consultas desde hace un día
admin-hosts-show-no-credential = Sin credencial
admin-people-show-no-factor = Sin aplicación ni llave de acceso
admin-people-factors = Segundos factores configurados
admin-people-factors-none = Ninguno. La persona no ha configurado aquí una aplicación de autenticación ni una llave de acceso.
admin-people-factors-recovery = { $count ->
    [one] Queda { $count } código de recuperación
   *[other] Quedan { $count } códigos de recuperación
}
admin-people-factors-since = Configurado
admin-people-mfa-hint = Hasta cuándo funcionan las claves SSH de la persona (el registro «user MFA» de TMS). Se prolonga al iniciar sesión con un segundo factor en la institución, o aquí por un administrador.
admin-hosts-status-new = Aún sin consultas
admin-hosts-status-silent = Sin consultas desde hace un día
admin-hosts-status-working = Consulta claves
admin-hosts-install = Como root en la máquina, instale los paquetes con una de estas órdenes:
admin-hosts-store-credential = Guarde la credencial. La orden la lee de la terminal: péguela, pulse Intro y después Ctrl-D:
