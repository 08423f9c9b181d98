//! Texts about linking host accounts.

use super::Language;
use crate::domain::sentence::Sentence;
use crate::domain::time::{Timestamp, Zone};

impl Language {
    /// What a confirmation does if the account is linked to this person already.
    pub fn existing_link(&self, until: Timestamp, zone: &Zone) -> Sentence {
        if until < Timestamp::FOREVER { self.naming(until, zone, |until| self.link_yours(until)) } else { self.link_yours_for_ever().into() }
    }
}
