//! The deploy room against real processes and sockets on loopback. This test program is also the app and the edge that the
//! tests start: called again with `TEST_ROLE` set, it becomes one of them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test program; clippy excuses only what stands inside a #[test] function"
)]

mod app;
mod edge;
mod edge_https;
mod edge_wire;
mod preview;
mod screenshot;
mod static_site;
mod web;

use deploy::edge::{EdgeConfig, edge_main};
use std::path::Path;

#[test]
fn role() {
    let Ok(role) = std::env::var("TEST_ROLE") else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match role.as_str() {
        "app" => runtime.block_on(app::run()),
        "edge" => {
            let folder = std::env::var("TEST_FOLDER").unwrap();
            let config = EdgeConfig::in_folder(Path::new(&folder));
            if let Err(cause) = runtime.block_on(edge_main(config)) {
                eprintln!("failed to {cause}");
                std::process::exit(3);
            }
            std::process::exit(0);
        }
        role => panic!("unknown role {role}"),
    }
}

/// The command that runs this program in a role, given by the environment.
pub fn own_argv() -> Vec<String> {
    let own = std::env::current_exe().unwrap().display().to_string();
    [&own, "--exact", "role", "--nocapture"].map(String::from).into()
}
