//! `tms-portal idp` and `person show|unlink`, beside a running portal.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::json;

use super::CommandOutput;
use crate::app::TestApp;
use crate::browser::en;
use crate::institution::{CLIENT_ID, CLIENT_SECRET, Institution, Mischief};
use crate::postgres;

/// The output of the program, run with the portal's data and this standard input.
pub async fn operate(app: &TestApp, words: &[&str], input: &'static str) -> CommandOutput {
    operate_behind(app, &[], words, input).await
}

/// The same, with proxies in the environment.
async fn operate_behind(app: &TestApp, proxies: &[(&str, &str)], words: &[&str], input: &'static str) -> CommandOutput {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tms-portal"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TMS_") || name.starts_with("LEPTOS_")) {
        command.env_remove(name);
    }
    command.current_dir(&app.data_dir).args(words).args(["--tenant", "test", "--data-dir"]).arg(&app.data_dir);
    command.envs(postgres::environment_of(&app.data_dir));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).envs(proxies.iter().copied());
    // On a separate thread: the fake provider runs in this one.
    let run = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().expect("started");
        child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("written");
        child.wait_with_output().expect("run")
    });
    CommandOutput::from(run.await.expect("run"))
}

#[tokio::test]
async fn provider_commands_add_change_test_and_remove() {
    let (app, institution) = (TestApp::start().await, Institution::start().await);
    let base = institution.url();
    let add = ["idp", "add", "--base", &base, "--client-id", CLIENT_ID, "--secret-from-stdin", "campus"];
    assert!(operate(&app, &add, "  \n").await.err.contains("standard input is empty"));
    let added = operate(&app, &add, CLIENT_SECRET).await;
    assert!(added.code == Some(0) && added.out.contains("/sign-in/back/test/campus"), "{} {}", added.out, added.err);
    assert!(app.sign_in_with_new_browser(&institution, json!({})).await.refuses(|x| en().upstream_login_refused_not_invited(x)));

    let set = ["idp", "set", "--newcomers", "open", "--mfa-amr", "mfa", "--mfa-amr", "hwk", "--display-name", "Campus", "campus"];
    assert_eq!(operate(&app, &set, "").await.out, "campus has been changed.\n");
    assert_eq!(app.sign_in_with_new_browser(&institution, json!({ "amr": ["hwk"] })).await.path, "/hosts", "the portal that runs knows at once");
    operate(&app, &["idp", "set", "--mfa-amr", "", "--enabled", "false", "campus"], "").await;
    assert!(operate(&app, &["idp", "list"], "").await.out.starts_with(&format!("campus  off  oidc  {base}  Campus\n")));
    operate(&app, &["idp", "set", "--enabled", "true", "--secret-from-stdin", "campus"], "another").await;
    assert!(app.sign_in_with_new_browser(&institution, json!({})).await.problem().contains(&en().upstream_login_refused_misconfigured()));
    assert!(operate(&app, &["idp", "test", "campus"], "").await.err.contains("rejected the client ID or secret"));
    operate(&app, &["idp", "set", "--secret-from-stdin", "campus"], CLIENT_SECRET).await;
    assert_eq!(operate(&app, &["idp", "test", "campus"], "").await.out, format!("OK: campus has the issuer {base}\n"));
    institution.misbehave(Mischief::Broken);
    assert!(operate(&app, &["idp", "test", "campus"], "").await.err.contains("invalid response from the provider: HTTP 500"));
    assert_eq!(operate(&app, &["idp", "remove", "campus"], "").await.code, Some(0));
    for verb in ["test", "set", "remove"] {
        let gone = operate(&app, &["idp", verb, "campus"], "").await;
        assert_eq!((gone.code, gone.err.as_str()), (Some(1), "tms-portal: provider campus does not exist\n"), "{verb}");
    }
    assert_eq!(
        app.texts("SELECT kind || ' ' || subject FROM activity WHERE admin_id = 'operator:' AND kind LIKE 'provider%' ORDER BY id").await,
        [
            "provider_added campus",
            "provider_changed campus: display-name newcomers mfa",
            "provider_changed campus: mfa enabled",
            "provider_changed campus: enabled",
            "provider_changed campus: secret",
            "provider_changed campus: secret",
            "provider_removed campus",
        ]
    );
}

