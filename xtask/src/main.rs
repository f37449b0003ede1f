//! Build steps that cargo cannot do by itself: `xtask ui [--desktop] [--release]`, the dashboard and the pages of the
//! desktop's window; `xtask announce FOLDER ADDRESS`, what the desktop's updater reads of a release.
//!
//! It runs on the developer's machine only; nothing here ends up in a program that is shipped.
#![expect(clippy::print_stderr, reason = "a command line: progress and errors go to stderr")]

mod announce;
mod order;
mod stamp;
mod ui;

use std::process::ExitCode;

const USAGE: &str = "usage: xtask ui [--desktop] [--release]   builds the dashboard into ui/dist, the desktop's pages into ui/dist-desktop
       xtask announce FOLDER ADDRESS    writes FOLDER/latest.json of the signed installers there";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["ui"] => ui::build(ui::Pages::Dashboard, ui::Profile::Dev),
        ["ui", "--release"] => ui::build(ui::Pages::Dashboard, ui::Profile::Release),
        ["ui", "--desktop"] => ui::build(ui::Pages::Desktop, ui::Profile::Dev),
        ["ui", "--desktop", "--release"] => ui::build(ui::Pages::Desktop, ui::Profile::Release),
        ["announce", folder, address] => announce::write(folder.as_ref(), address),
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
