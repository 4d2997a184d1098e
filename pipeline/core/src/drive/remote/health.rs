//! Whether a store can be read from at all: one object that can't is a row, a store that gives none ends the run.

use std::borrow::Cow;

use super::fetch::{Failure, Fetched};

/// A store that refused so many files and let none be read lets none be read.
const REFUSED_LIMIT: u64 = 256;

/// Likewise one that refused all files of a unit, where they are more than a few: a few may have owners of their own.
const REFUSED_UNIT_LIMIT: u64 = 8;

/// A store that answered for none of so many files, or not for so many one after the other, does not answer.
const FIRST_UNANSWERED_LIMIT: u64 = 8;
const UNANSWERED_LIMIT: u64 = 64;

/// Why reading from a store makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAccessKind {
    /// Its configuration can't be used.
    Configuration,
    /// It refuses whatever is asked for.
    Refused,
    /// It does not answer.
    Unanswered,
}

impl NoAccessKind {
    /// As Python has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
        }
    }
}

/// A store that can't be read from at all: the whole run has no use then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoAccess {
    /// The index of the store.
    pub store: usize,
    /// Why.
    pub kind: NoAccessKind,
    /// In the store's own word, or in ours; no url and no credential.
    pub reason: Cow<'static, str>,
}

/// How a store does.
#[derive(Clone, Debug, Default)]
pub(super) struct Health {
    answered: u64,
    refused: u64,
    /// Since it answered last.
    unanswered: u64,
    last: Cow<'static, str>,
}

impl Health {
    pub(super) fn note(&mut self, fetched: &Fetched) {
        match &fetched.answer {
            Err(Failure::Refused(word)) => {
                self.refused = self.refused.saturating_add(1);
                self.unanswered = 0;
                self.last = word.clone();
            }
            Err(Failure::Unanswered(word)) => {
                self.unanswered = self.unanswered.saturating_add(1);
                self.last = word.clone();
            }
            Err(Failure::TimedOut) => {
                self.unanswered = self.unanswered.saturating_add(1);
                self.last = "no answer in time".into();
            }
            Ok(_)
            | Err(Failure::Absent | Failure::Beyond | Failure::Changed | Failure::Unreadable(_) | Failure::NoRanges) => {
                self.answered = self.answered.saturating_add(1);
                self.unanswered = 0;
            }
        }
    }

    /// Whether nothing more is to be asked of it; `at_end` where all files were.
    pub(super) fn no_access(&self, at_end: bool) -> Option<(NoAccessKind, Cow<'static, str>)> {
        let refused_limit = if at_end { REFUSED_UNIT_LIMIT } else { REFUSED_LIMIT };
        let unanswered_limit = if self.answered == 0 { FIRST_UNANSWERED_LIMIT } else { UNANSWERED_LIMIT };
        let kind = if self.answered == 0 && self.refused >= refused_limit {
            NoAccessKind::Refused
        } else if self.unanswered >= unanswered_limit {
            NoAccessKind::Unanswered
        } else {
            return None;
        };
        Some((kind, self.last.clone()))
    }
}
