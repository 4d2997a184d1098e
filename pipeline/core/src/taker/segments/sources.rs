//! The series that something was marked in.

use std::collections::BTreeSet;

use super::super::attribute::{Attribute, Values};
use super::super::outline::{Outline, Place};
use crate::value::typed::{Scalar, Typed};

const REFERENCED_SERIES_SEQUENCE: u32 = 0x0008_1115;
pub(super) const SERIES: Attribute = Attribute::text(0x0020_000E);

pub(super) const TOP: [u32; 1] = [REFERENCED_SERIES_SEQUENCE];
pub(super) const LEAVES: [u32; 1] = [SERIES.tag];

/// Series, each once.
#[derive(Debug, Default)]
pub(super) struct Sources(BTreeSet<String>);

impl Sources {
    /// Those of the items of ReferencedSeriesSequence at top level (PS3.3 C.12.1.4).
    pub(super) fn referenced(values: &mut Values<'_>) -> Self {
        let mut sources = Self::default();
        for item in values.outline.items(Outline::TOP, REFERENCED_SERIES_SEQUENCE) {
            sources.add(item, values);
        }
        sources
    }

    /// Adds the series that an item names.
    pub(super) fn add(&mut self, item: Place, values: &mut Values<'_>) {
        self.0.extend(values.text(item, SERIES));
    }

    /// Adds all of others.
    pub(super) fn add_all(&mut self, others: &Self) {
        self.0.extend(others.0.iter().cloned());
    }

    /// About how many bytes their cell takes.
    pub(super) fn weight(&self) -> usize {
        self.0
            .iter()
            .fold(0, |weight, series| weight.saturating_add(series.len()).saturating_add(size_of::<Scalar<'_>>()))
    }

    /// Their cell: sorted, and null where there is none.
    pub(super) fn cell(&self) -> Typed<'static> {
        if self.0.is_empty() {
            return Typed::NULL;
        }
        Typed::List(self.0.iter().map(|series| Scalar::Text(series.clone().into())).collect())
    }
}
