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
home-nothing-before = No hay nada pendiente. Si una aplicación le muestra un código,
home-nothing-link = introdúzcalo aquí
home-hosts = Sus máquinas
home-hosts-linked = { $count ->
    [0] Todavía no tiene ninguna cuenta vinculada.
    [one] Tiene una cuenta vinculada.
   *[other] Tiene { NUMBER($count) } cuentas vinculadas.
}
home-hosts-see = Ver sus máquinas
home-terminal = Iniciar sesión desde un terminal
