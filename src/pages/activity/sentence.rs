//! The sentence about an event, with its names as elements and links of their own.

use leptos::prelude::*;

use super::Reader;
use crate::domain::paths::{self, encode};
use crate::i18n::{EventNames, to_count};
use crate::server::context::translations;
use crate::server_fns::audit_log::AuditEntryItem;

/// A name in a sentence. Each stands as a character of the private use area in the translated text, until it is replaced by its element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    App,
    Host,
    Account,
    Person,
    Subject,
}

impl Name {
    const ALL: [(Name, &'static str); 5] =
        [(Name::App, "\u{e000}"), (Name::Host, "\u{e001}"), (Name::Account, "\u{e002}"), (Name::Person, "\u{e003}"), (Name::Subject, "\u{e004}")];

    fn parse(placeholder: char) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| known.starts_with(placeholder)).map(|(name, _)| *name)
    }

    fn placeholder(self) -> &'static str {
        Self::ALL.iter().find(|(name, _)| *name == self).map_or("", |(_, placeholder)| placeholder)
    }
}

/// One or several equal events as a sentence.
pub struct EventSentence {
    /// What the sentence names.
    entry: AuditEntryItem,
    reader: Reader,
    /// The text, with the marks of names.
    marked: String,
    /// The text with the names in it.
    pub plain: String,
}

impl EventSentence {
    /// `None` for no events.
    pub fn new(events: &[AuditEntryItem], reader: Reader) -> Option<Self> {
        let entry = shared(events)?;
        let count = to_count(events.len());
        let app = entry.app().map(str::to_owned);
        let placeholder = |known: bool, name: Name| known.then(|| name.placeholder());
        let marks = EventNames {
            app: placeholder(app.is_some(), Name::App),
            host: placeholder(entry.host.is_some(), Name::Host),
            account: placeholder(entry.account.is_some(), Name::Account),
            person: placeholder(entry.person.is_some(), Name::Person),
            subject: placeholder(entry.subject.is_some(), Name::Subject),
        };
        let names = EventNames {
            app: app.as_deref(),
            host: entry.host.as_deref(),
            account: entry.account.as_deref(),
            person: entry.person.as_deref(),
            subject: entry.subject.as_deref(),
        };
        let t = translations();
        let own = matches!(reader, Reader::Person { .. });
        let told = |names| match t.audit_sentence_for_person(&entry.kind, names).filter(|_| own) {
            Some(sentence) if count > 1 => t.event_times(sentence, count),
            Some(sentence) => sentence,
            None if count > 1 => t.audit_sentence_of_many(&entry.kind, names, count),
            None => t.audit_sentence(&entry.kind, names),
        };
        let (marked, plain) = (told(marks), told(names));
        Some(Self { entry, reader, marked, plain })
    }

    fn names(&self, name: Name) -> bool {
        self.marked.contains(name.placeholder())
    }

    /// The client, if the sentence does not name it.
    pub fn other_app(&self) -> Option<&str> {
        self.entry.app().filter(|_| !self.names(Name::App))
    }

    /// The subject, as far as the sentence does not tell it.
    pub fn details(&self) -> Option<String> {
        let subject = self.entry.subject.as_deref().filter(|_| !self.names(Name::Subject))?;
        let told = match (&self.entry.host, &self.entry.account) {
            (Some(host), Some(account)) if self.names(Name::Host) => format!("{account}@{host}"),
            (Some(host), None) if self.names(Name::Host) => host.clone(),
            _ => return Some(subject.to_owned()),
        };
        let rest = subject.strip_prefix(&told).unwrap_or(subject).trim();
        // The evidence for a link: `jdoe@frontera (jdoe@example.org)`.
        let rest = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(rest);
        Some(rest.to_owned()).filter(|rest| !rest.is_empty())
    }

    pub fn view(&self) -> AnyView {
        let mut parts: Vec<AnyView> = Vec::new();
        let mut text = String::new();
        for c in self.marked.chars() {
            match Name::parse(c) {
                Some(name) => {
                    parts.push(std::mem::take(&mut text).into_any());
                    parts.push(self.name_view(name));
                }
                None => text.push(c),
            }
        }
        parts.push(text.into_any());
        parts.collect_view().into_any()
    }

    fn name_view(&self, name: Name) -> AnyView {
        let entry = &self.entry;
        let (text, link) = match name {
            Name::App => (entry.app().map(str::to_owned), app_url(entry, self.reader)),
            Name::Host => (entry.host.clone(), host_url(entry, self.reader)),
            Name::Account => (entry.account.clone(), None),
            Name::Person => (entry.person.clone(), person_url(entry, self.reader)),
            Name::Subject => (entry.subject.clone(), None),
        };
        // Names of hosts and accounts are typed as they are.
        let text = view! { <bdi translate=matches!(name, Name::Host | Name::Account).then_some("no")>{text}</bdi> };
        match link {
            Some(address) => view! { <a href=address>{text}</a> }.into_any(),
            None => text.into_any(),
        }
    }
}

/// What several equal events have in common; of a single one, all.
fn shared(events: &[AuditEntryItem]) -> Option<AuditEntryItem> {
    let (first, rest) = events.split_first()?;
    let mut entry = first.clone();
    for other in rest {
        if (&other.host, &other.account) != (&entry.host, &entry.account) {
            (entry.host, entry.account) = (None, None);
        }
        if other.subject != entry.subject {
            entry.subject = None;
        }
    }
    Some(entry)
}

/// The client where its access or settings are shown, if it still exists.
fn app_url(entry: &AuditEntryItem, reader: Reader) -> Option<String> {
    let id = entry.client.as_deref()?;
    match reader {
        Reader::Person { .. } => entry.objects.delegated.then(|| paths::apps_application(id)),
        Reader::Administrator => entry.objects.client_name.is_some().then(|| format!("{}?client={}", paths::ADMIN_CLIENT, encode(id))),
    }
}

fn host_url(entry: &AuditEntryItem, reader: Reader) -> Option<String> {
    let host = encode(entry.host.as_deref()?);
    match reader {
        Reader::Person { .. } => entry.objects.host_account.is_some().then(|| format!("{}?q={host}", paths::HOSTS)),
        Reader::Administrator => entry.objects.host.then(|| format!("{}?host={host}", paths::ADMIN_HOST)),
    }
}

/// The page of the person; only for administrators.
pub fn person_url(entry: &AuditEntryItem, reader: Reader) -> Option<String> {
    let person = entry.person.as_deref().filter(|_| reader == Reader::Administrator && entry.objects.person_name.is_some())?;
    Some(format!("{}?user={}", paths::ADMIN_PERSON, encode(person)))
}

/// The list of keys with this key, if it still exists.
pub fn key_url(entry: &AuditEntryItem, reader: Reader) -> Option<String> {
    entry.objects.key?;
    let list = if reader == Reader::Administrator { paths::ADMIN_KEYS } else { paths::KEYS };
    Some(format!("{list}?q={}", encode(entry.subject.as_deref()?)))
}
