//! `/authorize`: an authorization request (RFC 6749 §4.1.1), until its answer goes to the client.

mod consent;
mod onward;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use self::consent::AuthorizationConsent;
use self::onward::{ReturnPage, leave};
use super::components::{ClientName, PageContent, PostForm, ServerError, TenantHelpContact};
use super::device::redirect_page;
use super::host_accounts::host_providers;
use crate::domain::paths::{self, ReturnTo};
use crate::server::context::{self, translations};
use crate::server::service::SignedIn;
use crate::server::service::code_flow::next_step::{AccountChoice, AccountChoiceReason, NextStep, RequestOpener};
use crate::server::sign_in::session::flash::FlashTarget;
use crate::server_fns::authorize::{AuthorizationItem, ChangeAccount};
use crate::server_fns::consent::ClientItem;
use leptos::server_fn::ServerFn;

pub use self::onward::AuthorizeOnward;

/// What the address of a request's page has.
#[derive(Clone)]
struct RequestAddress {
    handle: String,
    language: Option<String>,
    /// The person has confirmed the account.
    account_kept: bool,
}

impl RequestAddress {
    fn read() -> Self {
        let get = |name: &str| use_query_map().with_untracked(|query| query.get(name));
        Self { handle: get("request").unwrap_or_default(), language: get("lang"), account_kept: get("account").is_some() }
    }

    /// The page, as one to return to.
    fn page(&self) -> ReturnTo {
        ReturnTo::from_untrusted(&paths::authorize_with(&self.handle, self.language.as_deref(), self.account_kept))
    }

    fn onward(&self) -> String {
        ReturnTo::from_untrusted(&paths::authorize_onward(&self.handle, self.language.as_deref())).as_str().to_owned()
    }
}

#[component]
pub fn Authorize() -> impl IntoView {
    let address = RequestAddress::read();
    Suspend::new(async move { next_page(address).await })
}

async fn next_page(address: RequestAddress) -> AnyView {
    if address.handle.is_empty() {
        return view! { <NoRequest sentence=translations().authorize_nothing_means()/> }.into_any();
    }
    let (Ok(services), Ok(caller)) = (context::services(), context::request_context()) else { return view! { <ServerError/> }.into_any() };
    let session = match caller.start_session(&services).await {
        Ok(session) => session,
        Err(fault) => return server_error(fault),
    };
    let person = caller.signed_in.clone();
    let opener = person.as_ref().map_or(RequestOpener::Anonymous(&session), RequestOpener::Person);
    let (step, here) = match services.next_step(&address.handle, opener, address.account_kept).await {
        Ok(step) => (step, address.page()),
        Err(fault) => return server_error(fault),
    };
    let t = translations();
    match (step, person) {
        (NextStep::SignIn { tenant }, _) => redirect_page(paths::sign_in(Some(&tenant), &here)),
        (NextStep::StepUp(missing), _) => redirect_page(paths::step_up(missing, &here)),
        (NextStep::ChooseAccount(choice), Some(person)) => view! { <ChooseAccount choice=*choice person address/> }.into_any(),
        (NextStep::Consent(pending), Some(person)) => {
            let request = AuthorizationItem::new(address.handle.clone(), *pending, &person, caller.from, services.now());
            let flash = caller.session.take_flash_at(&[FlashTarget::Consent, FlashTarget::Confirmation], here.as_str()).await.ok().flatten();
            // An account was linked for this request.
            let linked = caller.session.take_flash_at(&[FlashTarget::Success], &paths::authorize(&address.handle, None)).await.ok().flatten();
            let providers = if request.needs_host_account() || request.lacks_username() { host_providers().await } else { Vec::new() };
            let RequestAddress { language, account_kept, .. } = address;
            view! { <AuthorizationConsent request person flash linked providers here language account_kept/> }.into_any()
        }
        (NextStep::Leave { answer, by_page: false }, _) => leave(*answer),
        (NextStep::Leave { answer, by_page: true }, _) => view! { <ReturnPage answer=*answer/> }.into_any(),
        (NextStep::Decided, _) => redirect_page(address.onward()),
        (NextStep::OpenElsewhere, _) => view! { <ClosedRequest title=t.authorize_elsewhere() sentence=t.authorize_elsewhere_means()/> }.into_any(),
        (NextStep::Expired, _) => view! { <ClosedRequest title=t.authorize_expired() sentence=t.authorize_expired_means()/> }.into_any(),
        (NextStep::Refused(_), _) => {
            context::set_status(axum::http::StatusCode::BAD_REQUEST);
            view! { <ClosedRequest title=t.authorize_refused() sentence=t.authorize_refused_means()/> }.into_any()
        }
        (NextStep::Gone | NextStep::ChooseAccount(_) | NextStep::Consent(_), _) => {
            context::set_status(axum::http::StatusCode::NOT_FOUND);
            view! { <NoRequest sentence=t.authorize_gone_means()/> }.into_any()
        }
    }
}

fn server_error(fault: crate::server::service::Fault) -> AnyView {
    context::fault(fault);
    view! { <ServerError/> }.into_any()
}

/// `prompt=select_account`, or a request for another account than the one that is signed in.
#[component]
fn ChooseAccount(choice: AccountChoice, person: SignedIn, address: RequestAddress) -> impl IntoView {
    let t = translations();
    let AccountChoice { client, tenant, reason } = choice;
    let name = client.name.clone();
    let lead = match reason {
        AccountChoiceReason::Requested => t.authorize_choose_lead(name),
        AccountChoiceReason::OtherTenant => t.authorize_other_tenant(name, tenant.display_name),
        AccountChoiceReason::OtherPerson => t.authorize_other_person(name),
    };
    let account = t.person_at(person.user_id().as_str(), person.tenant_name());
    let keep = (reason == AccountChoiceReason::Requested).then(|| paths::authorize_with(&address.handle, address.language.as_deref(), true));
    view! {
        <PageContent title=t.authorize_choose()>
            <p class="lead">{lead}</p>
            <dl class="facts">
                <dt>{t.consent_application()}</dt>
                <dd><ClientName client=ClientItem::of(&client)/></dd>
                <dt>{t.consent_you_are()}</dt>
                <dd><strong>{person.display_name().to_owned()}</strong> " (" {account} ")"</dd>
            </dl>
            <PostForm action=ChangeAccount::url() class="decide">
                <input type="hidden" name="request" value=address.handle/>
                <input type="hidden" name="lang" value=address.language.unwrap_or_default()/>
                <button>{t.consent_use_another()}</button>
                {keep.map(|address| view! { <a class="button" href=address>{t.authorize_keep_account()}</a> })}
            </PostForm>
        </PageContent>
    }
}

/// A request that cannot be answered here.
#[component]
fn ClosedRequest(title: String, sentence: String) -> impl IntoView {
    let t = translations();
    view! {
        <PageContent title>
            <p class="lead">{sentence}</p>
            {context::request_id().map(|id| view! { <p class="hint">{t.error_reference(id)}</p> })}
            <p class="actions"><a class="button" href=paths::HOME>{t.error_home()}</a></p>
            <TenantHelpContact/>
        </PageContent>
    }
}

#[component]
fn NoRequest(sentence: String) -> impl IntoView {
    view! { <ClosedRequest title=translations().authorize_nothing() sentence/> }
}
