//! The native engine of dicomlake: DICOM headers into Arrow rows, at about the cost of opening the files.
//!
//! The decoder reads nothing: it is given bytes and answers rows, or says which bytes it needs; [`drive`] fetches them. What a header
//! says is hostile until parsed: no panic, no recursion on input, no allocation from a length that a file only claims.
//!
//! ```text
//! python                       the only pyo3 file
//! scan                         a unit of files
//! drive                        bytes of local files, or of whatever answers ranges
//! table                        Arrow columns
//! header                       one file's header
//! recorder, json, tree         the whole header, for those who ask
//! walk                         one data set
//! gathered, found, wanted      what is kept, what is wrong, what is asked for
//! value, text                  typed values, character sets
//! element, label, vr, dictionary   one element; names
//! window, digest, error        bytes held; codes
//! ```
#![forbid(unsafe_code)]

pub mod dictionary;
pub mod digest;
pub mod drive;
pub mod element;
pub mod error;
pub mod found;
pub mod gathered;
pub mod header;
pub mod json;
pub mod label;
mod memo;
#[cfg(feature = "python")]
mod python;
pub mod recorder;
pub mod scan;
pub mod table;
pub mod text;
pub mod tree;
pub mod value;
pub mod vr;
pub mod walk;
pub mod wanted;
pub mod window;
