//! Second factors: list, enrollment, removal.

use axum::http::StatusCode;
use fast_qr::convert::Builder;
use fast_qr::convert::svg::SvgBuilder;
use fast_qr::{ECL, QRBuilder};
use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::super::components::{
    AlreadyGone, Confirm, Copyable, ExactTime, FlashMessage, FormError, Hidden, PageContent, PostForm, RelativeTime, RelativeTimeOrNever, ServerError,
};
use crate::domain::paths::{self, ReturnTo};
use crate::domain::second_factor::{Factor, FactorUsage, PasskeySummary, SecondFactors};
use crate::domain::time::Timestamp;
use crate::islands::PasskeyButton;
use crate::server::context::{self, translations};
use crate::server::service::Fault;
use crate::server::service::auth::principals::RecentlyAuthenticated;
use crate::server::service::auth::second_factors::{AppEnrollment, PasskeyChallenge};
use crate::server::sign_in::session::flash::{Flash, FlashTarget};
use crate::server::sign_in::session::second_factors::{Enrollment, EnrollmentKind};
use crate::server_fns::second_factors::{AddApp, AddPasskey, RemoveFactor, RenamePasskey, RenewRecoveryCodes};

/// The section on `/identities`.
#[component]
pub fn Factors(factors: SecondFactors) -> impl IntoView {
    let t = translations();
    let none = factors.is_empty();
    let left = factors.recovery_codes_left;
    let app = factors.app;
    view! {
        <section aria-labelledby="second-factor">
            <h2 id="second-factor">{t.factors_title()}</h2>
            <p class="hint">{if none { t.factors_none() } else { t.factors_lead() }}</p>
            {(!none).then(|| view! {
                <ul class="rows">
                    {app.map(|used| view! { <FactorEntry name=t.factors_app() used factor="app".to_owned()/> })}
                    {factors.passkeys.into_iter().map(|key| view! {
                        <FactorEntry name=passkey_label(&key) used=key.usage factor=key.number.to_string() named=true/>
                    }).collect_view()}
                    <li class="row-card">
                        <div class="what">
                            <h3>{t.factors_recovery()}</h3>
                            <p class=if left < 3 { "warning" } else { "hint" }>{t.factors_recovery_left(left)}</p>
                        </div>
                        <a class="button" href=paths::IDENTITIES_RECOVERY_NEW data-confirm="">{t.factors_recovery_renew()}</a>
                    </li>
                </ul>
            })}
            <SetUpLinks then=ReturnTo::default() with_app=app.is_none()/>
        </section>
    }
}

fn passkey_label(key: &PasskeySummary) -> String {
    if key.name.is_empty() { translations().factors_passkey() } else { key.name.clone() }
}

#[component]
fn FactorEntry(
    name: String,
    used: FactorUsage,
    factor: String,
    /// Whether the person named it.
    #[prop(optional)]
    named: bool,
) -> impl IntoView {
    let t = translations();
    let at = |path: &str| paths::page_about(path, "factor", &factor, &ReturnTo::default());
    let (rename, remove) = (at(paths::IDENTITIES_RENAME), at(paths::IDENTITIES_REMOVE));
    view! {
        <li class="row-card">
            <div class="what">
                <h3><bdi>{name.clone()}</bdi></h3>
                <dl class="facts short">
                    <div><dt>{t.factors_since()}</dt><dd><RelativeTime at=used.created_at/></dd></div>
                    <div>
                        <dt>{t.identities_last_used()}</dt>
                        <dd><RelativeTimeOrNever at=used.last_used_at/></dd>
                    </div>
                </dl>
            </div>
            <div class="actions">
                {named.then(|| view! { <a class="button" href=rename aria-label=t.factors_rename_this(name.as_str())>{t.factors_rename()}</a> })}
                <a class="button danger" href=remove data-confirm="" aria-label=t.factors_remove_this(name.as_str())>{t.factors_remove()}</a>
            </div>
        </li>
    }
}

