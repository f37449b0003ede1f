//! The agents' MCP servers: one for each coding agent, on a port of its own on loopback. A bridge is an outward face like
//! the dashboard: what it is asked ends in `answer`, and a run that it starts is a request of the journal like any other.
//! Nothing is kept between two calls, so a bridge has no sessions to lose when the daemon starts again.
//!
//! Beside it, on the same listeners, the memory (`memory`): `/memory` for an agent at work (`guests`), `/notes` for people's
//! own clients.
//!
//! Who may come in: programs on this machine that hold the token (`door`). There is no way without one.

mod door;
mod events;
mod guests;
pub mod listen;
mod memory;
mod paste;
mod run;
mod schema;
mod server;
mod tasks;
pub mod token;
mod tools;
mod wait;

pub use events::moment;
pub use paste::{Ports, paste};

use crate::context::{Daemon, hold};
use protocol::AgentId;
use protocol::view::{BridgeView, DoctorRow, Health};
use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tracing::warn;

/// Where the bridges are, one behind the other in the order of the catalogue, if nothing else is asked for.
pub const PORT: u16 = 3210;

pub struct Bridges {
    ports: Ports,
    file: PathBuf,
    /// Set once the first listener was opened: the token, and all lanes.
    token: Mutex<Option<String>>,
    lanes: Mutex<Vec<Lane>>,
    /// Keeps two openings from racing for the same ports.
    opening: tokio::sync::Mutex<()>,
    guests: guests::Guests,
}

#[derive(Debug, Clone)]
struct Lane {
    agent: AgentId,
    title: &'static str,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    Up { port: u16 },
    Down { port: u16, why: String },
}

impl Bridges {
    pub fn new(ports: Ports, file: PathBuf) -> Self {
        let agents = agents::catalogue().iter().filter(|profile| !profile.practice);
        let lanes = agents.zip(0_u16..).map(|(profile, place)| {
            let port = match ports {
                Ports::From(base @ 1..) => base.saturating_add(place),
                Ports::From(0) | Ports::Off => 0,
            };
            let state = State::Down { port, why: "not opened yet".into() };
            Lane { agent: profile.id.clone(), title: profile.title, state }
        });
        Self {
            ports,
            file,
            token: Mutex::default(),
            lanes: Mutex::new(lanes.collect()),
            opening: tokio::sync::Mutex::default(),
            guests: guests::Guests::default(),
        }
    }

    /// The token of all bridges; none while no bridge is up.
    fn token(&self) -> Option<String> {
        hold(&self.token).clone()
    }

    fn lanes(&self) -> Vec<Lane> {
        hold(&self.lanes).clone()
    }

    fn settle(&self, agent: &AgentId, state: State) {
        hold(&self.lanes).iter_mut().filter(|lane| lane.agent == *agent).for_each(|lane| {
            lane.state = state.clone();
        });
    }

    fn any_port(&self) -> Option<u16> {
        self.lanes().into_iter().find_map(|lane| match lane.state {
            State::Up { port } => Some(port),
            State::Down { .. } => None,
        })
    }
}

/// Opens the bridges that are not open. What cannot be opened says why, and is tried again when somebody asks; a daemon
/// starts without it all the same.
pub async fn open(daemon: &Arc<Daemon>) {
    let bridges = &daemon.bridges;
    if bridges.ports == Ports::Off {
        return;
    }
    let _one_at_a_time = bridges.opening.lock().await;
    for lane in bridges.lanes() {
        let State::Down { port, .. } = lane.state else { continue };
        let state = match open_one(daemon, &lane.agent, port).await {
            Ok(port) => State::Up { port },
            Err(why) => {
                warn!(agent = %lane.agent, port, why, "an agent's MCP server is not up");
                State::Down { port, why }
            }
        };
        bridges.settle(&lane.agent, state);
    }
}

async fn open_one(daemon: &Arc<Daemon>, agent: &AgentId, port: u16) -> Result<u16, String> {
    let token = token::take(&daemon.bridges.file)?;
    *hold(&daemon.bridges.token) = Some(token);
    let failed = |e: io::Error| match e.kind() {
        io::ErrorKind::AddrInUse => format!("another program has port {port}"),
        _ => format!("port {port} cannot be listened on: {e}"),
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let router = server::router(daemon.clone(), agent.clone(), port);
    tokio::spawn(listen::serve(listener, router, daemon.stop.clone()));
    Ok(port)
}

/// Every bridge, in the order of the catalogue, and the token. Those that are down are tried again first.
pub async fn views(daemon: &Arc<Daemon>) -> (Vec<BridgeView>, String) {
    open(daemon).await;
    let rows = daemon.bridges.lanes().iter().map(|lane| view(&daemon.bridges, lane)).collect();
    (rows, daemon.bridges.token().unwrap_or_default())
}

/// One agent's bridge, as it is; none for an agent that has none.
pub fn view_of(daemon: &Daemon, agent: &AgentId) -> Option<BridgeView> {
    let lane = daemon.bridges.lanes().into_iter().find(|lane| lane.agent == *agent)?;
    Some(view(&daemon.bridges, &lane))
}

fn view(bridges: &Bridges, lane: &Lane) -> BridgeView {
    let title = lane.title;
    match &lane.state {
        State::Up { port } => BridgeView {
            url: server::address(*port),
            up: true,
            says: format!("{title}: its MCP server is up, which says nothing of its account"),
        },
        State::Down { .. } if bridges.ports == Ports::Off => {
            BridgeView { url: String::new(), up: false, says: format!("{title}: the MCP servers are off") }
        }
        State::Down { port, why } => {
            BridgeView { url: server::address(*port), up: false, says: format!("{title}: not up: {why}") }
        }
    }
}

/// For `doctor`: one row, good while all bridges are up or nobody wants them.
pub async fn examine(daemon: &Arc<Daemon>) -> DoctorRow {
    let (rows, _) = views(daemon).await;
    let row = |health, says: String, next: Option<&str>| DoctorRow {
        what: "MCP servers".into(),
        health,
        says,
        next: next.map(Into::into),
    };
    if daemon.bridges.ports == Ports::Off {
        return row(Health::Good, "off".into(), None);
    }
    let down: Vec<&str> = rows.iter().filter(|row| !row.up).map(|row| row.says.as_str()).collect();
    if down.is_empty() {
        let says = format!("{} are up; that says nothing of the agents' accounts", rows.len());
        return row(Health::Good, says, None);
    }
    let next = "end the program that has the port and ask again, or set another `port` under [bridges] in \
                loopwright.toml and start the daemon again";
    row(Health::Warning, down.join("; "), Some(next))
}
