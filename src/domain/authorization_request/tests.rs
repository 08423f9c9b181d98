use super::*;
use crate::domain::client::registration::{ClientAuthMethod, GrantTypes};
use crate::domain::ids::SessionId;

const START: Timestamp = Timestamp::from_millis(1_795_176_000_000);
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const API: &str = "https://tms.example/v1/tms";

fn at(seconds: u64) -> Timestamp {
    START + Duration::from_secs(seconds)
}

fn client() -> Client {
    let (tenant, id) = (TenantId::parse("test").expect("a tenant id"), ClientId::parse("hub").expect("a client id"));
    Client {
        grant_types: GrantTypes { authorization_code: true, refresh_token: true, client_credentials: false },
        scope: ScopeSet::parse_known("openid profile hosts:read keys:create offline_access"),
        ..Client::new(tenant, id, "Hub", "1", START)
    }
}

fn registered(uris: &[&str]) -> ClientUris {
    ClientUris { redirect: uris.iter().map(|uri| RedirectUri::parse(uri).expect("a redirect URI")).collect(), ..ClientUris::default() }
}

fn by(session: &str, person: Option<&str>) -> Claimant {
    Claimant { session: SessionId::parse(session).expect("a session id"), person: person.map(|person| UserId::parse(person).expect("a user id")) }
}

fn waiting() -> AuthorizationRequest {
    AuthorizationRequest {
        tenant_id: TenantId::parse("test").expect("a tenant id"),
        id: AuthorizationRequestId::parse("arq_1").expect("an id"),
        client_id: ClientId::parse("hub").expect("a client id"),
        target: AnswerTarget { redirect_uri: RedirectUri::parse("https://hub.example/cb").expect("a redirect URI"), named: true, state: None },
        content: Ok(RequestContent { scope: ScopeSet::parse_known("openid keys:create"), ..RequestContent::default() }),
        silent: false,
        source: RequestSource { at: START, from: None, agent: String::new() },
        pushed: None,
        expires_at: START + REQUEST_LIFETIME,
        opened_by: None,
        state: AuthorizationRequestState::Waiting,
    }
}

fn opened() -> AuthorizationRequest {
    waiting().open(&by("ours", Some("jdoe")), at(1)).expect("opened")
}

fn authorization() -> AuthorizationId {
    AuthorizationId::parse("aut_1").expect("an id")
}