#[component]
fn SetUpLinks(then: ReturnTo, with_app: bool) -> impl IntoView {
    let t = translations();
    let passkeys = context::services().is_ok_and(|services| services.has_passkeys());
    view! {
        <p class="actions">
            {with_app.then(|| view! { <a class="button" href=paths::with_return_to(paths::IDENTITIES_APP, &then)>{t.factors_add_app()}</a> })}
            {passkeys.then(|| view! { <a class="button" href=paths::with_return_to(paths::IDENTITIES_PASSKEY, &then)>{t.factors_add_passkey()}</a> })}
        </p>
    }
}

/// The page to continue with, from the URL.
fn return_to() -> ReturnTo {
    ReturnTo::from_untrusted(&use_query_map().with_untracked(|query| query.get("then").unwrap_or_default()))
}

/// `/identities/second-factor`: the tenant requires a second factor and the person has none.
#[component]
pub fn SecondFactorRequired() -> impl IntoView {
    let (t, then) = (translations(), return_to());
    view! {
        <PageContent title=t.factors_required_title()>
            <p class="lead">{t.factors_required()}</p>
            <SetUpLinks then with_app=true/>
        </PageContent>
    }
}

/// What a page for an enrollment shows.
struct EnrollmentView<T> {
    enrollment: T,
    /// The id of this tab's enrollment.
    id: String,
    said: Option<Flash>,
}

/// `/identities/app`: an authenticator app.
#[component]
pub fn SetUpApp() -> impl IntoView {
    let then = return_to();
    let id = use_query_map().with_untracked(|query| query.get("ceremony").unwrap_or_default());
    Suspend::new(async move {
        let t = translations();
        match has_app().await {
            Ok(false) => {}
            Ok(true) => {
                // A message of another tab's form is shown by that tab's page.
                context::take_flash_about(&id).await;
                return EitherOf3::B(Either::Left(view! { <AppExists/> }));
            }
            Err(_) => return EitherOf3::C(view! { <ServerError/> }),
        }
        match load_app_enrollment(&id, &then).await {
            Ok(Some(EnrollmentView { enrollment: AppEnrollment { secret, otpauth_url }, id, said })) => EitherOf3::A(view! {
                <PageContent title=t.factors_app_title()>
                    <FlashMessage flash=said/>
                    <ol class="steps">
                        <li>
                            <p>{t.factors_app_scan()}</p>
                            <QrCode text=otpauth_url.clone() label=t.factors_app_qr()/>
                            <p><a href=otpauth_url rel="external">{t.factors_app_here()}</a></p>
                            <p>{t.factors_app_type()}</p>
                            <Copyable text=secret/>
                        </li>
                        <li>
                            <PostForm action=AddApp::url()>
                                <input type="hidden" name="ceremony" value=id/>
                                <input type="hidden" name="then" value=then.as_str().to_owned()/>
                                <label for="code">{t.factors_app_code()}</label>
                                <input id="code" name="code" data-unkept="" type="text" inputmode="numeric" autocomplete="one-time-code" dir="ltr" maxlength="10" required/>
                                <p class="actions">
                                    <button class="main">{t.factors_app_done()}</button>
                                    <a class="button" href=paths::IDENTITIES>{t.cancel()}</a>
                                </p>
                            </PostForm>
                        </li>
                    </ol>
                </PageContent>
            }),
            // The browser is redirected: to re-authenticate, or to the page of the enrollment.
            Ok(None) => EitherOf3::B(Either::Right(())),
            Err(_) => EitherOf3::C(view! { <ServerError/> }),
        }
    })
}

async fn has_app() -> Result<bool, ServerFnError> {
    let factors = context::services()?.list_second_factors(&context::signed_in()?).await.map_err(context::fault)?;
    Ok(factors.app.is_some())
}

