//! Options before the key in `authorized_keys`. They come from this host's settings only, never from the network.

use ssh_key::authorized_keys::ConfigOpts;
use thiserror::Error;

use super::key_line::KeyLine;

/// Options that sshd parses identically: no spaces, no backslashes, all quotes closed. May be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyOptions(String);

/// Why an `options` setting was refused.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("options is not a comma-separated list such as restrict,pty (no spaces, no backslashes, quotes in pairs)")]
pub struct OptionsRefused;

impl KeyOptions {
    pub fn parse(text: &str) -> Result<Self, OptionsRefused> {
        let options = ConfigOpts::new(text).map_err(|_| OptionsRefused)?;
        // The crate accepts these, but sshd would see the end of the options elsewhere.
        if text.contains('\\') || text.ends_with(',') || !options.iter().all(is_option) {
            return Err(OptionsRefused);
        }
        Ok(Self(options.to_string()))
    }

    /// The line for sshd: options, key and line break. `expiry` is the `expiry-time` option, so that sshd enforces it as well.
    pub fn line(&self, key: &KeyLine, expiry: Option<&str>) -> String {
        let options: Vec<&str> = [self.0.as_str(), expiry.unwrap_or_default()].into_iter().filter(|part| !part.is_empty()).collect();
        match options.as_slice() {
            [] => format!("{}\n", key.as_str()),
            options => format!("{} {}\n", options.join(","), key.as_str()),
        }
    }
}

/// `name` or `name="value"`.
fn is_option(option: &str) -> bool {
    let (name, value) = option.split_once('=').unwrap_or((option, "\"\""));
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') && value.is_some_and(|value| !value.contains('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    fn line(options: &str, expiry: Option<&str>) -> String {
        let key = KeyLine::verify(KEY, &"SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ".parse().unwrap(), "ssh-ed25519").unwrap();
        KeyOptions::parse(options).unwrap().line(&key, expiry)
    }

    #[test]
    fn options_precede_the_key() {
        let expiry = Some("expiry-time=\"20261121050000Z\"");
        assert_eq!(line("", None), format!("{KEY}\n"));
        assert_eq!(line("restrict,pty", None), format!("restrict,pty {KEY}\n"));
        assert_eq!(line("", expiry), format!("expiry-time=\"20261121050000Z\" {KEY}\n"));
        assert_eq!(line("restrict,pty", expiry), format!("restrict,pty,expiry-time=\"20261121050000Z\" {KEY}\n"));
    }

    #[test]
    fn ambiguous_options_are_refused() {
        for written in ["restrict", "from=\"10.0.0.0/8,!10.0.0.1\",pty", "environment=\"A=b\",no-pty", "command=\"/usr/local/bin/job\""] {
            assert!(KeyOptions::parse(written).is_ok(), "{written}");
        }
        for written in [
            "restrict, pty",
            "restrict\npty",
            "restrict,",
            ",restrict",
            "a,,b",
            "from=\"10.0.0.1",
            "from=\"a\\\"b\"",
            "from=\"a\"b\"",
            "from=a",
            "=\"a\"",
            "ssh-ed25519 AAAA",
            "zoë",
            "command=\"a b\"",
        ] {
            assert_eq!(KeyOptions::parse(written), Err(OptionsRefused), "{written}");
        }
    }
}
