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
    /// One of the same kind that has heard nothing yet.
    #[must_use]
    pub fn new_of_its_kind(&self) -> Self {
        match self {
            Self::Json(_) => Self::Json(JsonRecorder::default()),
            Self::Tree(_) => Self::Tree(TreeRecorder::default()),
        }
    }

    /// The listener of the walk.
    pub fn record(&mut self) -> &mut dyn Record {
        match self {
            Self::Json(json) => json,
            Self::Tree(tree) => tree,
        }
    }
}