/// The parameters of a valid request, with changes; an empty value removes one.
fn sent(changes: &[(&str, &str)]) -> Parameters {
    let valid = [
        ("response_type", "code"),
        ("client_id", "hub"),
        ("redirect_uri", "https://hub.example/cb"),
        ("scope", "openid keys:create"),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let kept = valid.into_iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    Parameters::new(kept.chain(changes.iter().copied()).map(|(name, value)| (name.to_owned(), value.to_owned())))
}

fn check(changes: &[(&str, &str)]) -> Result<RequestContent, RequestProblem> {
    RequestContent::check(&sent(changes), &client(), false, Some(&RequestedResources::api_only()))
}

fn problem(changes: &[(&str, &str)]) -> Option<RequestProblem> {
    check(changes).err()
}

#[test]
fn request_belongs_to_the_session_that_opened_it_first() {
    let anonymous = waiting().open(&by("ours", None), at(1)).expect("opened");
    assert_eq!(anonymous.clone().open(&by("theirs", Some("jdoe")), at(2)).err(), Some(OpenRefused::OpenElsewhere));
    let signed_in = anonymous.open(&by("ours", Some("jdoe")), at(2)).expect("the same session");
    let other_account = signed_in.open(&by("ours", Some("eve")), at(3)).expect("another account of the same browser");
    assert_eq!(other_account.clone().refuse(&by("ours", Some("jdoe")), false, at(4)).err(), Some(DecisionRefused::NotYours));
    assert!(other_account.refuse(&by("ours", Some("eve")), false, at(4)).is_ok());
    assert_eq!(waiting().open(&by("ours", None), at(900)).err(), Some(OpenRefused::Expired));
}

#[test]
fn decision_is_final_and_in_time() {
    let jdoe = by("ours", Some("jdoe"));
    let answered = opened().allow(&jdoe, authorization(), at(10)).expect("allowed");
    assert_eq!(answered.state, AuthorizationRequestState::Answered { at: at(10), authorization: authorization() });
    assert_eq!(answered.clone().refuse(&jdoe, false, at(11)).err(), Some(DecisionRefused::AlreadyDecided));
    assert!(answered.open(&jdoe, at(5_000)).is_ok(), "its answer is shown again");
    let refused = opened().refuse(&jdoe, true, at(10)).expect("refused");
    assert_eq!(refused.state, AuthorizationRequestState::Refused { at: at(10), reported: true });
    assert_eq!(refused.allow(&jdoe, authorization(), at(11)).err(), Some(DecisionRefused::AlreadyDecided));
    assert_eq!(opened().allow(&jdoe, authorization(), at(900)).err(), Some(DecisionRefused::Expired));
    for other in [by("theirs", Some("jdoe")), by("ours", Some("eve")), by("ours", None)] {
        assert_eq!(opened().allow(&other, authorization(), at(10)).err(), Some(DecisionRefused::NotYours), "{other:?}");
    }
    let faulty = AuthorizationRequest { content: Err(RequestProblem::ChallengeMissing), ..opened() };
    assert_eq!(faulty.allow(&jdoe, authorization(), at(10)).err(), Some(DecisionRefused::NotYours), "there is nothing to allow");
}

#[test]
fn scope_is_restricted_to_client_and_page() {
    let scope = |client: &Client, shown: Option<&str>| {
        opened().granted_scope(client, shown.map(ScopeSet::parse_known).as_ref()).map(|scope| scope.to_string())
    };
    assert_eq!(scope(&client(), None).as_deref(), Some("keys:create openid"));
    assert_eq!(scope(&client(), Some("openid hosts:read")).as_deref(), Some("openid"));
    assert_eq!(scope(&client(), Some("hosts:read")), None);
    assert_eq!(scope(&Client { enabled: false, ..client() }, None), None);
}

#[test]
fn redirect_uri_is_a_registered_one() {
    let both = registered(&["https://hub.example/cb", "http://127.0.0.1/cb"]);
    let target = |changes: &[(&str, &str)], uris: &ClientUris| AnswerTarget::resolve(&sent(changes), uris);
    let found = target(&[], &both).expect("a target");
    assert_eq!((found.redirect_uri.as_str(), found.named, found.state.as_deref()), ("https://hub.example/cb", true, Some("s")));
    let loopback = target(&[("redirect_uri", "http://127.0.0.1:4242/cb")], &both).expect("any port");
    assert_eq!(loopback.redirect_uri.as_str(), "http://127.0.0.1:4242/cb");
    for other in
        ["https://hub.example/CB", "https://hub.example/cb/", "https://hub.example/cb?x=1", "https://hub.example/cb#f", "http://hub.example/cb"]
    {
        assert_eq!(target(&[("redirect_uri", other)], &both), Err(Unanswerable::RedirectUriNotRegistered), "{other}");
    }
    assert_eq!(target(&[("redirect_uri", "a"), ("redirect_uri", "b")], &both), Err(Unanswerable::Repeated));
    assert_eq!(target(&[("state", &"s".repeat(4_097))], &both), Err(Unanswerable::StateTooLong));
    let only = registered(&["https://hub.example/cb"]);
    let without = |scope: &str, uris: &ClientUris| target(&[("redirect_uri", ""), ("scope", scope)], uris).map(|target| target.named);
    assert_eq!(without("keys:create", &only), Ok(false));
    assert_eq!(without("openid keys:create", &only), Err(Unanswerable::RedirectUriMissing));
    assert_eq!(without("keys:create", &both), Err(Unanswerable::RedirectUriMissing));
}

#[test]
fn valid_request_is_kept_as_checked() {
    let content = check(&[
        ("scope", "openid keys:create phone"),
        ("nonce", "n"),
        ("prompt", "consent"),
        ("max_age", "60"),
        ("acr_values", "x https://refeds.org/profile/mfa"),
        ("login_hint", "jd\u{7}oe"),
        ("resource", API),
        ("unknown", "1"),
    ])
    .expect("valid");
    assert_eq!(content.scope.to_string(), "keys:create openid");
    assert_eq!(content.challenge.as_ref().map(CodeChallenge::as_str), Some(CHALLENGE));
    assert_eq!((content.nonce.as_deref(), content.login_hint.as_deref()), (Some("n"), Some("jdoe")));
    assert!(content.prompt.consent && !content.prompt.login);
    let demand = AuthenticationDemand { again: false, max_age: Some(Duration::from_secs(60)), second_factor: true };
    assert_eq!(content.authentication, demand);
    assert!(check(&[("max_age", "0")]).expect("valid").authentication.again, "as prompt=login");
    let stored = serde_json::to_string(&content).expect("JSON");
    assert_eq!(serde_json::from_str::<RequestContent>(&stored).expect("read back"), content);
}

#[test]
fn problems_are_told_apart() {
    for (changes, expected) in [
        (&[("scope", "openid"), ("scope", "openid")][..], RequestProblem::Repeated),
        (&[("x", "1"), ("x", "2")], RequestProblem::Repeated),
        (&[("response_type", "")], RequestProblem::ResponseTypeMissing),
        (&[("response_type", "token")], RequestProblem::ResponseTypeUnsupported),
        (&[("response_type", "code id_token")], RequestProblem::ResponseTypeUnsupported),
        (&[("response_mode", "fragment")], RequestProblem::ResponseModeUnsupported),
        (&[("request", "eyJ")], RequestProblem::RequestObject),
        (&[("request_uri", "http://127.0.0.1:1/")], RequestProblem::RequestUri),
        (&[("code_challenge", "")], RequestProblem::ChallengeMissing),
        (&[("code_challenge", ""), ("code_challenge_method", "")], RequestProblem::ChallengeMissing),
        (&[("code_challenge_method", "")], RequestProblem::ChallengeMethod),
        (&[("code_challenge_method", "plain")], RequestProblem::ChallengeMethod),
        (&[("code_challenge", "E9Melhoa2Owv")], RequestProblem::ChallengeMalformed),
        (&[("prompt", "none login")], RequestProblem::PromptContradictory),
        (&[("max_age", "-1")], RequestProblem::MaxAgeMalformed),
        (&[("max_age", "x")], RequestProblem::MaxAgeMalformed),
        (&[("scope", "phone")], RequestProblem::NoScopeLeft),
        (&[("scope", "keys:revoke")], RequestProblem::NoScopeLeft),
    ] {
        assert_eq!(problem(changes), Some(expected), "{changes:?}");
    }
    assert_eq!(problem(&[("nonce", &"n".repeat(1_025))]), Some(RequestProblem::NonceTooLong));
    let pushed_only = Client { pushed_requests_only: true, ..client() };
    assert_eq!(RequestContent::check(&sent(&[]), &client(), false, None), Err(RequestProblem::ResourceUnknown));
    assert_eq!(RequestContent::check(&sent(&[]), &pushed_only, false, Some(&RequestedResources::api_only())), Err(RequestProblem::NotPushed));
    assert!(RequestContent::check(&sent(&[]), &pushed_only, true, Some(&RequestedResources::api_only())).is_ok());
}

#[test]
fn pkce_can_be_replaced_by_nonce_or_left_out_where_registered() {
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    let with_nonce = [("code_challenge", ""), ("code_challenge_method", ""), ("nonce", "n")];
    let check = |pkce: PkceRule, changes: &[(&str, &str)]| {
        let client = Client { pkce, ..client() };
        RequestContent::check(&sent(changes), &client, false, Some(&RequestedResources::api_only())).map(|content| content.challenge.is_some())
    };
    assert_eq!(check(PkceRule::Required, &with_nonce), Err(RequestProblem::ChallengeMissing));
    assert_eq!(check(PkceRule::Nonce, &without), Err(RequestProblem::ChallengeOrNonceMissing));
    assert_eq!(check(PkceRule::Nonce, &with_nonce), Ok(false));
    let [challenge, method, nonce] = with_nonce;
    let without_openid = [challenge, method, nonce, ("scope", "keys:create")];
    assert_eq!(check(PkceRule::Nonce, &without_openid), Err(RequestProblem::ChallengeOrNonceMissing), "no ID token would have it");
    let public = Client { auth_method: ClientAuthMethod::None, pkce: PkceRule::Off, ..client() };
    let checked = RequestContent::check(&sent(&without), &public, false, Some(&RequestedResources::api_only()));
    assert_eq!(checked, Err(RequestProblem::ChallengeMissing), "whatever is registered");
    assert_eq!(check(PkceRule::Off, &without), Ok(false));
    for pkce in [PkceRule::Nonce, PkceRule::Off] {
        assert_eq!(check(pkce, &[]), Ok(true), "one that is sent counts");
        assert_eq!(check(pkce, &[("code_challenge_method", "plain")]), Err(RequestProblem::ChallengeMethod));
        assert_eq!(check(pkce, &[("code_challenge", "")]), Err(RequestProblem::ChallengeMissing), "a method without a challenge");
    }
}

#[test]
fn public_clients_ask_for_what_they_may_have() {
    let public = Client { auth_method: ClientAuthMethod::None, ..client() };
    let without_scope = RequestContent::check(&sent(&[("scope", "")]), &public, false, Some(&RequestedResources::api_only())).expect("valid");
    assert_eq!(without_scope.scope.to_string(), "hosts:read keys:create", "nothing of the person without asking");
}
