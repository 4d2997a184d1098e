//! The rows of a unit's files, as Arrow columns: `files`, `instances`, `findings`, and the tables of row takers.

mod batch;
mod column;
mod fault;
mod files;
mod findings;
mod instances;
mod keys;
mod rows;
mod taken;

pub use fault::Fault;
pub use keys::entity_key;
pub use rows::{BATCH_BYTES, Batches, FileFacts, UnitRows};
