//! The tables of a lake whose rows row takers make, by name.

use std::sync::Arc;

use super::TakerKind;
use super::content_items::ContentItemTable;
use super::references::ReferenceTable;
use super::segments::SegmentTable;

/// The declarations of some tables, in the order in which they are named; names of other tables are passed over.
#[must_use]
pub fn standard_takers(tables: &[String]) -> Vec<Arc<dyn TakerKind>> {
    tables.iter().filter_map(|name| standard_taker(name)).collect()
}

fn standard_taker(table: &str) -> Option<Arc<dyn TakerKind>> {
    let kinds: [Arc<dyn TakerKind>; 3] = [Arc::new(ReferenceTable), Arc::new(SegmentTable), Arc::new(ContentItemTable)];
    kinds.into_iter().find(|kind| kind.table() == table)
}
