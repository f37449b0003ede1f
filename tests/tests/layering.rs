//! The map of the house, kept by a test: which room may know which, which crate may be named where, and what no tracked
//! file may hold. When one of these fails, either the code is in the wrong room, or the map (README, here) changes first.

#[path = "layering/source.rs"]
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::process::Command;

use serde_json::Value;
use source::{Source, sources, tracked_files};

type Done<T = ()> = Result<T, Box<dyn Error>>;

/// Each room and the rooms that it may name.
const MAP: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("engine", &["protocol"]),
    ("journal", &["protocol"]),
    ("embed", &[]),
    ("memory", &["protocol", "embed"]),
    ("mirror", &["protocol", "journal", "memory"]),
    ("agents", &["protocol"]),
    ("deploy", &["protocol"]),
    ("provision", &["protocol"]),
    ("remote", &["protocol"]),
    ("conformance", &["protocol", "agents"]),
    ("testkit", &["protocol", "conformance"]),
    ("ui", &["protocol"]),
    ("desktop", &["protocol", "remote", "mirror"]),
    (
        "daemon",
        &[
            "protocol",
            "engine",
            "journal",
            "memory",
            "mirror",
            "embed",
            "agents",
            "conformance",
            "deploy",
            "provision",
        ],
    ),
];

/// They use whatever they like, and nobody uses them.
const OUTSIDE: &[&str] = &["system-tests", "xtask", "bench"];

/// Only there to be used in tests.
const TEST_ONLY: &[&str] = &["testkit"];

/// A crate of the ecosystem that only some rooms may depend on, because it is what they hide from the others.
const HIDDEN: &[(&str, &[&str])] = &[
    ("rusqlite", &["journal", "memory"]),
    ("agent-client-protocol", &["agents", "testkit"]),
    ("axum", &["daemon", "conformance", "testkit"]),
    ("leptos", &["ui"]),
    ("web-sys", &["ui"]),
    ("russh", &["remote", "testkit"]),
    ("tauri", &["desktop"]),
    ("anyhow", &["daemon", "desktop"]),
];

/// Why `from` may not depend on `to`; `dev` for a dev-dependency.
fn forbidden_edge(from: &str, to: &str, dev: bool) -> Option<String> {
    // The floors of the memory's quality are held by the very code that prints its figures.
    if OUTSIDE.contains(&to) && (from, to) != ("system-tests", "bench") {
        return Some(format!("{from} → {to}: nobody depends on {to}"));
    }
    if OUTSIDE.contains(&from) || (dev && TEST_ONLY.contains(&to)) {
        return None;
    }
    match MAP.iter().find(|(room, _)| *room == from) {
        None => Some(format!("{from} is not on the map")),
        Some((_, allowed)) if allowed.contains(&to) => None,
        Some(_) => Some(format!("{from} → {to} is not on the map")),
    }
}

/// One dependency as it stands in a Cargo.toml.
struct Edge {
    from: String,
    to: String,
    dev: bool,
    in_workspace: bool,
}

fn edges() -> Done<Vec<Edge>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let out = Command::new(cargo)
        .args(["metadata", "--offline", "--no-deps", "--format-version", "1"])
        .current_dir(source::root())
        .output()?;
    if !out.status.success() {
        return Err(String::from_utf8_lossy(&out.stderr).into());
    }
    let metadata: Value = serde_json::from_slice(&out.stdout)?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata without packages")?;
    let mut edges = Vec::new();
    for package in packages {
        let from = text(&package["name"])?;
        for dependency in package["dependencies"].as_array().ok_or("a package without dependencies")? {
            let to = text(&dependency["name"])?;
            let dev = dependency["kind"].as_str() == Some("dev");
            edges.push(Edge { from: from.clone(), to, dev, in_workspace: dependency["path"].is_string() });
        }
    }
    Ok(edges)
}

fn text(value: &Value) -> Done<String> {
    Ok(value.as_str().ok_or("not a text")?.to_owned())
}

/// Fails with all that is wrong, not only with the first.
fn none(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n  {}\n", problems.join("\n  "));
}

#[test]
fn every_edge_of_the_workspace_is_on_the_map() -> Done {
    let edges = edges()?;
    assert!(
        edges.iter().any(|edge| edge.in_workspace && edge.from == "daemon"),
        "no edge of the daemon was read"
    );
    let problems = edges.iter().filter(|edge| edge.in_workspace);
    none(problems.filter_map(|edge| forbidden_edge(&edge.from, &edge.to, edge.dev)).collect());
    Ok(())
}

#[test]
fn the_map_refuses_what_it_does_not_list() {
    assert!(forbidden_edge("journal", "memory", false).is_some());
    assert!(forbidden_edge("engine", "journal", true).is_some());
    assert!(forbidden_edge("daemon", "testkit", false).is_some());
    assert!(forbidden_edge("daemon", "bench", true).is_some());
    assert!(forbidden_edge("a-new-room", "protocol", false).is_some());
    assert!(forbidden_edge("daemon", "testkit", true).is_none());
    assert!(forbidden_edge("system-tests", "journal", true).is_none());
}

