//! A scripted coding agent that speaks ACP over stdio: for all that a real one would not do on command, such as breaking
//! the build first and mending it second, writing where it must not, or leaving a child behind.
//!
//! Its program is `scripted-acp-agent --scenario FILE [--state FOLDER]`; [`Script`] is what the file holds. It is not
//! careful: it does on disk what it is told, with the rights of the user that it runs as, and a step that fails is said
//! and passed over, so that a wall can be seen to hold.

pub mod script;

mod disk;
mod serve;

pub use script::{Act, Scene, Script, Spent};
pub use serve::{MCP_SERVERS, serve};

use std::path::Path;

/// The command line that plays `scenario` with this program. With a `state` folder (writable for the agent's user) each
/// prompt of a scene is one attempt further; without, a brief that tells of a failure is the second attempt.
pub fn command_line(program: &Path, scenario: &Path, state: Option<&Path>) -> Vec<String> {
    let word = |path: &Path| path.display().to_string();
    let mut argv = vec![word(program), "--scenario".into(), word(scenario)];
    if let Some(state) = state {
        argv.extend(["--state".into(), word(state)]);
    }
    argv
}
