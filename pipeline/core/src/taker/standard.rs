//! The tables of a lake whose rows row takers make, by name.

use std::sync::Arc;

use super::TakerKind;

/// The declarations of some tables, in the order in which they are named; names of other tables are passed over.
#[must_use]
pub fn standard_takers(tables: &[String]) -> Vec<Arc<dyn TakerKind>> {
    tables.iter().filter_map(|name| standard_taker(name)).collect()
}

fn standard_taker(_table: &str) -> Option<Arc<dyn TakerKind>> {
    None
}
