//! What was read of a unit's files, as Arrow columns: `files`, `instances` and `findings` of the seam.

mod batch;
mod column;
mod files;
mod findings;
mod instances;
mod keys;
mod rows;

pub use keys::entity_key;
pub use rows::{BATCH_BYTES, Batches, FileFacts, UnitRows};
