language-name = Español
direction = ltr

product = Trust Manager
document-title = { $title } · { product }
document-title-refused = Error: { $title } · { product }
skip-to-content = Ir al contenido

exact-time = { $day } de { $month ->
    [1] enero
    [2] febrero
    [3] marzo
    [4] abril
    [5] mayo
    [6] junio
    [7] julio
    [8] agosto
    [9] septiembre
    [10] octubre
    [11] noviembre
   *[other] diciembre
} de { $year }, { $time }
moment-unknown = hora desconocida
just-now = ahora mismo
span-ago = hace { $span }
in-span = dentro de { $span }
span-seconds = { $count ->
    [one] { NUMBER($count) } segundo
   *[other] { NUMBER($count) } segundos
}
span-minutes = { $count ->
    [one] { NUMBER($count) } minuto
   *[other] { NUMBER($count) } minutos
}
span-hours = { $count ->
    [one] { NUMBER($count) } hora
   *[other] { NUMBER($count) } horas
}
span-days = { $count ->
    [one] { NUMBER($count) } día
   *[other] { NUMBER($count) } días
}
never = nunca

nav-main = Navegación principal
nav-account = Su cuenta
nav-menu = Menú
nav-device = Introducir un código
nav-hosts = Máquinas
nav-keys = Claves SSH
nav-apps = Aplicaciones
nav-sessions = Sesiones
nav-identities = Métodos de inicio de sesión
nav-settings = Ajustes
nav-activity = Actividad
nav-admin = Administración
nav-api = API de TMS
api-docs-in-english = Esta referencia solo está en inglés.
person-at = { $user } en { $tenant }
sign-out = Cerrar sesión
footer-never-asked = El personal de soporte nunca le pedirá que introduzca un código ni que se lo diga.
cookies-needed = Su navegador no guarda cookies de este sitio. Sin ellas no puede iniciar sesión, introducir un código ni ver aquí los mensajes de error. Permita las cookies de este sitio e inténtelo de nuevo.
not-started = Yo no inicié esto

preferences-language = Idioma
settings-title = Ajustes
settings-lead = Estos ajustes se guardan en este navegador.
time-zone-title = Zona horaria
time-zone-lead = Las horas de este portal se muestran en esta zona. Las exportaciones de su actividad las muestran en esta zona y en UTC.
time-zone-of-browser = La misma que el navegador
time-zone-hint = De forma predeterminada es la zona horaria de este navegador, o UTC si los scripts están desactivados.
time-zone-save = Guardar
preferences-theme = Colores
theme-system = Igual que el sistema
theme-light = Claro
theme-dark = Oscuro

copy = Copiar
copied = Copiado
cancel = Cancelar

list-search = Buscar
list-filter = Mostrar
list-order = Ordenar
list-apply = Aplicar
list-pages = Páginas
list-beginning = Primera página
list-previous = Página anterior
list-more = Página siguiente
list-nothing-found = No se ha encontrado nada. Pruebe con otros términos o muestre todo.
list-shown = { $count ->
    [one] { NUMBER($count) } elemento
   *[other] { NUMBER($count) } elementos
}
list-shown-of = { NUMBER($first) }–{ NUMBER($last) } de { NUMBER($total) }
list-shown-of-more = Se muestran { NUMBER($count) } de más de { NUMBER($most) }

server-error-title = Se ha producido un error por nuestra parte
server-error-text = No se ha podido cargar esta página. Inténtelo de nuevo en un momento. Si el problema continúa, indique al soporte de su centro cuándo ocurrió.

gone-title = Nada que cambiar
gone = Ya no existe o no le pertenece.
gone-back = Volver a la lista
list-more-filters = Más filtros
secret-once = Cópielo ahora. No se volverá a mostrar.

session-idle = Su sesión se cerrará en menos de { $minutes } porque hace tiempo que no abre ninguna página.
session-stay = Mantener la sesión
session-ending = Su sesión termina en menos de { $minutes }. Vuelva a iniciar sesión para continuar.
session-ended = Su sesión ha terminado. Vuelva a iniciar sesión para continuar.
session-other-account = Ha iniciado o cerrado sesión en otra pestaña. Esta página muestra el estado anterior.
session-reload = Recargar
