//! Installing an agent through the daemon where there is no network: the job is shown, it fails with its cause and the
//! next step, and nothing is left that counts. That it works with a registry is proven beside the code, with one on
//! loopback, and by every machine that runs the suites with the real agents.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]

mod harness;

use harness::{House, PATIENCE, PLAIN, QUICK, QUIET};
use protocol::view::{AgentJob, AgentRow, JobState};
use protocol::*;
use std::path::PathBuf;
use std::process::Command;
use testkit::workspace::built;
use testkit::{Daemon, Workspace, free_port};

fn qwen() -> AgentId {
    AgentId::new("qwen-code").unwrap()
}

/// A daemon whose machine's registry is a port that nobody listens on.
fn offline() -> (House, PathBuf) {
    let workspace = Workspace::new().unwrap();
    workspace.settings(&format!("{QUIET}{QUICK}")).unwrap();
    let registry = format!("http://127.0.0.1:{}", free_port().unwrap());
    let tools = workspace.path().join("tools");
    let args = [&PLAIN[..], &["--tools", tools.to_str().unwrap()]].concat();
    let daemon = Daemon::start(&workspace, &args, &[("npm_config_registry", &registry)]).unwrap();
    (House { daemon, workspace }, tools)
}

fn row(house: &House) -> AgentRow {
    let Response::Agents { rows } = house.call(&Request::Agents { fresh: false }) else { panic!() };
    rows.into_iter().find(|row| row.agent == qwen()).unwrap()
}

fn job(house: &House) -> Option<AgentJob> {
    row(house).now?.job
}

#[test]
fn an_installation_without_a_network_fails_with_its_cause_and_leaves_nothing() {
    let (house, tools) = offline();
    assert_eq!(house.call(&Request::InstallAgent { agent: qwen() }), Response::Done);
    let ended = house.daemon.wait_live(PATIENCE, || job(&house).filter(|job| job.state != JobState::Running));
    let job = ended.unwrap();
    let JobState::Failed { reason, next } = &job.state else { panic!("{job:?}") };
    assert_eq!(job.what, "install");
    assert!(job.says.iter().any(|line| line.contains("fetching")), "{job:?}");
    assert!(reason.contains("failed to fetch") && next.contains("online"), "{reason} / {next}");
    assert!(!tools.join("agents/qwen-code").exists());
    assert_eq!(row(&house).now.unwrap().pinned.as_deref(), Some("0.24.4"));
}

#[test]
fn the_command_line_follows_the_daemons_job_and_tells_how_it_ended() {
    let (house, _) = offline();
    let home = house.workspace.home();
    let run = |args: &[&str]| {
        let mut command = Command::new(built("loopwrightd").unwrap());
        command.arg("--home").arg(&home).arg("agents").args(args).output().unwrap()
    };
    let out = run(&["install", "qwen-code"]);
    let (said, wrong) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(!out.status.success(), "{said} {wrong}");
    assert!(said.contains("fetching") && wrong.contains("failed to fetch"), "{said} / {wrong}");
    assert!(wrong.contains("next: see whether this machine is online"), "{wrong}");
    let out = run(&["install", "nobody"]);
    assert!(String::from_utf8_lossy(&out.stderr).contains("nothing to install"), "{out:?}");
    let out = run(&["rollback", "qwen-code"]);
    assert!(String::from_utf8_lossy(&out.stderr).contains("there is no earlier version"), "{out:?}");
}
