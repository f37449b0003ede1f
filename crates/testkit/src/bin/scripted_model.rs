//! `scripted-model --port N --scenario FILE`: the scripted model server as a program, for tests that run in a namespace of
//! their own. It prints its address, then serves until it is killed. `GET /__billed` and `GET /__log` answer JSON.

use clap::Parser;
use std::io::Write;
use std::path::PathBuf;
use testkit::model::{ModelServer, Scenario};

#[derive(Parser)]
struct Args {
    /// Loopback port; 0 for a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// JSON file with the scenario.
    #[arg(long)]
    scenario: PathBuf,
}

fn main() -> std::io::Result<()> {
    let args = Args::parse();
    let server = ModelServer::start_on(args.port, Scenario::read(&args.scenario)?)?;
    writeln!(std::io::stdout(), "{}", server.base_url())?;
    loop {
        std::thread::park();
    }
}
