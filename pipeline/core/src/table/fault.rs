//! A fault of our own, which no file can cause: it ends the scan, since rows would be lost.

use std::fmt;

/// Why the rows of a unit can't be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(String);

impl Fault {
    /// A fault, in words for a developer.
    #[must_use]
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the native engine has a bug: {}", self.0)
    }
}

impl std::error::Error for Fault {}
