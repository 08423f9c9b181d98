//! Access to resource servers besides the TMS API, as people read it.

use serde::{Deserialize, Serialize};

/// Access to a resource server that a program asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceItem {
    /// Its registered name.
    pub name: Option<String>,
    pub indicator: String,
    /// What each scope permits, in the language of the page; the scope itself if it is not registered any more.
    pub may: Vec<String>,
}

#[cfg(feature = "ssr")]
mod items {
    use super::ResourceItem;
    use crate::domain::resource_server::{GrantedResource, ResourceServer};
    use crate::server::context::translations;

    impl ResourceItem {
        /// `servers`: those of `granted` that are registered now.
        pub(in super::super) fn all(granted: &[GrantedResource], servers: &[ResourceServer]) -> Vec<Self> {
            granted.iter().map(|granted| Self::of(granted, servers.iter().find(|server| server.indicator == granted.indicator))).collect()
        }

        fn of(granted: &GrantedResource, server: Option<&ResourceServer>) -> Self {
            let language = translations().tag();
            let described =
                |scope| server.and_then(|server| server.description(scope)).map(|description| description.in_language(language).to_owned());
            Self {
                name: server.map(|server| server.name.clone()),
                indicator: granted.indicator.to_string(),
                may: granted.scope.iter().map(|scope| described(scope).unwrap_or_else(|| scope.to_string())).collect(),
            }
        }
    }
}
