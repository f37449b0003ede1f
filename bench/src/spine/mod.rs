//! The spine: the daemon's rest, its start, its way from a request to a running agent, its intake and its journal.

mod intake;
mod mirror;
mod rest;
mod run;

use crate::Measure;
pub use mirror::{ENTRIES, fill};

pub fn measures() -> Vec<Measure> {
    vec![
        Measure::new("idle memory of the daemon", rest::idle),
        Measure::new("start to answering", rest::start),
        Measure::new("request accepted to agent process started", run::accepted_to_started),
        Measure::new("10,000 requests accepted", intake::ten_thousand),
        Measure::new("mirror read of 20,000 entries", mirror::twenty_thousand),
    ]
}

pub fn ms(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
