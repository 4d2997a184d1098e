//! Hostile bytes for the native engine: what every input is held to, and where inputs come from.
//!
//! ```text
//! bin/*, fuzz_targets                                what is run
//! checks                                           what every input is held to
//! scanning                                         an input through the path of a real file
//! columns                                          what is asked for of it
//! mutation, families, writing, random              inputs
//! allocation                                       bytes allocated
//! ```
pub mod allocation;
pub mod checks;
pub mod columns;
pub mod families;
pub mod mutation;
pub mod random;
pub mod scanning;
pub mod writing;
