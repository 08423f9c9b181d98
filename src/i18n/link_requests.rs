//! A host account that is linked, in words.

use super::Language;
use crate::domain::host_account::HostAccount;
use crate::domain::sentence::Sentence;
use crate::domain::time::{Timestamp, Zone};
use crate::server::service::host_accounts::link_decisions::LinkOutcome;

impl Language {
    /// What a yes means where the account is the person's already.
    pub fn existing_link(&self, until: Timestamp, zone: &Zone) -> Sentence {
        if until < Timestamp::FOREVER { self.naming(until, zone, |until| self.link_yours(until)) } else { self.link_yours_for_ever().into() }
    }

    /// What came of an offer: of one account what came of it, of several how many.
    pub fn linked_accounts(&self, linked: &[LinkOutcome], zone: &Zone) -> Sentence {
        match linked {
            [one] => self.link_decided(Some(one), zone),
            several => self.offer_linked_several(i64::try_from(several.len()).unwrap_or(i64::MAX)).into(),
        }
    }

    /// What came of the answer; `None`: it was no.
    pub fn link_decided(&self, linked: Option<&LinkOutcome>, zone: &Zone) -> Sentence {
        let Some(LinkOutcome { account: HostAccount { account, host, expires_at, .. }, renewed }) = linked else {
            return self.link_stopped().into();
        };
        match (*renewed, *expires_at < Timestamp::FOREVER) {
            (false, true) => self.naming(*expires_at, zone, |until| self.link_linked(account, host, until)),
            (false, false) => self.link_linked_for_ever(account, host).into(),
            (true, true) => self.naming(*expires_at, zone, |until| self.link_renewed(account, host, until)),
            (true, false) => self.link_renewed_for_ever(account, host).into(),
        }
    }
}