#[tokio::test]
async fn unreachable_provider_is_explained() {
    let app = TestApp::start().await;
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let plain = format!("https://{}", app.base.strip_prefix("http://").expect("an address"));
    for (base, said) in [
        (format!("http://{gone}"), en().provider_error_unreachable(en().connect_error_refused())),
        ("https://no-such-name.invalid".into(), en().provider_error_unreachable(en().connect_error_host_not_found())),
        (plain, en().provider_error_unreachable(en().connect_error_no_tls())),
        ("http://idp.example".into(), en().provider_error_misconfigured("http://idp.example is not https")),
    ] {
        let refused = operate(&app, &["idp", "add", "--base", &base, "--client-id", "x", "campus"], "").await;
        assert_eq!((refused.code, refused.err.as_str()), (Some(1), format!("tms-portal: campus: {said}\n").as_str()), "{base}");
    }
}

#[tokio::test]
async fn person_show_and_unlink_handle_identities() {
    let (app, institution) = (TestApp::start().await, Institution::start().await);
    app.add_institution(&institution, "open").await;
    app.sign_in_with_new_browser(&institution, json!({ "sub": "4\u{1b}[2J2", "name": "Jane Doe" })).await;
    app.sign_in_with_new_browser(&institution, json!({ "sub": "43", "preferred_username": "roe" })).await;
    let shown = operate(&app, &["person", "show", "jdoe~campus"], "").await.out;
    let line = format!("{}  4\\u{{1b}}[2J2  jdoe · Campus  last used 20 November 2026, 12:00 UTC", institution.url());
    assert!(shown.starts_with("jdoe~campus  Jane Doe  since 20 November 2026, 12:00 UTC") && shown.contains(&line), "{shown}");
    let number = shown.lines().nth(1).and_then(|line| line.split_whitespace().next()).expect("a number").to_owned();

    for (user, identity) in [("roe~campus", number.as_str()), ("jdoe~campus", "99"), ("nobody", "1")] {
        let refused = operate(&app, &["person", "unlink", user, identity], "").await;
        assert_eq!((refused.code, refused.err.as_str()), (Some(1), "tms-portal: the person has no such identity\n"), "{user} {identity}");
    }
    let unlinked = operate(&app, &["person", "unlink", "jdoe~campus", &number], "").await;
    assert!(unlinked.out.starts_with("jdoe · Campus has been unlinked from jdoe~campus."), "{} {}", unlinked.out, unlinked.err);
    let by_name = ["person", "unlink", "--issuer", &institution.url(), "--subject", "43", "roe~campus"];
    assert_eq!(operate(&app, &by_name, "").await.code, Some(0));
    assert_eq!(app.number("SELECT count(*) FROM identities").await, 0);
    assert_eq!(
        app.texts("SELECT user_id FROM activity WHERE kind = 'identity_unlinked' AND admin_id = 'operator:'").await,
        ["jdoe~campus", "roe~campus"]
    );
    for wrong in [&["person", "unlink", "jdoe~campus"][..], &["person", "unlink", "--issuer", "x", "jdoe~campus"]] {
        assert_eq!(operate(&app, wrong, "").await.code, Some(2), "{wrong:?}");
    }
}

#[tokio::test]
async fn hosts_of_a_provider_are_set_by_option() {
    let (app, institution) = (TestApp::start().await, Institution::start().await);
    app.add_institution(&institution, "invited").await;
    let said = |said: CommandOutput| (said.code, said.err);
    let list = format!("{}/resources", institution.url());
    let set = async |arguments: &[&str]| operate(&app, &[&["idp", "set"][..], arguments, &["campus"]].concat(), "").await;
    let listed = async || operate(&app, &["idp", "list"], "").await.out.lines().nth(1).unwrap_or_default().to_owned();

    assert_eq!(said(set(&["--resource-list", &list]).await), (Some(1), "tms-portal: campus has no hosts here: pass them with --host\n".into()));
    for (wrong, why) in [(["--host", "a b"], "a character other than"), (["--resource-list", "http://idp.example/resources"], "is not https")] {
        let refused = set(&wrong).await;
        assert!(refused.code == Some(2) && refused.err.contains(why), "{}", refused.err);
    }
    assert_eq!(listed().await, "");
    assert_eq!(set(&["--host", "frontera", "--host", "stampede"]).await.code, Some(0));
    assert_eq!(listed().await, "  hosts: frontera stampede  listed at: nowhere");
    assert_eq!(set(&["--resource-list", &list]).await.code, Some(0));
    assert_eq!(listed().await, format!("  hosts: frontera stampede  listed at: {list}"));
    institution.list_answers(500, "");
    assert!(
        operate(&app, &["idp", "test", "campus"], "").await.err.contains("invalid response from the provider: HTTP 500"),
        "its list is looked for"
    );
    assert_eq!(set(&["--host", ""]).await.code, Some(0));
    assert_eq!(listed().await, "");
}

