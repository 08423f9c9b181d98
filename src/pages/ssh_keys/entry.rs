//! A key in a list: what tells whether it is wanted on two lines, the rest in its details.

use leptos::either::{Either, EitherOf4};
use leptos::prelude::*;

use crate::domain::access_overview::EXPIRY_WINDOW;
use crate::domain::paths::{self, encode};
use crate::domain::time::Timestamp;
use crate::pages::components::{Copyable, ExactTime, RelativeTime};
use crate::server::context::{services, translations};
use crate::server_fns::ssh_keys::{KeyItem, KeyState};

/// Who a list of keys is for.
#[derive(Clone)]
pub enum KeyListReader {
    /// Their person, who can select keys. `grouped`: below the heading of a group; `creator`: not all keys of the list have the same client.
    Person { grouped: bool, creator: bool, selected: bool },
    /// Administrators; with the person.
    Admin(String),
}

#[component]
pub fn KeyEntry(
    key: KeyItem,
    reader: KeyListReader,
    /// The URL that confirms its revocation.
    revoke: String,
) -> AnyView {
    let t = translations();
    let name = display_name(&key);
    let title = if key.label.is_empty() { breakable(&host_account(&key)) } else { key.label.clone().into_any() };
    let (grouped, creator, selected, person) = match reader {
        KeyListReader::Person { grouped, creator, selected } => (grouped, creator, selected, None),
        KeyListReader::Admin(person) => (false, true, false, Some(person)),
    };
    let selectable = person.is_none().then(|| key.number.to_string());
    view! {
        <li class="row-card key">
            {selectable.map(|number| view! {
                <label class="tick-row"><input type="checkbox" name="key" value=number checked=selected aria-label=t.keys_select(name.as_str())/></label>
            })}
            <div class="what">
                {if grouped {
                    Either::Left(view! { <h3><bdi>{title}</bdi> {state_badge(key.state)}</h3> })
                } else {
                    Either::Right(view! { <h2><bdi>{title}</bdi> {state_badge(key.state)}</h2> })
                }}
                <KeyFacts key=key.clone() creator person/>
                <KeyDetails name=name.clone() key/>
            </div>
            <a class="button danger" href=revoke data-confirm="" aria-label=t.keys_revoke_this(name)>{t.revoke()}</a>
        </li>
    }
    .into_any()
}

/// Host account, creator, last use and expiry.
#[component]
fn KeyFacts(key: KeyItem, creator: bool, person: Option<String>) -> AnyView {
    let t = translations();
    let place = (!key.label.is_empty()).then(|| host_account(&key));
    let by_admin = person.is_some();
    view! {
        <p class="key-facts">
            {place.map(|place| view! { <span><bdi>{breakable(&place)}</bdi></span> " " })}
            {person.map(|person| {
                let address = format!("{}?user={}", paths::ADMIN_PERSON, encode(&person));
                view! { <span><a href=address><bdi>{person}</bdi></a></span> " " }
            })}
            {creator.then(|| view! { <span><Creator key=key.clone() by_admin/></span> " " })}
            <span>
                {match key.last_used_at {
                    Some(at) => Either::Left(view! { {t.keys_last_used()} " " <RelativeTime at/> }),
                    None => Either::Right(view! { {t.keys_not_used()} ", " {t.keys_created_then()} " " <RelativeTime at=key.created_at/> }),
                }}
            </span>
            " "
            <Expiry state=key.state at=key.expires_at/>
        </p>
    }
    .into_any()
}

#[component]
fn Creator(key: KeyItem, by_admin: bool) -> impl IntoView {
    let t = translations();
    let list = if by_admin { paths::ADMIN_KEYS } else { paths::KEYS };
    let name = key.client_name.filter(|name| !name.is_empty());
    match key.client {
        Some(client) => {
            let address = format!("{list}?q={}", encode(&format!("app:{client}")));
            Either::Left(view! { {t.keys_made_by()} " " <a href=address><bdi>{name.unwrap_or(client)}</bdi></a> })
        }
        None if by_admin => Either::Right(t.keys_registered_by_person()),
        None => Either::Right(t.keys_own()),
    }
}

/// When the key stops working; emphasized if that is soon.
#[component]
fn Expiry(state: KeyState, at: Timestamp) -> impl IntoView {
    let t = translations();
    let now = services().map_or(at, |services| services.now());
    match state {
        KeyState::UsedUp => EitherOf4::A(()),
        KeyState::Expired => EitherOf4::B(view! { <span>{t.keys_expired()} " " <RelativeTime at/></span> }),
        KeyState::Active if at >= Timestamp::FOREVER => EitherOf4::C(view! { <span>{t.keys_expires_never()}</span> }),
        KeyState::Active => {
            let class = if at <= now + EXPIRY_WINDOW { "soon" } else { "" };
            EitherOf4::D(view! { <span class=class>{t.keys_expires()} " " <RelativeTime at/></span> })
        }
    }
}

#[component]
fn KeyDetails(key: KeyItem, name: String) -> AnyView {
    let t = translations();
    let details = t.keys_details();
    let label = format!("{details}: {name}");
    view! {
        <details class="key-details">
            <summary aria-label=label>{details}</summary>
            <Copyable text=key.fingerprint/>
            <dl class="facts short">
                <div><dt>{t.keys_type()}</dt><dd translate="no">{key.key_type} " " {key.bits}</dd></div>
                {key.client.map(|client| view! { <div><dt>{t.keys_client_id()}</dt><dd translate="no">{client}</dd></div> })}
                <div><dt>{t.keys_created()}</dt><dd><ExactTime at=key.created_at/></dd></div>
                {key.last_used_at.map(|at| view! { <div><dt>{t.keys_last_used()}</dt><dd><ExactTime at/> " " {t.keys_used_on(key.host)}</dd></div> })}
                <div><dt>{t.keys_expires()}</dt><dd><ExactTime at=key.expires_at/></dd></div>
                <div>
                    <dt>{t.keys_uses_left()}</dt>
                    <dd>{key.uses_left.map_or_else(|| t.keys_uses_unlimited(), |left| left.to_string())}</dd>
                </div>
            </dl>
        </details>
    }
    .into_any()
}

/// The state, if the key is not active.
fn state_badge(state: KeyState) -> Option<impl IntoView> {
    let t = translations();
    let text = match state {
        KeyState::Active => return None,
        KeyState::Expired => t.state_expired(),
        KeyState::UsedUp => t.state_used_up(),
    };
    Some(view! { " " <span class="badge bad">{text}</span> })
}

/// A key's label and the account and host it is for.
pub fn display_name(key: &KeyItem) -> String {
    let place = host_account(key);
    if key.label.is_empty() { place } else { format!("{} ({place})", key.label) }
}

/// A host account that may be broken into lines after its signs, rather than within words.
fn breakable(place: &str) -> AnyView {
    place.split_inclusive(['@', '.']).map(|part| view! { {part.to_owned()} <wbr/> }).collect_view().into_any()
}

fn host_account(key: &KeyItem) -> String {
    format!("{}@{}", key.account, key.host)
}
