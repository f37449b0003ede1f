//! Tests that run alone in [`netns_command`], a network of their own that holds nothing but loopback; and where the real
//! agents' programs are that such tests start.

pub use conformance::netns::netns_command;

use std::io::{Error, Result};
use std::path::{Path, PathBuf};

/// Set for the test program that [`alone`] has started again; names the file that says that the body came to its end.
const INSIDE: &str = "LOOPWRIGHT_TEST_ALONE";

/// Runs the body of the test `name` (its path as the test harness prints it) inside [`netns_command`], by starting this
/// test program again. Fails when the body did, and also when it was not reached.
pub fn alone(name: &str, body: impl FnOnce()) {
    if let Some(mark) = std::env::var_os(INSIDE) {
        body();
        #[expect(clippy::expect_used, reason = "runs in tests only; there is nobody to hand the error to")]
        std::fs::write(mark, "reached").expect("write the mark");
        return;
    }
    let outcome = again(name);
    assert!(
        outcome.is_ok(),
        "{name} in a namespace of its own: {}",
        outcome.err().map_or(String::new(), |e| e.to_string())
    );
}

fn again(name: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mark = folder.path().join("reached");
    let program = std::env::current_exe()?;
    let argv = [
        program.as_os_str(),
        "--exact".as_ref(),
        name.as_ref(),
        "--nocapture".as_ref(),
        "--include-ignored".as_ref(),
    ];
    let status = netns_command(argv).env(INSIDE, &mark).status()?;
    if !status.success() {
        return Err(Error::other(format!("it ended with {status}")));
    }
    if !mark.exists() {
        return Err(Error::other("no test of that name came to its end"));
    }
    Ok(())
}

/// Where the real agents were installed by `scripts/agent-clis/install`: `LOOPWRIGHT_TOOLS`, else the usual place.
pub fn tools_dir() -> PathBuf {
    std::env::var_os("LOOPWRIGHT_TOOLS").map_or_else(|| PathBuf::from("/opt/loopwright/tools"), PathBuf::from)
}

/// The folder with the real agents' programs; an error with the one next step when they are not there.
pub fn agent_programs() -> Result<PathBuf> {
    let folder = tools_dir().join("agents/bin");
    for program in ["claude", "claude-agent-acp", "codex", "codex-acp", "gemini", "qwen", "kimi"] {
        if !folder.join(program).exists() {
            let tools = tools_dir();
            let next = format!("scripts/agent-clis/install {}", tools.display());
            return Err(Error::other(format!("{program} is not in {}; run {next}", folder.display())));
        }
    }
    Ok(folder)
}

/// Node's folder, if it is there: `LOOPWRIGHT_NODE`, else the one among the tools.
pub fn node_dir() -> Option<PathBuf> {
    let folder =
        std::env::var_os("LOOPWRIGHT_NODE").map_or_else(|| tools_dir().join("node/bin"), PathBuf::from);
    Some(folder).filter(|folder| Path::exists(&folder.join("node")))
}

/// A loopback port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_test_has_is_a_failure() {
        assert!(again("namespace::tests::nobody").is_err());
    }

    #[test]
    fn the_body_runs_inside() {
        alone("namespace::tests::the_body_runs_inside", || assert!(std::env::var_os(INSIDE).is_some()));
    }
}
