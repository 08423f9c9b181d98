home-welcome = Dé acceso a sus aplicaciones y mantenga el control
home-welcome-lead = Trust Manager permite que las aplicaciones que usted elija actúen en su nombre en las máquinas de su centro de cálculo: sin su contraseña y solo durante el tiempo que usted permita.
home-welcome-code-before = Obtendrá un código cuando una aplicación, como
home-welcome-code-after = en un terminal, solicite acceso.
home-hello = Hola, { $name }
home-signed-in-as = Ha iniciado sesión como
home-at = en
home-waiting = Solicitudes pendientes
home-asks = solicita usar su cuenta.
home-look = Revisar la solicitud
home-nothing-before = No hay ninguna solicitud pendiente. Si una aplicación le muestra un código,
home-nothing-link = introdúzcalo
home-attention = Requiere su atención
home-no-host-account = No tiene ninguna cuenta vinculada activa. Hasta que vincule una, las aplicaciones no pueden iniciar sesión en ninguna máquina.
home-second-factor-suggested = No ha configurado un segundo factor. Con uno, su contraseña sola no basta para iniciar sesión.
home-second-factor-required = Su centro exige un segundo factor para parte de lo que usted puede hacer aquí, y no ha configurado ninguno.
home-second-factor-set-up = Configurar un segundo factor
home-expiring-keys = { $count ->
    [one] Una clave SSH caduca
   *[other] { NUMBER($count) } claves SSH caducan en 7 días, la primera
}
home-expiring-app = El acceso de { $client } caduca
home-expiring-host = El vínculo con { $account } en { $host } caduca
home-see-keys = Ver las claves SSH
home-see-apps = Ver las aplicaciones
home-see-hosts = Ver las máquinas
home-see-activity = Ver su actividad
home-access = Lo que puede actuar en su nombre
home-apps-count = { $count ->
    [0] Ninguna aplicación
    [one] Una aplicación
   *[other] { NUMBER($count) } aplicaciones
}
home-keys-count = { $count ->
    [0] Ninguna clave SSH activa
    [one] Una clave SSH activa
   *[other] { NUMBER($count) } claves SSH activas
}
home-hosts-count = { $count ->
    [0] Ninguna cuenta vinculada
    [one] Una cuenta vinculada
   *[other] { NUMBER($count) } cuentas vinculadas
}
home-newest = Más reciente:
home-last-sign-in = Inicio de sesión anterior:
home-from = desde
home-allow = Permitir una aplicación
home-terminal-title = Iniciar sesión desde un terminal
home-terminal = Para usar TMS desde un terminal, ejecute esto e introduzca el código que muestra:
home-link-means = Las aplicaciones y las claves solo pueden usar las cuentas de las máquinas de su centro que usted vincule.