/// Shown instead of a new secret: a person can have only one authenticator app.
#[component]
fn AppExists() -> impl IntoView {
    let t = translations();
    context::set_status(StatusCode::UNPROCESSABLE_ENTITY);
    view! {
        <PageContent title=t.factors_app_title() refused=true>
            <FormError sentence=t.factors_exists()/>
            <p class="actions">
                <a class="button danger" href=paths::page_about(paths::IDENTITIES_REMOVE, "factor", "app", &ReturnTo::default()) data-confirm="">
                    {t.factors_exists_remove()}
                </a>
                <a class="button" href=paths::IDENTITIES>{t.nav_identities()}</a>
            </p>
        </PageContent>
    }
}

/// The enrollment has its own URL, so that neither a reload nor another tab invalidates a scanned code.
async fn load_app_enrollment(id: &str, then: &ReturnTo) -> Result<Option<EnrollmentView<AppEnrollment>>, ServerFnError> {
    let (services, session, person) = (context::services()?, context::request_context()?.session, context::signed_in()?);
    let now = services.now();
    let begun = match id {
        "" => None,
        id => session.enrollment(EnrollmentKind::App, id, now).await.map_err(context::fault)?,
    };
    if let Some(Enrollment { id, since, state }) = begun
        && services.require_recent_auth_at(&person, since).is_ok()
    {
        let what = services.app_enrollment(&person, &state).map_err(context::fault)?;
        let said = match context::take_flash_about(&id).await {
            Some(flash) => Some(flash),
            None => context::take_flash().await,
        };
        return Ok(Some(EnrollmentView { enrollment: what, id, said }));
    }
    if require_recent_authentication(paths::IDENTITIES_APP, then)?.is_none() {
        return Ok(None);
    }
    let newest = session.newest_enrollment(EnrollmentKind::App, now).await.map_err(context::fault)?.filter(|_| id.is_empty());
    let here = match newest {
        Some(newest) => newest.id,
        None => {
            let new = services.new_tab_id();
            session.add_enrollment(EnrollmentKind::App, &new, services.new_app_secret().reveal(), now).await.map_err(context::fault)?;
            new
        }
    };
    if !id.is_empty() {
        context::flash_error_about(&here, translations().factors_app_ended()).await?;
    }
    context::redirect_to_url(&paths::page_about(paths::IDENTITIES_APP, "ceremony", &here, then));
    Ok(None)
}

fn require_recent_authentication(path: &str, then: &ReturnTo) -> Result<Option<RecentlyAuthenticated>, ServerFnError> {
    context::require_recent_authentication(&ReturnTo::from_untrusted(&paths::with_return_to(path, then)))
}

/// Dark on white in every colour scheme, as scanners require.
#[component]
fn QrCode(text: String, label: String) -> impl IntoView {
    let svg = QRBuilder::new(text).ecl(ECL::L).build().map(|code| SvgBuilder::default().margin(4).to_str(&code)).unwrap_or_default();
    view! { <div class="qr" role="img" aria-label=label inner_html=svg></div> }
}

/// `/identities/passkey`.
#[component]
pub fn SetUpPasskey() -> impl IntoView {
    let then = return_to();
    Suspend::new(async move {
        let t = translations();
        match load_passkey_enrollment(&then).await {
            Ok(Some(EnrollmentView { enrollment: Some(PasskeyChallenge { options, .. }), id, said })) => EitherOf3::A(view! {
                <PageContent title=t.factors_passkey_title()>
                    <p class="lead">{t.factors_passkey_lead()}</p>
                    <FlashMessage flash=said/>
                    <PostForm action=AddPasskey::url() main=true>
                        <input type="hidden" name="ceremony" value=id/>
                        <input type="hidden" name="then" value=then.as_str().to_owned()/>
                        <label for="name">{t.factors_passkey_name()}</label>
                        <input id="name" name="name" type="text" maxlength="100" autocomplete="off" aria-describedby="name-hint"/>
                        <p class="hint" id="name-hint">{t.factors_passkey_name_hint()}</p>
                        <PasskeyButton
                            options
                            make=true
                            label=t.factors_passkey_make()
                            failed=t.factors_passkey_failed()
                            exists=t.factors_passkey_exists()
                            missing=t.factors_passkey_missing()
                        />
                    </PostForm>
                </PageContent>
            }),
            Ok(Some(EnrollmentView { enrollment: None, .. })) => EitherOf3::B(Either::Left(view! {
                <PageContent title=t.factors_passkey_title()><p>{t.factors_passkey_no_name()}</p></PageContent>
            })),
            Ok(None) => EitherOf3::B(Either::Right(())),
            Err(_) => EitherOf3::C(view! { <ServerError/> }),
        }
    })
}

