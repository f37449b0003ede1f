//! `loopwright-bench NAME… [OPTIONS]`: measures what we promise, prints it beside the limit and the peer, and writes
//! `BENCH_OUT/NAME.json`. `./dev bench` builds everything optimised and runs it.
//!
//! Each figure is taken from the program as it ships, from outside, and is the median of several runs. A figure that does
//! not hold is shown like any other; the exit code is 0 only if every figure was measured and holds.

mod agents;
mod deploy;
mod home;
mod memory;
mod options;
mod process;
mod report;
mod row;
mod server;
mod socket;
mod spine;
mod stand_in;
mod story;

use crate::options::Options;
use crate::report::Report;
use anyhow::{Context, Result};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// One thing that is measured, on its own: one that fails leaves the others standing.
pub struct Measure {
    pub name: &'static str,
    pub take: Box<dyn Fn() -> Result<Vec<row::Row>>>,
}

impl Measure {
    pub fn new(name: &'static str, take: impl Fn() -> Result<Vec<row::Row>> + 'static) -> Measure {
        Measure { name, take: Box::new(take) }
    }
}

fn benches(name: &str, options: &Options) -> Option<Vec<Measure>> {
    match name {
        "spine" => Some(spine::measures()),
        "memory" => Some(memory::measures(options)),
        "agents" => Some(agents::measures()),
        "deploy" => Some(deploy::measures()),
        "server" => Some(server::measures()),
        "hermes" => Some(Vec::new()),
        _ => None,
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["stamp", file] => stand_in::stamp(file.as_ref()).map(|()| true),
        ["agents-inside", file] => agents::write_inside(file.as_ref()).map(|()| true),
        ["hold"] => stand_in::hold().map(|()| true),
        words => run(words),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "loopwright-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<bool> {
    let (options, names) = Options::parse(words)?;
    let out =
        std::env::var_os("LOOPWRIGHT_BENCH_OUT").map_or_else(|| PathBuf::from("target/bench"), PathBuf::from);
    std::fs::create_dir_all(&out).with_context(|| format!("failed to make {}", out.display()))?;
    let mut report = Report::new(out);
    for name in &names {
        let measures = benches(name, &options).with_context(|| format!("there is no bench `{name}`"))?;
        report.bench(name, &measures)?;
    }
    report.close()
}
