//! Several requests of a host at once, and the end of their session.

use super::*;

#[tokio::test]
async fn each_page_links_the_account_in_its_url() {
    let fixture = Fixture::start().await;
    let browser = fixture.app.signed_in().await;
    let asked = [fixture.ask("jd1").await, fixture.ask("jd2").await];
    let pages = [browser.enter_link(text(&asked[0]["user_code"])).await, browser.enter_link(text(&asked[1]["user_code"])).await];
    let list = browser.get("/hosts/link").await;
    for (page, account) in pages.iter().zip(["jd1", "jd2"]) {
        assert!(list.says(format!("href=\"{}\"", page.address)), "{}", list.text);
        assert!(browser.get(&page.address).await.says(en().link_question(account, "frontera")));
    }
    assert!(browser.link(&pages[0]).await.tells(|x| en().link_linked("jd1", "frontera", x)));
    assert_eq!(fixture.status(&asked[1]).await, pending());
    assert_eq!(browser.get(&pages[0].address).await.problem(), en().link_refused_answered());
    browser.refuse_link(&pages[1]).await;
    assert_eq!(fixture.status(&asked[1]).await, json!({ "status": "refused" }));
    assert_eq!(fixture.links().await.len(), 1);
}

#[tokio::test]
async fn refusal_is_shown_on_its_own_page() {
    let fixture = Fixture::start().await;
    fixture.app.add_person("test", "new").await;
    let browser = fixture.app.signed_in_as("test", "new", PASSWORD).await;
    let asked = [fixture.ask("jd1").await, fixture.ask("jd2").await];
    let pages = [browser.enter_link(text(&asked[0]["user_code"])).await, browser.enter_link(text(&asked[1]["user_code"])).await];
    let refused = browser.link(&pages[0]).await;
    assert!(refused.address == pages[0].address && refused.problem().starts_with(&en().link_refused_no_mfa()), "{}", refused.words());
    assert_eq!(browser.get(&pages[1].address).await.status, 200);
}

#[tokio::test]
async fn end_of_session_releases_link_codes() {
    let fixture = Fixture::start().await;
    let eve = fixture.add("eve").await;
    for end in ["sign-out", "another code", "another account"] {
        let (browser, asked) = (fixture.app.signed_in().await, fixture.ask("jd").await);
        let code = text(&asked["user_code"]);
        let question = browser.enter_link(code).await;
        for _ in 0..6 {
            let refused = eve.enter_link(code).await;
            assert!(refused.problem() == en().code_refused_claimed(en().span_minutes(10)), "{end}: {}", refused.words());
        }
        match end {
            "sign-out" => drop(browser.post("/sign-out", &[]).await),
            "another code" => drop(browser.post("/api/links/another", &[("request", &question.field("request"))]).await),
            _ => drop(browser.post("/api/links/switch", &[("tenant", "test")]).await),
        }
        let page = eve.enter_link(code).await;
        assert!(page.status == 200 && page.says(en().link_question("jd", "frontera")), "{end}: {}", page.words());
        assert!(eve.refuse_link(&page).await.says(en().link_stopped()), "{end}");
    }
}

#[tokio::test]
async fn answer_of_ended_session_returns_to_its_page() {
    let fixture = Fixture::start().await;
    let (browser, asked) = (fixture.app.signed_in().await, fixture.ask("jd").await);
    let question = browser.enter_link(text(&asked["user_code"])).await;
    let elsewhere = fixture.app.signed_in().await;
    assert_eq!(elsewhere.get(&question.address).await.problem(), en().link_refused_not_yours());
    fixture.app.sql("DELETE FROM browser_sessions").await;
    let sign_in = browser.link(&question).await;
    assert_eq!((sign_in.path.as_str(), sign_in.field("then")), ("/sign-in", question.address.clone()));
    let form = [("tenant", "test"), ("user_name", "testuser1"), ("password", PASSWORD), ("then", &sign_in.field("then"))];
    let again = browser.post("/sign-in/password", &form).await;
    assert!(again.address == question.address && again.says(text(&asked["user_code"])), "{}", again.words());
    assert!(browser.link(&again).await.tells(|x| en().link_linked(x, x, x)));
}
