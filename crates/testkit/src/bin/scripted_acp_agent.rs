//! `scripted-acp-agent --scenario FILE [--state FOLDER]`: the scripted ACP agent as a program, for a profile's or a
//! setting's command line. The two may also come from `SCRIPTED_SCENARIO` and `SCRIPTED_STATE`.

use clap::Parser;
use std::path::PathBuf;
use testkit::acp::{Script, serve};

#[derive(Parser)]
struct Args {
    /// JSON file with the script.
    #[arg(long)]
    scenario: Option<PathBuf>,
    /// Folder in which attempts are counted.
    #[arg(long)]
    state: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    let from_env = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let scenario =
        args.scenario.or_else(|| from_env("SCRIPTED_SCENARIO")).ok_or("no --scenario was given")?;
    let state = args.state.or_else(|| from_env("SCRIPTED_STATE"));
    Ok(serve(Script::read(&scenario)?, state).await?)
}
