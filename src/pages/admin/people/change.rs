//! `/admin/people/change`: confirms a change to a person.

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::sessions::EndSessionQuestion;
use crate::domain::paths::{self, encode};
use crate::pages::components::{AlreadyGone, Confirm, Hidden, ServerError};
use crate::server::context::{self, translations};
use crate::server_fns::admin::people::{ChangePerson, UnlinkAccount, UnlinkIdentityOf, find_person};

#[component]
pub fn ChangeAPerson() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let given = move |name: &str| query.get(name).unwrap_or_default();
    let (user, change, host, account, identity) = (given("user"), given("change"), given("host"), given("account"), given("identity"));
    let session = given("session");
    Suspend::new(async move {
        let t = translations();
        let found = match find_person(user).await {
            Ok(found) => found,
            Err(_) => return EitherOf3::C(view! { <ServerError/> }),
        };
        let passwords = context::admin().is_ok_and(|admin| admin.policy().local_passwords);
        if change == "end-session" {
            let one = found.and_then(|found| {
                let session = found.sessions.into_iter().find(|one| one.id == session && !one.current)?;
                Some(view! { <EndSessionQuestion user=found.person.user display_name=found.person.display_name session/> })
            });
            return match one {
                Some(question) => EitherOf3::A(Either::Left(question)),
                None => EitherOf3::B(view! { <AlreadyGone back=paths::ADMIN_PEOPLE/> }),
            };
        }
        let asked = found.and_then(|found| {
            let linked = found.host_accounts.iter().any(|linked| linked.host.eq_ignore_ascii_case(&host) && linked.account == account);
            let unlinked = found.identities.iter().find(|linked| linked.number.to_string() == identity);
            let only_way_in = found.identities.len() == 1 && !(passwords && found.person.has_password);
            let name = found.person.display_name.as_str();
            let question = match change.as_str() {
                "disable" => (t.admin_people_disable_question(name), t.admin_people_disable_consequence(), t.admin_people_disable()),
                "appoint" => (t.admin_people_promote_question(name), t.admin_people_promote_consequence(), t.admin_people_promote()),
                "dismiss" => (t.admin_people_demote_question(name), t.admin_people_demote_consequence(), t.admin_people_demote()),
                "password" => (t.admin_people_password_question(name), t.admin_people_password_consequence(), t.admin_people_password()),
                "end-sessions" => (t.admin_people_end_sessions_question(name), t.sessions_end_consequence(), t.admin_people_end_sessions()),
                "close-mfa" => (t.admin_people_mfa_close_question(name), t.admin_people_mfa_close_consequence(), t.admin_people_mfa_close()),
                "forget-factors" if !found.second_factors.is_empty() => {
                    (t.admin_people_forget_factors_question(name), t.admin_people_forget_factors_consequence(), t.admin_people_forget_factors())
                }
                "unlink" if linked => {
                    let place = format!("{account}@{host}");
                    (t.admin_people_unlink_question(place, name), t.admin_people_unlink_consequence(), t.hosts_unlink())
                }
                "unlink-identity" => {
                    let last = if only_way_in { t.admin_people_unlink_identity_last() } else { String::new() };
                    let consequence = format!("{} {last}", t.admin_people_unlink_identity_consequence());
                    (t.admin_people_unlink_identity_question(unlinked?.label.as_str(), name), consequence, t.identities_unlink())
                }
                _ => return None,
            };
            Some((found.person.user, question))
        });
        let Some((user, (title, consequence, button))) = asked else { return EitherOf3::B(view! { <AlreadyGone back=paths::ADMIN_PEOPLE/> }) };
        let cancel = format!("{}?user={}", paths::ADMIN_PERSON, encode(&user));
        let (action, more) = match change.as_str() {
            "unlink" => (UnlinkAccount::url(), vec![Hidden("host", host), Hidden("account", account)]),
            "unlink-identity" => (UnlinkIdentityOf::url(), vec![Hidden("identity", identity)]),
            _ => (ChangePerson::url(), vec![Hidden("change", change)]),
        };
        let fields = [vec![Hidden("user", user)], more].concat();
        EitherOf3::A(Either::Right(view! {
            <Confirm title action fields button cancel>
                <p class="warning">{consequence}</p>
            </Confirm>
        }))
    })
}
