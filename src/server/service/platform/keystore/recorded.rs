//! What the database has about the keys: a fingerprint of each, by file name.

/// File names and fingerprints, as the database has them.
pub type Fingerprints = [(String, String)];

/// Suffix of the file, and of its record, with the key that a rotation will activate.
pub const NEXT: &str = ".next";
/// Suffix for the key that a rotation has replaced, and that something still depends on.
pub const PREVIOUS: &str = ".previous";
/// Suffix of the record of the previous key that ended last, whose file can be deleted.
pub const ENDED: &str = ".ended";
/// Suffix of the record, without a file, of the first key, whose hashes have no mark.
pub const FIRST: &str = ".first";

/// The record of one key: the fingerprints of the key in use, and of those of a rotation.
pub struct Recorded<'a> {
    pub active: Option<&'a str>,
    pub next: Option<&'a str>,
    pub previous: Option<&'a str>,
    pub ended: Option<&'a str>,
    /// `None`: there was no rotation, and the key in use is the first one.
    pub first: Option<&'a str>,
}

impl<'a> Recorded<'a> {
    pub fn of(name: &str, all: &'a Fingerprints) -> Self {
        let find = |suffix: &str| all.iter().find(|(of, _)| of.strip_prefix(name) == Some(suffix)).map(|(_, fingerprint)| fingerprint.as_str());
        let (active, first) = (find(""), find(FIRST));
        Self { active, next: find(NEXT), previous: find(PREVIOUS), ended: find(ENDED), first: first.or(active) }
    }

    /// Whether a key has been in use, so that no rotation may use it again: hashes under it would be valid again, or its file has two purposes.
    pub fn was_used(&self, fingerprint: &str) -> bool {
        [self.active, self.previous, self.ended, self.first].contains(&Some(fingerprint))
    }

    /// The next key, if a rotation can activate it.
    pub fn usable_next(&self) -> Option<&'a str> {
        self.next.filter(|next| !self.was_used(next))
    }

    /// The keys that every portal must have, with the suffixes of their files.
    pub fn needed(&self) -> impl Iterator<Item = (&'static str, &'a str)> {
        let all = [("", self.active), (PREVIOUS, self.previous), (NEXT, self.next)];
        all.into_iter().filter_map(|(suffix, fingerprint)| Some((suffix, fingerprint?)))
    }
}

/// A key that can be rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotatedKey {
    /// `codes.key`, which hashes secrets.
    Codes,
    /// `secrets.key`, which encrypts secrets.
    Secrets,
}

impl RotatedKey {
    pub const ALL: [Self; 2] = [Self::Codes, Self::Secrets];

    pub fn file_name(self) -> &'static str {
        match self {
            Self::Codes => super::KEY_FILES[0],
            Self::Secrets => super::KEY_FILES[1],
        }
    }

    /// Parses the name of its file.
    pub fn parse(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|key| key.file_name() == name);
        found.ok_or_else(|| format!("{} or {}", Self::Codes.file_name(), Self::Secrets.file_name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_of_one_key_each() {
        let all = [("codes.key", "a"), ("codes.key.next", "b"), ("codes.key.other", "x"), ("secrets.key", "c"), ("secrets.key.first", "d")];
        let all = all.map(|(name, fingerprint)| (name.to_owned(), fingerprint.to_owned()));
        let (codes, secrets) = (Recorded::of("codes.key", &all), Recorded::of("secrets.key", &all));
        assert_eq!((codes.active, codes.next, codes.previous, codes.first), (Some("a"), Some("b"), None, Some("a")));
        assert_eq!((secrets.active, secrets.next, secrets.first), (Some("c"), None, Some("d")));
        assert_eq!(codes.needed().collect::<Vec<_>>(), [("", "a"), (".next", "b")]);
        assert!(codes.was_used("a") && !codes.was_used("b") && secrets.was_used("d"));
        let broken = all.clone().map(|(name, _)| (name, "a".to_owned()));
        assert_eq!((codes.usable_next(), Recorded::of("codes.key", &broken).usable_next()), (Some("b"), None));
        assert!(RotatedKey::parse("signing-key.pem").is_err() && RotatedKey::parse("codes.key") == Ok(RotatedKey::Codes));
    }
}
