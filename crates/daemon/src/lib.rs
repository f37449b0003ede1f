//! `loopwrightd`: the daemon that runs the loop, the edge that serves the sites, and a command line for people and
//! scripts. Composition root: everything is put together here, no domain logic lives here.

mod accounts;
mod agents_cli;
mod agents_jobs;
mod answer;
mod ask;
mod assets;
mod bridges;
mod brief;
mod canary;
mod client;
mod commands;
mod context;
mod doctor;
mod edge;
mod effects;
mod faults;
mod home;
mod lightrag;
mod memory_cli;
mod names;
mod previews;
mod prices;
mod print;
mod reaper;
mod relay;
mod releases;
mod remember;
mod reply;
mod roster;
mod runs;
mod seams;
mod serve;
mod service;
mod session;
mod settings;
mod setup;
mod shell;
mod signin_cli;
mod tools;
mod users;
mod web;
mod wish;
mod writer;

use clap::Parser;
use std::process::ExitCode;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The whole program: what `loopwrightd` does with its arguments.
pub fn main() -> ExitCode {
    let line = commands::Line::parse();
    let level = line.log_level();
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false).with_max_level(level);
    // It tells of each call, which is no news of ours.
    let quiet = Targets::new().with_default(level).with_target("rmcp", tracing::Level::WARN);
    log.finish().with(quiet).init();
    match commands::run(line) {
        Ok(code) => code,
        Err(e) => {
            // A pipe that was closed by its reader (`| head`) is no failure worth a message.
            if !print::is_broken_pipe(&e) {
                let _ = print::error(&e);
            }
            ExitCode::FAILURE
        }
    }
}
