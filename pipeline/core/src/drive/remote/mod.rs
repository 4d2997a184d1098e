//! Object stores: headers by ranged requests, many at a time, on one thread.
//!
//! The same decoder as for local files says which bytes it needs. Files are asked for in the order of the [`Schedule`](super::Schedule) and
//! decoded as their answers come, so that one whose first request brought too little holds up nobody.

mod counted;
mod fetch;
mod health;
mod in_flight;
mod store;
mod unit;

pub use health::{NoAccess, NoAccessKind};
pub use store::{ObjectStoreConfig, StoreKind};
pub use unit::{RemoteFile, RemoteUnit, Taker, UnitEnd};
