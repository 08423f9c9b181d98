//! `tms-portal resource`, beside a running portal.

use super::idp::operate;
use crate::app::TestApp;
use crate::oauth::resources::DATA;

#[tokio::test]
async fn resource_servers_are_added_changed_shown_and_removed() {
    let app = TestApp::start().await;
    let add = [
        "resource",
        "add",
        "--name",
        "Data service",
        "--scope",
        "write=Change your files|Modificar sus archivos",
        "--scope",
        "read=Read your files|Leer sus archivos",
        "--clients",
        "*",
        DATA,
    ];
    let added = operate(&app, &add, "").await;
    assert_eq!((added.code, added.out.as_str()), (Some(0), "Resource server https://data.example.org/api has been registered.\n"), "{}", added.err);
    assert!(operate(&app, &add, "").await.err.contains("a resource server with this address is registered already"));
    let set = operate(&app, &["resource", "set", "--readers", "testclient1", "--clients", "tms-cli testclient1", DATA], "").await;
    assert_eq!((set.code, set.out.as_str()), (Some(0), "Resource server https://data.example.org/api has been changed.\n"), "{}", set.err);
    let shown = "name     Data service\n\
                 scope    read=Read your files|Leer sus archivos\n\
                 scope    write=Change your files|Modificar sus archivos\n\
                 clients  testclient1 tms-cli\n\
                 readers  testclient1\n";
    assert_eq!(operate(&app, &["resource", "show", DATA], "").await.out, shown);
    assert_eq!(operate(&app, &["resource", "list"], "").await.out, "https://data.example.org/api  Data service: read write\n");
    for (wrong, why) in [
        (vec!["resource", "set", "--readers", "tms-cli", DATA], "client tms-cli is public"),
        (vec!["resource", "set", "--clients", "nobody", DATA], "client nobody does not exist"),
        (vec!["resource", "set", "--scope", "read=Read your files", DATA], "SCOPE=ENGLISH|SPANISH"),
        (vec!["resource", "set", "--scope", "keys:read=a|b", DATA], "it is a scope of the TMS API or of OpenID Connect"),
        (vec!["resource", "show", "https://data.example.org"], "it is not registered"),
        (vec!["resource", "show", "http://data.example.org"], "http:// is allowed for"),
    ] {
        let refused = operate(&app, &wrong, "").await;
        assert!(refused.code != Some(0) && refused.err.contains(why), "{wrong:?}: {}", refused.err);
    }
    assert_eq!(operate(&app, &["resource", "remove", DATA], "").await.out, "Resource server https://data.example.org/api has been removed.\n");
    assert_eq!(operate(&app, &["resource", "list"], "").await.out, "");
}