async fn load_passkey_enrollment(then: &ReturnTo) -> Result<Option<EnrollmentView<Option<PasskeyChallenge>>>, ServerFnError> {
    let Some(person) = require_recent_authentication(paths::IDENTITIES_PASSKEY, then)? else { return Ok(None) };
    let services = context::services()?;
    let asked = services.start_passkey_registration(&person).await.map_err(context::fault)?;
    let id = services.new_tab_id();
    if let Some(asked) = &asked {
        let session = context::request_context()?.session;
        session.add_enrollment(EnrollmentKind::Passkey, &id, &asked.state, services.now()).await.map_err(context::fault)?;
    }
    Ok(Some(EnrollmentView { enrollment: asked, id, said: context::take_flash().await }))
}

/// `/identities/recovery`: recovery codes, while this session can show them.
#[component]
pub fn RecoveryCodes() -> impl IntoView {
    let then = return_to().or(paths::IDENTITIES);
    let id = use_query_map().with_untracked(|query| query.get("codes").unwrap_or_default());
    Suspend::new(async move {
        let t = translations();
        match recovery_codes(&id).await {
            Ok(Some(Codes { codes, made_at, portal, said })) => EitherOf3::A(view! {
                <PageContent title=t.factors_recovery_title()>
                    {said.map(|said| view! { <p class="notice" role="status">{said.message}</p> })}
                    <p class="lead">{t.factors_recovery_lead()}</p>
                    <div class="card once codes"><Copyable text=codes block=true/></div>
                    <div class="only-print">
                        <p>{context::current_person().map(|person| t.person_at(person.user_id().as_str(), person.tenant_name()))}</p>
                        <p translate="no" dir="ltr">{portal}</p>
                        <p><ExactTime at=made_at/></p>
                    </div>
                    <p class="hint">{t.factors_recovery_shown()}</p>
                    <p class="actions">
                        <a class="button" href=format!("{}?codes={}", paths::IDENTITIES_RECOVERY_FILE, paths::encode(&id)) download="" rel="external">
                            {t.factors_recovery_download()}
                        </a>
                        <button type="button" class="print" data-print="">{t.factors_recovery_print()}</button>
                        <a class="button main" href=then.as_str().to_owned()>{t.factors_recovery_kept()}</a>
                    </p>
                </PageContent>
            }),
            Ok(None) => EitherOf3::B(view! {
                <PageContent title=t.factors_recovery_title()>
                    <p class="lead">{t.factors_recovery_once()}</p>
                    <p class="actions">
                        <a class="button" href=paths::IDENTITIES_RECOVERY_NEW>{t.factors_recovery_renew()}</a>
                        <a class="button main" href=then.as_str().to_owned()>{t.second_factor_go_on()}</a>
                    </p>
                </PageContent>
            }),
            Err(_) => EitherOf3::C(view! { <ServerError/> }),
        }
    })
}

/// What the page of recovery codes shows.
struct Codes {
    codes: String,
    made_at: Timestamp,
    /// The portal's URL.
    portal: String,
    said: Option<Flash>,
}

async fn recovery_codes(id: &str) -> Result<Option<Codes>, ServerFnError> {
    let (services, session) = (context::services()?, context::request_context()?.session);
    let Some((codes, made_at)) = session.recovery_codes(id, services.now()).await.map_err(context::fault)? else { return Ok(None) };
    let said = session.take_flash_about(FlashTarget::Success, id).await.map_err(context::fault)?;
    Ok(Some(Codes { codes: codes.reveal().to_owned(), made_at, portal: services.public_url().to_owned(), said }))
}

