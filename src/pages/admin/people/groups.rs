//! A person's groups, on their page.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::domain::group::GroupMembership;
use crate::pages::components::PostForm;
use crate::server::context::translations;
use crate::server_fns::admin::people::SetPersonGroups;

#[component]
pub fn Groups(user: String, groups: Vec<GroupMembership>) -> impl IntoView {
    let t = translations();
    let (claimed, set): (Vec<_>, Vec<_>) = groups.into_iter().partition(|membership| membership.issuer.is_some());
    let names = |memberships: &[GroupMembership]| memberships.iter().map(|membership| membership.group.to_string()).collect::<Vec<_>>().join(" ");
    view! {
        <section aria-labelledby="groups-heading">
            <h2 id="groups-heading">{t.admin_people_groups()}</h2>
            {(!claimed.is_empty()).then(|| view! {
                <p><bdi dir="ltr" translate="no">{names(&claimed)}</bdi> ", " {t.admin_people_email_claimed()}</p>
            })}
            <PostForm action=SetPersonGroups::url() class="list-tools">
                <input type="hidden" name="user" value=user/>
                <div class="field">
                    <label for="groups">{t.admin_people_groups_set()}</label>
                    <input id="groups" name="groups" type="text" autocomplete="off" autocapitalize="none" spellcheck="false" dir="ltr" aria-describedby="groups-hint" value=names(&set)/>
                </div>
                <button>{t.admin_save()}</button>
            </PostForm>
            <p class="hint" id="groups-hint">{t.admin_people_groups_hint()}</p>
        </section>
    }
}
