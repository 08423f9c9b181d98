//! Settings of resource servers as people write them: on the command line and in forms.

use thiserror::Error;

use super::{RegisteredScope, RequestingClients, ResourceScope, ScopeDescription};
use crate::domain::ids::ClientId;

/// The word for all clients of a tenant.
pub const ALL_CLIENTS: &str = "*";

/// A text that is not as it has to be.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SettingTextRefused {
    #[error("{0}: write SCOPE=ENGLISH|SPANISH, such as 'read=Read your files|Leer sus archivos'")]
    Form(String),
    /// Why the word cannot be a scope, or the text not a description.
    #[error("{text}: {why}")]
    Scope { text: String, why: String },
    #[error("{0}: it is no client ID")]
    Client(String),
}

impl RegisteredScope {
    /// A scope with what it permits: `read=Read your files|Leer sus archivos`.
    pub fn parse(text: &str) -> Result<Self, SettingTextRefused> {
        let form = || SettingTextRefused::Form(text.to_owned());
        let (scope, descriptions) = text.split_once('=').ok_or_else(form)?;
        let (en, es) = descriptions.split_once('|').ok_or_else(form)?;
        let refused = |why: String| SettingTextRefused::Scope { text: text.to_owned(), why };
        let scope = ResourceScope::parse(scope.trim()).map_err(|why| refused(why.to_string()))?;
        let description = ScopeDescription::new(en, es).map_err(|why| refused(format!("a description {why}")))?;
        Ok(Self { scope, description })
    }

    /// Several, one a line; sorted.
    pub fn parse_lines(text: &str) -> Result<Vec<Self>, SettingTextRefused> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut scopes = lines.map(Self::parse).collect::<Result<Vec<_>, _>>()?;
        sort(&mut scopes);
        Ok(scopes)
    }

    /// The text that [`Self::parse`] reads.
    pub fn text(&self) -> String {
        let ScopeDescription { en, es } = &self.description;
        format!("{}={en}|{es}", self.scope)
    }
}

/// The order in which scopes are stored.
pub fn sort(scopes: &mut [RegisteredScope]) {
    scopes.sort_by(|one, other| one.scope.cmp(&other.scope));
}

impl RequestingClients {
    /// Client ids, or [`ALL_CLIENTS`].
    pub fn parse(text: &str) -> Result<Self, SettingTextRefused> {
        if text.trim() == ALL_CLIENTS { Ok(Self::All) } else { parse_clients(text).map(Self::Only) }
    }

    /// The text that [`Self::parse`] reads.
    pub fn text(&self) -> String {
        match self {
            Self::All => ALL_CLIENTS.to_owned(),
            Self::Only(clients) => clients_text(clients),
        }
    }
}

/// Client ids, separated by white space. Sorted, each once.
pub fn parse_clients(text: &str) -> Result<Vec<ClientId>, SettingTextRefused> {
    let parse = |id: &str| ClientId::parse(id).map_err(|_| SettingTextRefused::Client(id.to_owned()));
    let mut clients = text.split_whitespace().map(parse).collect::<Result<Vec<_>, _>>()?;
    clients.sort();
    clients.dedup();
    Ok(clients)
}

/// The text that [`parse_clients`] reads.
pub fn clients_text(clients: &[ClientId]) -> String {
    clients.iter().map(ClientId::as_str).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_has_a_text_in_each_language() {
        let parsed = RegisteredScope::parse("files:read = Read your files | Leer sus archivos").expect("a scope");
        assert_eq!(parsed.text(), "files:read=Read your files|Leer sus archivos");
        let lines = RegisteredScope::parse_lines("\nwrite=Write|Escribir\r\n read=Read|Leer\n").expect("scopes");
        assert_eq!(lines.iter().map(RegisteredScope::text).collect::<Vec<_>>(), ["read=Read|Leer", "write=Write|Escribir"]);
        for bad in ["read", "read=Read", "read=|Leer", "read=Read|", "openid=Read|Leer", "a b=Read|Leer", "=Read|Leer"] {
            assert!(RegisteredScope::parse(bad).is_err_and(|why| why.to_string().starts_with(bad)), "{bad}");
        }
    }

    #[test]
    fn clients_are_a_list_or_all() {
        for (text, read) in [("b a  b", "a b"), (" * ", "*"), ("", "")] {
            assert_eq!(RequestingClients::parse(text).map(|clients| clients.text()), Ok(read.to_owned()));
        }
        assert_eq!(RequestingClients::parse("a *"), Err(SettingTextRefused::Client("*".into())));
    }
}
