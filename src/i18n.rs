//! Translations: all texts that people read, in one folder per language (`i18n/en`, `i18n/es`, Project Fluent's format), as typed
//! functions. A key or an argument that one language lacks does not compile where it is used. See docs/decisions/0012-translations.md.

mod generated {
    #![expect(
        dead_code,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        clippy::derivable_impls,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        reason = "made by build.rs"
    )]
    include!(concat!(env!("OUT_DIR"), "/translations.rs"));
}
mod audit_log;
mod link_requests;
mod notifications;
mod refusals;
mod refused_lookups;
mod time_format;

pub use audit_log::EventNames;

use std::ops::Deref;
use std::path::Path;
use std::sync::LazyLock;

use fluent_typed::L10nError;
use fluent_typed::prelude::{LanguageIdentifier, negotiate_languages};
use generated::{L10n, L10nLanguage};
use thiserror::Error;

use crate::domain::text_file::without_bom;

/// The texts of one language.
pub type Translations = &'static Language;

/// A language with its texts.
pub struct Language {
    id: LanguageIdentifier,
    tag: String,
    sentences: L10nLanguage,
}

impl Language {
    fn new(tag: &str, sentences: L10nLanguage) -> Self {
        Self { id: tag.parse().unwrap_or(LanguageIdentifier::UNKNOWN), tag: tag.to_owned(), sentences }
    }

    /// The BCP 47 tag, for `lang`; also the name of the language's folder.
    pub fn tag(&self) -> &str {
        &self.tag
    }
}

impl Deref for Language {
    type Target = L10nLanguage;

    fn deref(&self) -> &L10nLanguage {
        &self.sentences
    }
}

static BUILT_IN: LazyLock<Vec<Language>> = LazyLock::new(|| L10n::iter().map(|tag| Language::new(tag, tag.load())).collect());

/// The fallback language.
pub fn fallback() -> Translations {
    let english: &str = &L10n::default();
    BUILT_IN.iter().find(|language| language.tag == english).unwrap_or_else(|| unreachable!("English is built in"))
}

/// The languages that can be chosen.
#[derive(Clone)]
pub struct Languages(Vec<Translations>);

/// A number as texts take it.
pub fn to_count(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// Why a translation from the data directory was refused. The messages are for the operator.
#[derive(Debug, Error)]
pub enum TranslationRefused {
    #[error("{file} cannot be read: {why}")]
    Unreadable { file: String, why: std::io::Error },
    #[error("{file}: {why}")]
    Invalid { file: String, why: L10nError },
}

impl Languages {
    /// The languages that are compiled in.
    pub fn built_in() -> Self {
        Self(BUILT_IN.iter().collect())
    }

    /// Adds the translations of a folder, one `TAG.ftl` each, so that a centre can add a language without a build. Each must have every
    /// text with the same arguments. A missing folder adds none.
    pub fn with_folder(mut self, folder: &Path) -> Result<Self, TranslationRefused> {
        let entries = match std::fs::read_dir(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(self),
            entries => entries.and_then(|entries| entries.collect::<Result<Vec<_>, _>>()),
        };
        let entries = entries.map_err(|why| TranslationRefused::Unreadable { file: folder.display().to_string(), why })?;
        let mut files: Vec<_> =
            entries.into_iter().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|ext| ext == "ftl")).collect();
        files.sort();
        for path in files {
            let (file, tag) = (path.display().to_string(), path.file_stem().unwrap_or_default().to_string_lossy().into_owned());
            let text = std::fs::read(&path).map(without_bom).map_err(|why| TranslationRefused::Unreadable { file: file.clone(), why })?;
            let sentences = L10nLanguage::new_external(&tag, &text).map_err(|why| TranslationRefused::Invalid { file, why })?;
            self.0.retain(|language| language.tag != tag);
            // Never freed: pages keep references to their language.
            self.0.push(Box::leak(Box::new(Language::new(&tag, sentences))));
        }
        Ok(self)
    }

    pub fn all(&self) -> &[Translations] {
        &self.0
    }

    /// The first of these languages that there is (`ui_locales`, BCP 47), with or without the region.
    pub fn find<'t>(&self, mut tags: impl Iterator<Item = &'t str>) -> Option<Translations> {
        let primary = |tag: &'t str| tag.split('-').next().unwrap_or_default();
        let is = |language: &Translations, tag: &str| language.tag.eq_ignore_ascii_case(tag);
        tags.find_map(|tag| {
            self.0.iter().find(|language| is(language, tag)).or_else(|| self.0.iter().find(|language| is(language, primary(tag)))).copied()
        })
    }

    /// The chosen language, or else the best match for `Accept-Language` (RFC 9110 §12.5.4).
    pub fn choose(&self, chosen: Option<&str>, accepted: Option<&str>) -> Translations {
        if let Some(language) = self.0.iter().find(|language| Some(language.tag.as_str()) == chosen) {
            return language;
        }
        let available: Vec<NegotiableLanguage> = self.0.iter().map(|language| NegotiableLanguage(language)).collect();
        accepted.map_or_else(NegotiableLanguage::default, |accepted| negotiate_languages(accepted, &available)).0
    }
}

