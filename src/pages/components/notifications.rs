//! Notifications on the home page, until they are dismissed.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::{FlashMessage, PostForm, RelativeTime};
use crate::domain::notification::{Notification, NotificationKind};
use crate::i18n::to_count;
use crate::server::context::{self, translations};
use crate::server_fns::notifications::{DismissAllNotifications, DismissNotification};

/// How many are shown at once; older ones can be opened.
const SHOWN: usize = 3;

/// The signed-in person's notifications; nothing if there are none.
#[component]
pub fn Notifications() -> impl IntoView {
    Suspend::new(async move {
        let (Ok(services), Ok(person)) = (context::services(), context::signed_in()) else { return None };
        let mut newest = services.pending_notifications(&person).await.inspect_err(|broken| drop(context::fault(broken.clone()))).ok()?;
        let said = context::take_flash().await;
        let older = newest.split_off(newest.len().min(SHOWN));
        Some(view! {
            <FlashMessage flash=said/>
            {(!newest.is_empty()).then(|| view! { <NotificationList newest older/> })}
        })
    })
}

#[component]
fn NotificationList(newest: Vec<Notification>, older: Vec<Notification>) -> impl IntoView {
    let t = translations();
    let (last, several) = (newest.first().map_or(0, |first| first.id), newest.len() > 1);
    let hidden = to_count(older.len());
    view! {
        <section aria-labelledby="notifications" class="notifications">
            <h2 id="notifications">{t.notifications_title()}</h2>
            <p class="hint">{t.notifications_lead()}</p>
            <ul class="rows">{newest.into_iter().map(|about| view! { <NotificationEntry about/> }).collect_view()}</ul>
            {(!older.is_empty()).then(|| view! {
                <details>
                    <summary>{t.notifications_older(hidden)}</summary>
                    <ul class="rows">{older.into_iter().map(|about| view! { <NotificationEntry about/> }).collect_view()}</ul>
                </details>
            })}
            {several.then(|| view! {
                <PostForm action=DismissAllNotifications::url()>
                    <input type="hidden" name="newest" value=last.to_string()/>
                    <button>{t.notifications_dismiss_all()}</button>
                </PostForm>
            })}
        </section>
    }
}

#[component]
fn NotificationEntry(about: Notification) -> impl IntoView {
    let t = translations();
    let sentence = format!("notification-{}", about.id);
    // The sentence about a network names the address already.
    let from = about.from.clone().filter(|_| about.kind != NotificationKind::NewNetwork);
    let (details, not_me) = (about.object_url(), about.not_me_url());
    let details = (details != not_me).then_some(details);
    view! {
        <li class="row-card">
            <div class="what">
                <p id=sentence.clone()><bdi>{t.notification(&about)}</bdi></p>
                <p class="hint">
                    <RelativeTime at=about.at/>
                    {from.map(|from| view! { " " {t.notification_from()} " " <bdi>{from}</bdi> })}
                    " · "
                    {details.map(|page| view! { <a href=page aria-describedby=sentence.clone()>{t.notification_details()}</a> " · " })}
                    <a href=not_me aria-describedby=sentence.clone()>{t.notification_not_me()}</a>
                </p>
            </div>
            <PostForm action=DismissNotification::url()>
                <input type="hidden" name="id" value=about.id.to_string()/>
                <button aria-describedby=sentence>{t.notification_dismiss()}</button>
            </PostForm>
        </li>
    }
}