#[tokio::test]
async fn loopback_providers_bypass_the_proxy_and_errors_name_it() {
    let (app, institution) = (TestApp::start().await, Institution::start().await);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("an address");
    let proxy = format!("http://me:secret@{closed}");
    let proxies = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"].map(|name| (name, proxy.as_str()));
    let (base, localhost) = (institution.url(), institution.url().replace("127.0.0.1", "localhost"));
    let added = operate_behind(&app, &proxies, &["idp", "add", "--base", &base, "--client-id", CLIENT_ID, "campus"], "").await;
    assert_eq!((added.code, added.err.as_str()), (Some(0), ""));
    let other = operate_behind(&app, &proxies, &["idp", "add", "--base", &localhost, "--client-id", CLIENT_ID, "other"], "").await;
    assert!(!other.err.contains("proxy"), "{}", other.err);

    let far = ["idp", "add", "--base", "https://idp.example", "--client-id", CLIENT_ID, "far"];
    let refused = operate_behind(&app, &proxies, &far, "").await;
    let said = en().provider_error_unreachable(en().connect_error_proxied(en().connect_error_refused(), closed.to_string()));
    assert!(refused.code == Some(1) && refused.err.contains(said.as_str()) && !refused.err.contains("secret"), "{}", refused.err);
}

/// S202.
#[tokio::test]
async fn groups_are_set_by_commands() {
    let (app, institution) = (TestApp::start().await, Institution::start().await);
    app.add_institution(&institution, "open").await;
    let set = async |arguments: &[&str]| operate(&app, &[&["idp", "set"][..], arguments, &["campus"]].concat(), "").await;
    let listed = async || operate(&app, &["idp", "list"], "").await.out.lines().nth(1).unwrap_or_default().to_owned();
    for wrong in [["--group", "staff"], ["--group", "=staff"], ["--group", "cn=st aff"]] {
        assert_eq!(set(&wrong).await.code, Some(2), "{wrong:?}");
    }
    let refused = set(&["--group", "cn=staff=staff"]).await;
    assert_eq!((refused.code, refused.err.as_str()), (Some(1), "tms-portal: campus has no claim with groups here: pass it with --group-claim\n"));
    assert_eq!(set(&["--group-claim", "isMemberOf", "--group", "cn=staff=staff", "--group", "cn=hpc=hpc"]).await.code, Some(0));
    assert_eq!(listed().await, "  groups: isMemberOf  cn=hpc=hpc  cn=staff=staff");
    app.sign_in_with_new_browser(&institution, json!({ "isMemberOf": ["cn=staff"] })).await;
    let grouped = operate(&app, &["person", "groups", "jdoe~campus", "own", "more"], "").await;
    assert_eq!(grouped.out, "jdoe~campus is in own, more.\n", "{}", grouped.err);
    let shown = operate(&app, &["person", "show", "jdoe~campus"], "").await.out;
    let expected = format!("\n  group  more\n  group  own\n  group  staff  by {}\n", institution.url());
    assert!(shown.contains(&expected), "{shown}");
    assert_eq!(operate(&app, &["person", "groups", "--none", "jdoe~campus"], "").await.code, Some(0));
    assert_eq!(app.texts("SELECT name FROM person_groups").await, ["staff"]);
    assert_eq!(operate(&app, &["person", "groups", "jdoe~campus"], "").await.code, Some(2));
    assert_eq!(operate(&app, &["person", "groups", "nobody", "own"], "").await.code, Some(1));
    assert_eq!(set(&["--group-claim", ""]).await.code, Some(0));
    assert_eq!(listed().await, "");
}
