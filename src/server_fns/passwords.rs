//! A person's own local password.

use leptos::prelude::*;

/// Takes a new password. All other sessions of the person end.
#[server(prefix = "/api", endpoint = "password/change")]
pub async fn change_password(
    #[server(default)] current_password: String,
    #[server(default)] new_password: String,
    #[server(default)] repeated_password: String,
) -> Result<(), ServerFnError> {
    use crate::domain::paths::{IDENTITIES, IDENTITIES_PASSWORD, Onward, second_factor_again};
    use crate::domain::time::retry_after;
    use crate::server::context::people::PasswordRefused;
    use crate::server::context::{self, Error, Notice, Place, Secret};
    let (services, person, session, w) = (context::services()?, context::signed_in()?, context::caller()?.session, context::words());
    let (current, new, repeated) = (Secret::given(current_password), Secret::given(new_password), Secret::given(repeated_password));
    context::see_other(IDENTITIES_PASSWORD);
    if new.reveal() != repeated.reveal() {
        return context::say_refused(w.password_not_repeated()).await;
    }
    match services.change_own_password(&person, &current, &new).await {
        Ok(()) => {
            session.renew().await.map_err(context::fault)?;
            context::see_other(IDENTITIES);
            context::say(w.password_changed()).await
        }
        Err(Error::Refused(PasswordRefused::SecondFactorFirst)) => {
            context::go_to(&second_factor_again(&Onward::to(IDENTITIES_PASSWORD)));
            Ok(())
        }
        Err(Error::Refused(refused)) => {
            let mut notice = Notice::new(Place::Refused, w.password_refused(&refused));
            if let PasswordRefused::TooManyTries { wait } = refused {
                notice.wait = Some(retry_after(wait));
            }
            session.set_notice(&notice).await.map_err(context::fault)
        }
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}