/// Adapter for language negotiation.
#[derive(Clone, Copy)]
struct NegotiableLanguage(Translations);

impl Default for NegotiableLanguage {
    fn default() -> Self {
        Self(fallback())
    }
}

impl PartialEq for NegotiableLanguage {
    fn eq(&self, other: &Self) -> bool {
        self.0.tag == other.0.tag
    }
}

impl AsRef<LanguageIdentifier> for NegotiableLanguage {
    fn as_ref(&self) -> &LanguageIdentifier {
        &self.0.id
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn keys(language: &str) -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/i18n").join(language);
        let files = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path());
        let texts = files.map(|file| std::fs::read_to_string(file).expect("a text"));
        texts.flat_map(|text| text.lines().filter_map(|line| Some(line.split_once(" =")?.0.to_owned())).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn each_language_has_every_text() {
        let english = keys("en");
        assert!(english.len() > 5);
        for language in L10n::iter() {
            assert_eq!(keys(language).symmetric_difference(&english).collect::<Vec<_>>(), Vec::<&String>::new(), "{language}");
        }
    }

    #[test]
    fn access_is_named_by_device_and_application() {
        let [en, es] = ["en", "es"].map(|tag| Languages::built_in().choose(Some(tag), None));
        assert_eq!(en.apps_end_question("DEVICE", "CLIENT"), "Revoke the access of DEVICE (CLIENT)?");
        assert_eq!(es.apps_end_question("DEVICE", "CLIENT"), "¿Revocar el acceso de DEVICE (CLIENT)?");
        for text in [en, es].iter().flat_map(|language| [language.apps_end_this("CLIENT", "DEVICE"), language.apps_change_this("CLIENT", "DEVICE")]) {
            assert!(text.ends_with("CLIENT (DEVICE)"), "{text}");
        }
    }

    #[test]
    fn a_chosen_language_overrides_accept_language() {
        let languages = Languages::built_in();
        for (chosen, accepted, tag) in [
            (None, None, "en"),
            (None, Some("es-MX,es;q=0.9,en;q=0.8"), "es"),
            (None, Some("fr, en;q=0.5"), "en"),
            (None, Some("fr"), "en"),
            (None, Some("\u{0}garbage;;;q=x"), "en"),
            (Some("es"), Some("en"), "es"),
            (Some("xx"), Some("es"), "es"),
        ] {
            assert_eq!(languages.choose(chosen, accepted).tag(), tag, "{chosen:?} {accepted:?}");
        }
    }

    #[test]
    fn a_translation_that_lacks_a_text_is_refused_by_name() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(Languages::built_in().with_folder(&dir.path().join("nothing")).expect("none").all().len(), 2);
        std::fs::write(dir.path().join("pl.ftl"), "product = Zarządca zaufania\n").expect("written");
        let refused = Languages::built_in().with_folder(dir.path()).map(|_| ()).expect_err("refused").to_string();
        assert!(refused.contains("pl.ftl") && refused.contains("skip-to-content"), "{refused}");
        let no_folder = dir.path().join("pl.ftl");
        let refused = Languages::built_in().with_folder(&no_folder).map(|_| ()).expect_err("refused").to_string();
        assert!(refused.contains("pl.ftl cannot be read"), "a folder that cannot be read is not a missing one: {refused}");
    }
}
