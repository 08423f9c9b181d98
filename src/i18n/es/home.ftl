home-welcome = Deje entrar a sus programas y vea a quién ha dejado entrar
home-welcome-lead = Trust Manager permite que las aplicaciones que usted elija trabajen por usted en las máquinas de su centro de cálculo, sin su contraseña y solo durante el tiempo que usted diga.
home-welcome-code-before = Aparece un código cuando un programa, como
home-welcome-code-after = en un terminal, pide actuar por usted.
home-hello = Hola, { $name }
home-signed-in-as = Ha iniciado sesión como
home-at = en
home-waiting = Esperándole
home-asks = pide usar su cuenta.
home-look = Ver la petición
home-nothing-before = Nada. Cuando un programa le muestre un código,
home-nothing-link = introdúzcalo aquí
home-hosts = Sus máquinas
home-hosts-linked = { $count ->
    [0] Todavía no hay ninguna cuenta vinculada a usted.
    [one] Hay una cuenta vinculada a usted.
   *[other] Hay { NUMBER($count) } cuentas vinculadas a usted.
}
home-hosts-see = Ver sus máquinas
home-terminal = Iniciar sesión desde un terminal