#[test]
fn what_a_room_hides_no_other_room_depends_on() -> Done {
    let hidden: BTreeMap<&str, &[&str]> = HIDDEN.iter().copied().collect();
    let mut problems = Vec::new();
    for edge in edges()? {
        let Some(allowed) = hidden.get(edge.to.as_str()) else { continue };
        if !edge.dev && !OUTSIDE.contains(&edge.from.as_str()) && !allowed.contains(&edge.from.as_str()) {
            problems.push(format!("{} → {}: only {} may", edge.from, edge.to, allowed.join(", ")));
        }
    }
    none(problems);
    Ok(())
}

#[test]
fn words_and_the_engine_do_no_io_and_know_no_clock() -> Done {
    let banned = [
        "tokio",
        "std::fs",
        "std::io",
        "std::net",
        "std::env",
        "std::process",
        "std::thread",
        "SystemTime",
        "Instant",
        "rand",
        "getrandom",
    ];
    let pure = ["crates/protocol/src/", "crates/engine/src/"];
    scan(|file| pure.iter().any(|room| file.path.starts_with(room)), &banned)
}

#[test]
fn only_journal_and_memory_name_the_database() -> Done {
    let owners = ["crates/journal/", "crates/memory/"];
    scan(|file| !owners.iter().any(|room| file.path.starts_with(room)), &["rusqlite"])
}

#[test]
fn only_agents_knows_an_agent_by_its_name() -> Done {
    let names = ["\"claude-code\"", "\"codex\"", "\"gemini-cli\"", "\"qwen-code\"", "\"kimi-code\""];
    scan(|file| !file.path.starts_with("crates/agents/"), &names)
}

#[test]
fn only_the_backend_of_the_ui_knows_how_it_reaches_the_daemon() -> Done {
    let banned = ["gloo_net", "fetch_with_", "EventSource", "WebSocket", "\"/api", "__TAURI__"];
    scan(|file| file.path.starts_with("ui/src/") && !file.path.starts_with("ui/src/backend"), &banned)
}

#[test]
fn only_the_daemon_and_its_clients_name_routes() -> Done {
    // The scripted model plays vendors' services, which have routes of their own.
    let owners =
        ["crates/daemon/", "crates/remote/src/control/", "ui/src/backend", "crates/conformance/src/model/"];
    scan(|file| !owners.iter().any(|room| file.path.starts_with(room)), &["\"/api/", "telegram"])
}

/// Reads the shipped code of all rooms (no tests, no comments) and fails where a banned word stands in a picked file.
fn scan(picked: impl Fn(&Source) -> bool, banned: &[&str]) -> Done {
    let mut problems = Vec::new();
    let mut read = 0;
    for file in sources()?.iter().filter(|file| picked(file)) {
        read += 1;
        for (line, code) in &file.code {
            for word in banned.iter().filter(|word| source::names(code, word)) {
                problems.push(format!("{}:{line} names {word}: {}", file.path, code.trim()));
            }
        }
    }
    assert!(read > 0, "no file was read: the rule looks at nothing");
    none(problems);
    Ok(())
}

#[test]
fn no_tracked_file_names_this_machine_or_a_registry_host() -> Done {
    // Put together here, so that this file does not hold what it looks for.
    let hosts =
        [["registry.", "npmjs"], ["static.", "crates.io"], ["index.", "crates.io"], ["deb.", "debian.org"]];
    let more = [
        ["files.", "pythonhosted"],
        ["/work", "/main"],
        ["/work", "/shared"],
        ["../", "shared/"],
        ["/root/", ".cargo"],
    ];
    let banned: BTreeSet<String> = hosts.iter().chain(&more).map(|parts| parts.concat()).collect();
    let mut problems = Vec::new();
    for path in tracked_files()? {
        // Deleted but not yet committed.
        let Ok(bytes) = std::fs::read(source::root().join(&path)) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        problems.extend(
            banned
                .iter()
                .filter(|word| text.contains(word.as_str()))
                .map(|word| format!("{path} holds {word}")),
        );
    }
    none(problems);
    Ok(())
}

#[test]
fn the_binder_of_the_wasm_has_the_version_of_the_library() -> Done {
    let lock = std::fs::read_to_string(source::root().join("Cargo.lock"))?;
    let version = |package: &str| {
        let name = format!("name = \"{package}\"");
        lock.lines().skip_while(|line| *line != name).nth(1).map(str::to_owned)
    };
    assert!(version("wasm-bindgen").is_some());
    assert_eq!(version("wasm-bindgen"), version("wasm-bindgen-cli-support"), "set it in xtask/Cargo.toml");
    Ok(())
}
