//! Access to resource servers as a text, for the column `resources` of several tables, which is empty if there is none.

use crate::domain::resource_server::GrantedResource;

pub fn stored(granted: &[GrantedResource]) -> String {
    if granted.is_empty() { String::new() } else { serde_json::to_string(granted).unwrap_or_default() }
}

/// Reads what [`stored`] wrote.
pub fn read(text: &str) -> Result<Vec<GrantedResource>, serde_json::Error> {
    if text.is_empty() { Ok(Vec::new()) } else { serde_json::from_str(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::resource_server::{ResourceIndicator, ResourceScopeSet};

    fn granted(indicator: &str, scope: &str) -> GrantedResource {
        GrantedResource { indicator: ResourceIndicator::parse(indicator).expect("an indicator"), scope: ResourceScopeSet::parse(scope) }
    }

    #[test]
    fn grants_are_read_back() {
        let all = vec![granted("https://data.example.org/api", "read write"), granted("https://b.example", "x")];
        let text = r#"[{"resource":"https://data.example.org/api","scope":"read write"},{"resource":"https://b.example","scope":"x"}]"#;
        assert_eq!((stored(&all).as_str(), stored(&[]).as_str()), (text, ""));
        assert_eq!(read(text).expect("grants"), all);
        assert_eq!(read("").expect("no grants"), Vec::new());
        assert!(read("https://data.example.org").is_err());
    }
}
