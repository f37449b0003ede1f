//! The spine: the daemon's rest, its start, its way from a request to a running agent, its intake and its journal.

mod intake;
mod mirror;
mod rest;
mod run;

use crate::Measure;

pub fn measures() -> Vec<Measure> {
    vec![
        Measure { name: "idle memory of the daemon", take: rest::idle },
        Measure { name: "start to answering", take: rest::start },
        Measure { name: "request accepted to agent process started", take: run::accepted_to_started },
        Measure { name: "10,000 requests accepted", take: intake::ten_thousand },
        Measure { name: "mirror read of 20,000 entries", take: mirror::twenty_thousand },
    ]
}

pub fn ms(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
