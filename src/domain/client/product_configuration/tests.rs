use super::*;
use crate::domain::client::registration::GrantTypes;
use crate::domain::ids::{ClientId, TenantId};
use crate::domain::time::Timestamp;

const ISSUER: &str = "https://tms.example.edu/t/tacc";

fn client(scope: &str) -> Client {
    let (tenant, id) = (TenantId::parse("tacc").expect("a tenant id"), ClientId::parse("hub").expect("a client id"));
    Client {
        grant_types: GrantTypes { authorization_code: true, refresh_token: true, client_credentials: false },
        scope: ScopeSet::parse_known(scope),
        ..Client::new(tenant, id, "Hub", "1.0", Timestamp::from_millis(0))
    }
}

fn uris(redirect: &[&str]) -> ClientUris {
    ClientUris { redirect: redirect.iter().map(|uri| RedirectUri::parse(uri).expect("a redirect URI")).collect(), ..ClientUris::default() }
}

fn of(product: Product, client: &Client, uris: &ClientUris) -> ProductConfiguration {
    configurations(client, uris, ISSUER).into_iter().find(|found| found.product == product).expect("a configuration")
}

#[test]
fn configuration_has_the_values_of_the_client() {
    let client = client("openid profile keys:create offline_access");
    let found = of(Product::JupyterHub, &client, &uris(&["https://hub.example.edu/cb", "https://hub.example.edu/hub/oauth_callback"]));
    for line in [
        "c.GenericOAuthenticator.client_id = \"hub\"",
        "c.GenericOAuthenticator.client_secret = \"CLIENT_SECRET\"",
        "c.GenericOAuthenticator.oauth_callback_url = \"https://hub.example.edu/hub/oauth_callback\"",
        "c.GenericOAuthenticator.authorize_url = \"https://tms.example.edu/t/tacc/oauth/authorize\"",
        "c.GenericOAuthenticator.scope = [\"openid\", \"profile\", \"offline_access\", \"keys:create\"]",
        "c.GenericOAuthenticator.enable_auth_state = True",
    ] {
        assert!(found.text.lines().any(|found| found == line), "{line}: {}", found.text);
    }
    assert_eq!((found.unregistered, found.missing.to_string()), (None, String::new()));
}

#[test]
fn products_ask_for_what_they_can_use() {
    let client = client("openid profile email keys:create offline_access");
    let has = |product, line: &str| of(product, &client, &uris(&[])).text.lines().any(|found| found.trim() == line);
    assert!(has(Product::Grafana, "scopes = openid profile email offline_access"));
    assert!(has(Product::Grafana, "use_refresh_token = true"));
    assert!(has(Product::OAuth2Proxy, "scope = \"openid profile email\""));
    assert!(has(Product::GitLab, "scope: [\"openid\", \"profile\", \"email\"],"));
    assert!(has(Product::Apache, "OIDCScope \"openid profile email offline_access keys:create\""));
    let without_refresh = Client { grant_types: GrantTypes::default(), ..client.clone() };
    let grafana = of(Product::Grafana, &without_refresh, &uris(&[]));
    assert!(grafana.text.contains("scopes = openid profile email\n"), "it gets no refresh token: {}", grafana.text);
    assert!(!grafana.text.contains("use_refresh_token"));
}

#[test]
fn what_a_product_lacks_is_named() {
    let found = of(Product::Grafana, &client("openid"), &uris(&["https://hub.example.edu/hub/oauth_callback"]));
    assert_eq!(found.missing.to_string(), "profile email");
    assert_eq!(found.unregistered.as_deref(), Some("https://HOST/login/generic_oauth"));
    let grafana = of(Product::Grafana, &client("openid"), &uris(&["https://grafana.example.edu/x/login/generic_oauth"]));
    assert!(grafana.text.contains("root_url = https://grafana.example.edu/x/\n"), "{}", grafana.text);
}

#[test]
fn products_that_need_a_secret_are_for_clients_that_have_one() {
    let public = Client { auth_method: ClientAuthMethod::None, ..client("openid") };
    let found = configurations(&public, &uris(&["http://127.0.0.1/cb"]), ISSUER);
    assert_eq!(found.iter().map(|found| found.product).collect::<Vec<_>>(), [Product::Other]);
    let text = &found.first().expect("one").text;
    assert!(text.contains("redirect_uri: http://127.0.0.1/cb") && text.contains("token_endpoint_auth_method: none"), "{text}");
    assert!(!text.contains(SECRET_PLACEHOLDER), "{text}");
}