/// `/identities/recovery/new`.
#[component]
pub fn NewRecoveryCodes() -> impl IntoView {
    let t = translations();
    view! {
        <Confirm title=t.factors_recovery_question() action=RenewRecoveryCodes::url() button=t.factors_recovery_renew() cancel=paths::IDENTITIES harmless=true>
            <p class="warning">{t.factors_recovery_consequence()}</p>
        </Confirm>
    }
}

/// `/identities/rename`: renames a passkey.
#[component]
pub fn RenameAPasskey() -> impl IntoView {
    let factor = use_query_map().with_untracked(|query| query.get("factor").unwrap_or_default());
    Suspend::new(async move {
        let t = translations();
        let said = context::take_flash().await;
        match passkey_named(&factor).await {
            Ok(Some(name)) => EitherOf3::A(view! {
                <PageContent title=t.factors_rename_title()>
                    <FlashMessage flash=said/>
                    <PostForm action=RenamePasskey::url()>
                        <input type="hidden" name="factor" value=factor/>
                        <label for="name">{t.factors_passkey_name()}</label>
                        <input id="name" name="name" type="text" value=name maxlength="100" autocomplete="off" required aria-describedby="name-hint"/>
                        <p class="hint" id="name-hint">{t.factors_passkey_name_hint()}</p>
                        <p class="actions">
                            <button class="main">{t.factors_rename()}</button>
                            <a class="button" href=paths::IDENTITIES>{t.cancel()}</a>
                        </p>
                    </PostForm>
                </PageContent>
            }),
            Ok(None) => EitherOf3::B(view! { <AlreadyGone back=paths::IDENTITIES/> }),
            Err(fault) => {
                context::fault(fault);
                EitherOf3::C(view! { <ServerError/> })
            }
        }
    })
}

/// The name that the person gave a passkey, which may be empty.
async fn passkey_named(factor: &str) -> Result<Option<String>, Fault> {
    let (Ok(services), Some(person), Some(Factor::Passkey(number))) = (context::services(), context::current_person(), Factor::parse(factor)) else {
        return Ok(None);
    };
    let passkeys = services.list_second_factors(&person).await?.passkeys;
    Ok(passkeys.into_iter().find(|key| key.number == number).map(|key| key.name))
}

/// `/identities/remove`: confirms that a second factor is removed.
#[component]
pub fn RemoveAFactor() -> impl IntoView {
    let factor = use_query_map().with_untracked(|query| query.get("factor").unwrap_or_default());
    Suspend::new(async move {
        let t = translations();
        match named(&factor).await {
            Ok(Some((name, last))) => EitherOf3::A(view! {
                <Confirm
                    title=t.factors_remove_question(name)
                    action=RemoveFactor::url()
                    fields=vec![Hidden("factor", factor)]
                    button=t.factors_remove()
                    cancel=paths::IDENTITIES
                >
                    <p class="warning">{if last { t.factors_remove_last() } else { t.factors_remove_consequence() }}</p>
                </Confirm>
            }),
            Ok(None) => EitherOf3::B(view! { <AlreadyGone back=paths::IDENTITIES/> }),
            Err(fault) => {
                context::fault(fault);
                EitherOf3::C(view! { <ServerError/> })
            }
        }
    })
}

/// A factor's name, and whether it is the only one.
async fn named(factor: &str) -> Result<Option<(String, bool)>, Fault> {
    let (Ok(services), Some(person)) = (context::services(), context::current_person()) else { return Ok(None) };
    let factors = services.list_second_factors(&person).await?;
    let last = usize::from(factors.app.is_some()) + factors.passkeys.len() == 1;
    Ok(match Factor::parse(factor) {
        Some(Factor::App) => factors.app.map(|_| (translations().factors_app(), last)),
        Some(Factor::Passkey(number)) => factors.passkeys.iter().find(|key| key.number == number).map(|key| (passkey_label(key), last)),
        None => None,
    })
}
