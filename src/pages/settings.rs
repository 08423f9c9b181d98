//! `/settings`: language, colours, and the zone in which times are shown. Stored in the browser, so that they need no sign-in.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{PageContent, PostForm, Preferences};
use crate::domain::paths::{self, ReturnTo};
use crate::domain::time::Zone;
use crate::server::context::{self, translations};
use crate::server_fns::preferences::SetPreferences;

#[component]
pub fn Settings() -> impl IntoView {
    let t = translations();
    let then = use_query_map().with_untracked(|query| query.get("then").unwrap_or_default());
    let then = ReturnTo::from_untrusted(&then).or(paths::SETTINGS);
    let chosen = context::chosen_zone().map(|zone| zone.name().to_owned());
    let mut names = Zone::all();
    // A zone under a name that is not in the list, such as an older one, stays selected.
    if let Some(chosen) = chosen.as_ref().filter(|chosen| !names.contains(chosen)) {
        names.push(chosen.clone());
    }
    view! {
        <PageContent title=t.settings_title()>
            <p class="lead">{t.settings_lead()}</p>
            <Preferences back=context::current_page().as_str().to_owned()/>
            <PostForm action=SetPreferences::url()>
                <input type="hidden" name="back" value=then.as_str().to_owned()/>
                <label for="zone">{t.time_zone_title()}</label>
                <select id="zone" name="zone" aria-describedby="zone-hint">
                    <option value="browser" selected=chosen.is_none()>{t.time_zone_of_browser()}</option>
                    {names.into_iter().map(|name| {
                        let selected = chosen.as_ref() == Some(&name);
                        view! { <option value=name.clone() selected=selected translate="no">{name.replace('_', " ")}</option> }
                    }).collect_view()}
                </select>
                <p class="hint" id="zone-hint">{t.time_zone_lead()} " " {t.time_zone_hint()}</p>
                <button class="main">{t.time_zone_save()}</button>
            </PostForm>
        </PageContent>
    }
}
