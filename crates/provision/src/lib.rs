//! Setting a server up, on that server. What must be there is told as wishes for single things ([`want`]); a step is a
//! list of them. From this follow the plan (what is not yet as it should be), the work (make it so, with a receipt
//! before and after), the check (look again), a run after a cut (look again, too) and the removal (walk the receipts
//! backwards).
//!
//! - `journal`: the record of every run, on the disk before an effect and after it.
//! - `hands`: everything that reaches out of the folder that is set up: programs, owners, the network, the clock.
//! - `house`: what only the daemon's own crate knows: agents, Node, projects.
//! - `steps`: which things a server needs, and what stands in the way.
//! - `run`, `remove`, `upgrade`: what is done with them.
//!
//! Nothing here is asynchronous: one run goes from one thing to the next. Nothing is ever wiped to try again.

mod change;
mod facts;
mod hands;
mod health;
mod house;
mod journal;
mod lock;
mod packages;
mod place;
mod plan;
mod remove;
mod run;
mod saved;
mod steps;
mod stop;
mod undo;
mod upgrade;
mod want;

#[cfg(test)]
mod tests;

pub use facts::proxies;
pub use hands::{Call, Hands, Real, Said, Space};
pub use health::health;
pub use house::House;
pub use journal::{Follow, Hook, Journal, JournalError, Moment, read};
pub use lock::{Lock, Owner};
pub use place::{Root, paths};
pub use plan::{Planned, plan, seen};
pub use remove::{Left, Removal, Removing, export, removal};
pub use run::{Begun, Order, Outcome, Setup, begin_run, go_on, may_begin, unfinished};
pub use saved::read_wish;
pub use stop::Stop;
pub use upgrade::Fresh;
