//! The person's notifications, and what is sent to them by e-mail.

use leptos::prelude::*;

/// Dismisses one notification.
#[server(prefix = "/api", endpoint = "notifications/dismiss")]
pub async fn dismiss_notification(#[server(default)] id: i64) -> Result<(), ServerFnError> {
    use crate::server::context;
    let (services, person, t) = (context::services()?, context::signed_in()?, context::translations());
    let dismissed = services.dismiss_notification(&person, id).await.map_err(context::fault)?;
    context::see_other(crate::domain::paths::HOME);
    context::flash_success(if dismissed { t.notifications_dismissed() } else { t.notifications_gone() }).await
}

/// Dismisses all notifications up to the newest one that was shown.
#[server(prefix = "/api", endpoint = "notifications/dismiss-all")]
pub async fn dismiss_all_notifications(#[server(default)] newest: i64) -> Result<(), ServerFnError> {
    use crate::server::context;
    let (services, person, t) = (context::services()?, context::signed_in()?, context::translations());
    let dismissed = services.dismiss_all_notifications(&person, newest).await.map_err(context::fault)?;
    context::see_other(crate::domain::paths::HOME);
    context::flash_success(if dismissed > 0 { t.notifications_dismissed() } else { t.notifications_gone() }).await
}

/// Turns e-mail about applications on or off; `optional` is a checkbox.
#[server(prefix = "/api", endpoint = "notifications/mail")]
pub async fn set_optional_mail(#[server(default)] optional: String) -> Result<(), ServerFnError> {
    use crate::server::context;
    let (services, person, t) = (context::services()?, context::signed_in()?, context::translations());
    let wanted = !optional.is_empty();
    services.set_optional_mail(&person, wanted).await.map_err(context::fault)?;
    context::see_other(crate::domain::paths::IDENTITIES);
    context::flash_success(if wanted { t.mail_optional_on() } else { t.mail_optional_off() }).await
}
