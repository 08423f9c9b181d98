//! A person's local password.

use leptos::prelude::*;

/// Changes the password, and ends all other sessions of the person.
#[server(prefix = "/api", endpoint = "password/change")]
pub async fn change_password(
    #[server(default)] current_password: String,
    #[server(default)] new_password: String,
    #[server(default)] repeated_password: String,
) -> Result<(), ServerFnError> {
    use crate::domain::paths::{IDENTITIES, IDENTITIES_PASSWORD, ReturnTo, second_factor_again};
    use crate::domain::time::retry_after;
    use crate::server::context;
    use crate::server::service::Error;
    use crate::server::service::auth::people::PasswordChangeRefused;
    use crate::server::service::platform::rng::Secret;
    use crate::server::sign_in::session::flash::{Flash, FlashTarget};
    let (services, person, session, t) = (context::services()?, context::signed_in()?, context::request_context()?.session, context::translations());
    let (current, new, repeated) =
        (Secret::from_plaintext(current_password), Secret::from_plaintext(new_password), Secret::from_plaintext(repeated_password));
    context::see_other(IDENTITIES_PASSWORD);
    if new.reveal() != repeated.reveal() {
        return context::flash_error(t.password_not_repeated()).await;
    }
    match services.change_own_password(&person, &current, &new).await {
        Ok(()) => {
            session.renew().await.map_err(context::fault)?;
            context::see_other(IDENTITIES);
            context::flash_success(t.password_changed()).await
        }
        Err(Error::Refused(PasswordChangeRefused::SecondFactorFirst)) => {
            context::redirect_to_url(&second_factor_again(&ReturnTo::to(IDENTITIES_PASSWORD)));
            Ok(())
        }
        Err(Error::Refused(refused)) => {
            let mut flash = Flash::new(FlashTarget::Refused, t.password_refused(&refused));
            if let PasswordChangeRefused::TooManyTries { wait } = refused {
                flash.wait = Some(retry_after(wait));
            }
            session.set_flash(&flash).await.map_err(context::fault)
        }
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}
