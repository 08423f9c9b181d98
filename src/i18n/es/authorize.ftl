authorize-question-delegation = ¿Permitir que { $client } inicie sesión en máquinas como usted?
authorize-question-resources = ¿Permitir que { $client } actúe en su nombre?
authorize-question-sign-in = ¿Iniciar sesión en { $client }?
authorize-question-program = ¿Permitir que { $client } en su equipo use su cuenta?
authorize-any-program = Cualquier programa puede usar este nombre. Continúe solo si usted lo inició en este equipo hace un momento.
authorize-back-to = Volverá a
authorize-to-this-computer = un programa de este equipo
authorize-allowed-before = Permitida antes
authorize-people-before =
    { $count ->
        [one] por una persona de su centro, desde el
       *[other] por { $count } personas de su centro, desde el
    }
authorize-nobody-before = por nadie todavía
authorize-told = Qué se le comunica sobre usted
authorize-name = Nombre
authorize-email = Dirección de correo
authorize-groups = Grupos
authorize-arrive-as = Allí entra como { $account }, su cuenta en { $host }.
authorize-arrive-as-which = ¿Con cuál de sus cuentas en { $host }?
authorize-no-username = Necesita una cuenta en { $host } que esté vinculada a usted. Vincúlela primero; si no, no puede iniciar sesión en esta aplicación.
authorize-until-sign-out = Termina cuando cierre la sesión aquí, a las 12 horas como máximo.
authorize-remember = No volver a preguntarme
authorize-confirmation-other = Sí, yo inicié esto en el equipo con la dirección { $from }
authorize-sign-in-only = Solo iniciar sesión
authorize-choose = ¿Con qué cuenta?
authorize-choose-lead = { $client } le pide que elija la cuenta con la que iniciar sesión.
authorize-other-tenant = { $client } necesita una cuenta de { $tenant }.
authorize-other-person = { $client } pide una cuenta distinta de la que tiene la sesión iniciada.
authorize-keep-account = Continuar con esta cuenta
authorize-elsewhere = Esta solicitud está abierta en otro lugar
authorize-elsewhere-means = Se abrió en otro navegador, o antes de que cerrara la sesión. Vuelva a la aplicación y empiece de nuevo.
authorize-expired = Esta solicitud ha caducado
authorize-expired-means = No se respondió en 15 minutos y no se ha compartido nada. Vuelva a la aplicación y empiece de nuevo.
authorize-refused = No se puede responder a esta solicitud
authorize-refused-means = La solicitud de la aplicación no es válida, así que no se le puede enviar de vuelta a ella. No se ha compartido nada. Los responsables de la aplicación, o los de su centro, pueden averiguar el motivo con la referencia de abajo.
authorize-nothing = No se ha encontrado ninguna solicitud
authorize-nothing-means = Las aplicaciones abren esta página cuando le piden que inicie sesión. Ahora no hay nada que responder.
authorize-gone-means = Esta solicitud no existe o ya se respondió. Vuelva a la aplicación y empiece de nuevo.
authorize-over = Ya ha respondido a esta solicitud
authorize-over-host = Se le ha enviado de vuelta a { $host }. Si no funcionó, empiece de nuevo allí.
authorize-over-program = Se le ha enviado de vuelta al programa. Si no funcionó, inícielo de nuevo.
authorize-onward-host = Volviendo a { $host }
authorize-onward-program = Volviendo al programa
authorize-onward-means = Si no ocurre nada, use el botón.
authorize-go-host = Continuar en { $host }
authorize-go-program = Continuar en el programa
authorize-reported-means = La solicitud se ha denegado y queda registrada para los responsables de su centro. No se ha compartido nada y no se le ha enviado de vuelta a la aplicación.
