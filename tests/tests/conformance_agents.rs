//! The conformance suite with the real command lines, one test for each agent: every scenario through the product's own
//! driver, in a namespace with nothing but loopback, as a user of its own when we are root.
//!
//! `./dev conformance [AGENT…]` runs it and shows the table. The rows go to `LOOPWRIGHT_CONFORMANCE_OUT`, a file for each
//! agent. `LOOPWRIGHT_CONFORMANCE_ONLY` names scenarios, with commas between them, while one works on them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]
#![expect(clippy::print_stdout, reason = "the table is for the one who runs it")]

use agents::{Accounts, Leases, RunAs, Setup};
use conformance::suite::{Agreement, Candidate, Case, Row, cases, run_all, table};
use protocol::{AgentId, At};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use testkit::Workspace;
use testkit::namespace::{alone, node_dir, tools_dir};

/// A number that no user of the machine has.
const AGENT: RunAs = RunAs { uid: 61_789, gid: 61_789 };

/// Programs of up to 400 MB each.
const ABREAST: usize = 2;

/// Programs that count reasoning into the output and tell it nowhere apart.
const REASONING_UNTOLD: [&str; 1] = ["kimi-code"];

#[test]
fn claude_code() {
    conforms("claude_code", "claude-code");
}

#[test]
fn codex() {
    conforms("codex", "codex");
}

#[test]
fn gemini_cli() {
    conforms("gemini_cli", "gemini-cli");
}

#[test]
fn qwen_code() {
    conforms("qwen_code", "qwen-code");
}

#[test]
fn kimi_code() {
    conforms("kimi_code", "kimi-code");
}

fn conforms(test: &str, agent: &str) {
    let agent = AgentId::new(agent).unwrap();
    alone(test, || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let rows = runtime.block_on(suite(&agent));
        println!("\n{}", table(&rows));
        keep(&agent, &rows);
        let wrong: Vec<String> = rows.iter().filter(|row| !row.ok).map(described).collect();
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
        let untold = rows.iter().any(|row| row.tokens == Agreement::ReasoningUntold);
        assert_eq!(
            untold,
            REASONING_UNTOLD.contains(&agent.as_str()),
            "whether it tells its reasoning apart"
        );
    });
}

async fn suite(agent: &AgentId) -> Vec<Row> {
    let workspace = Workspace::new().unwrap();
    let place = workspace.open_folder("conformance", 0o755).unwrap();
    let path = std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect::<Vec<_>>();
    let setup = Setup {
        path: [vec![tools_dir().join("agents/bin")], path].concat(),
        node: node_dir(),
        practice: vec![],
        homes: None,
        user_home: place.clone(),
        run_as: rustix::process::geteuid().is_root().then_some(AGENT),
        runtime: place.clone(),
        env: BTreeMap::new(),
        accounts: Accounts::default(),
        leases: Leases::default(),
    };
    let at = At(i64::try_from(since_epoch().as_millis()).unwrap());
    let candidate = match Candidate::find(&setup, agent, &place.join("probe"), at).await.unwrap() {
        Ok(candidate) => candidate,
        Err(missing) => panic!("{agent} cannot be tried: {missing}"),
    };
    let rows = run_all(&candidate, &wanted(), &place, ABREAST, |row| println!("{}", described(row))).await;
    // While one works on a scenario: what the run left in its folder.
    if std::env::var_os("LOOPWRIGHT_CONFORMANCE_KEEP").is_some() {
        println!("kept {}", place.display());
        std::mem::forget(workspace);
    }
    rows
}

fn wanted() -> Vec<Case> {
    let all = cases(since_epoch().as_secs().cast_signed());
    let Ok(only) = std::env::var("LOOPWRIGHT_CONFORMANCE_ONLY") else { return all };
    let names: Vec<&str> = only.split(',').collect();
    all.into_iter().filter(|case| names.contains(&case.name)).collect()
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

fn described(row: &Row) -> String {
    let word = if row.ok { "ok   " } else { "WRONG" };
    let wrong = row.wrong.iter().map(|line| format!("\n        {line}")).collect::<String>();
    let Row { agent, scenario, end, said, seconds, tokens, .. } = row;
    format!("{word} {agent} · {scenario}: {end} {said} · tokens {} · {seconds:.1} s{wrong}", tokens.word())
}

fn keep(agent: &AgentId, rows: &[Row]) {
    let folder = std::env::var_os("LOOPWRIGHT_CONFORMANCE_OUT").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/conformance")),
        PathBuf::from,
    );
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{agent}.json")), serde_json::to_vec_pretty(rows).unwrap()).unwrap();
}
