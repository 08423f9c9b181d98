//! Pages of long lists: `limit` and `cursor`.

use serde_json::{Value, json};

use super::api::{ApiClient, EVERYTHING};
use crate::app::TestApp;

/// The path of each list, and the name of its rows.
const LISTS: [(&str, &str); 8] = [
    ("/client/list", "clients"),
    ("/usermfa/list", "users"),
    ("/userhosts/list", "users"),
    ("/delegations/list", "users"),
    ("/hosts/list", "users"),
    ("/pubkeys/list", "pubkeys"),
    ("/tenants/list", "tenants"),
    ("/me/keys", "keys"),
];

/// About seven rows for each list.
async fn with_long_lists() -> (TestApp, ApiClient, ApiClient) {
    let app = TestApp::start().await;
    let (admin, device) = (app.admin("test").await, app.device_with(EVERYTHING).await);
    for n in 0..6 {
        let id = format!("x{n}");
        app.add_client(&admin, "test", &id).await;
        app.add_all(&admin, "test", "testclient1", &id, "frontera", &id).await;
        admin.done("POST /hosts", json!({ "tenant": "test", "host": "frontera", "addr": id })).await;
        app.add_tenant(&id).await;
    }
    for _ in 0..7 {
        app.client().make_key(json!({})).await;
    }
    (app, admin, device)
}

fn ids(page: &Value, rows: &str) -> Vec<i64> {
    page[rows].as_array().expect("rows").iter().map(|row| row["id"].as_i64().expect("a number")).collect()
}

/// W20: lists were not limited.
#[tokio::test]
async fn paged_list_has_each_row_once() {
    let (_app, admin, device) = with_long_lists().await;
    for (path, rows) in LISTS {
        let caller = if path.starts_with("/me") { &device } else { &admin };
        let whole = caller.get(path).await.body;
        let expected = ids(&whole, rows);
        assert!(expected.len() >= 7 && expected.is_sorted() && whole["next_cursor"].is_null(), "{path}: {whole}");
        for limit in [1, 2, 3, 7, 8, 10_000] {
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = caller.get(&format!("{path}?limit={limit}{cursor}")).await.body;
                let found = ids(&page, rows);
                let count = page.as_object().expect("an object").iter().find(|(name, _)| name.starts_with("num_")).expect("a count").1;
                assert_eq!(*count, found.len(), "{path}");
                assert!(found.len() <= limit && (found.len() == limit || page["next_cursor"].is_null()), "{path}: {page}");
                seen.extend(found);
                let Some(next) = page["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            assert_eq!(seen, expected, "{path} by {limit}");
        }
    }
}

#[tokio::test]
async fn rows_deleted_while_paging_skip_no_others() {
    let (app, admin, _) = with_long_lists().await;
    let first = admin.get("/userhosts/list?limit=3").await.body;
    for row in first["users"].as_array().expect("rows") {
        let link = json!({ "tenant": "test", "tms_user_id": row["tms_user_id"], "host": row["host"], "host_account": row["host_account"] });
        admin.done("DELETE /userhosts/del", link).await;
    }
    let second = admin.get(&format!("/userhosts/list?cursor={}", first["next_cursor"].as_str().expect("a cursor"))).await.body;
    assert_eq!(ids(&second, "users").len(), 4);
    app.admin("test").await.get("/userhosts/list?cursor=9223372036854775807").await;
}

#[tokio::test]
async fn invalid_limit_or_cursor_is_refused() {
    let app = TestApp::start().await;
    let (admin, device) = (app.admin("test").await, app.device_with(EVERYTHING).await);
    for (path, _) in LISTS {
        let caller = if path.starts_with("/me") { &device } else { &admin };
        for query in [
            "limit=0",
            "limit=-1",
            "limit=10001",
            "limit=x",
            "limit=",
            "limit=1.5",
            "limit=99999999999999999999",
            "limit=1&limit=2",
            "cursor=-1",
            "cursor=x",
            "cursor=",
            "cursor=99999999999999999999",
            "cursor=1%20OR%201=1",
            "cursor=%FF",
        ] {
            assert_eq!(caller.refusal(&format!("GET {path}?{query}"), Value::Null).await, 400, "{path}?{query}");
        }
        assert_eq!(caller.get(&format!("{path}?unknown=1")).await.status, 200, "{path}");
        assert_eq!(caller.get(&format!("{path}?cursor=9223372036854775807")).await.status, 200, "{path}");
    }
}
