//! The products of a whole header that are made while the walk passes it.

use crate::json::JsonRecorder;
use crate::tree::TreeRecorder;
use crate::walk::Record;

/// Takes the whole header.
#[derive(Debug)]
pub enum Recorder {
    /// As DICOM JSON.
    Json(JsonRecorder),
    /// As a tree to look at.
    Tree(TreeRecorder),
}

impl Recorder {
    /// The listener of the walk.
    pub fn record(&mut self) -> &mut dyn Record {
        match self {
            Self::Json(json) => json,
            Self::Tree(tree) => tree,
        }
    }
}
