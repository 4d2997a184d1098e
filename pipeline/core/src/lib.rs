//! The native engine of dicomlake: DICOM headers into Arrow rows, at about the cost of opening the files.
//!
//! The decoder reads nothing: it is given bytes and answers rows, or says which bytes it needs; [`drive`] fetches them. What a header
//! says is hostile until parsed: no panic, no recursion on input, no allocation from a length that a file only claims.
//!
//! ```text
//! python                           the only pyo3 file
//! scan                             a unit of files
//! table · drive                    Arrow columns · bytes of local files, or of whatever answers ranges
//! header                           one file's header
//! recorder · json, tree · recorded     the whole header, for those who ask
//! walk                             one data set: one pass that feeds all who take part
//! taker                            rows of further tables, made in the same pass
//! value · text                     typed values · character sets
//! gathered, found · wanted, wish   what is kept, what is wrong · what is asked for
//! element · label                  one element · its name
//! dictionary, vr, window, digest   what PS3.5 and PS3.6 say · the bytes held
//! error                            codes
//! ```
#![forbid(unsafe_code)]

pub mod dictionary;
pub mod digest;
pub mod drive;
pub mod element;
pub mod error;
pub mod folder;
pub mod found;
pub mod gathered;
pub mod header;
pub mod json;
pub mod label;
#[cfg(feature = "python")]
mod python;
pub mod recorded;
pub mod recorder;
pub mod scan;
pub mod table;
pub mod taker;
pub mod text;
pub mod tree;
pub mod value;
pub mod vr;
pub mod walk;
pub mod wanted;
pub mod window;
pub mod wish;
