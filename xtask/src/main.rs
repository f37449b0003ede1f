//! Build steps that cargo cannot do by itself. One so far: `xtask ui [--desktop] [--release]`, the dashboard and the pages
//! of the desktop's window.
//!
//! It runs on the developer's machine only; nothing here ends up in a program that is shipped.
#![expect(clippy::print_stderr, reason = "a command line: progress and errors go to stderr")]

mod order;
mod stamp;
mod ui;

use std::process::ExitCode;

const USAGE: &str = "usage: xtask ui [--desktop] [--release]   builds the dashboard into ui/dist, the desktop's pages into ui/dist-desktop";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["ui"] => ui::build(ui::Pages::Dashboard, ui::Profile::Dev),
        ["ui", "--release"] => ui::build(ui::Pages::Dashboard, ui::Profile::Release),
        ["ui", "--desktop"] => ui::build(ui::Pages::Desktop, ui::Profile::Dev),
        ["ui", "--desktop", "--release"] => ui::build(ui::Pages::Desktop, ui::Profile::Release),
        _ => Err(anyhow::anyhow!("{USAGE}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
