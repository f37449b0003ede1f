//! The memory's HTTP face on 127.0.0.1: the routes of LightRAG 1.5.7 that its clients use, so that they and their users can
//! come over. A document is a note; a workspace (`LIGHTRAG-WORKSPACE`) is a memory of its own, and without one it is the
//! active project's. What is asked ends in `answer`, like on every other face.
//!
//! Who may come in: programs on this machine that hold the key. There is no way without one.

mod about;
mod asked;
mod context;
mod documents;
mod door;
mod edits;
mod fields;
mod former;
mod graph;
mod listing;
mod looked;
mod openapi;
mod query;
mod refuse;
mod relations;
mod routes;
mod upload;

use crate::bridges::{Ports, listen, token};
use crate::context::{Daemon, hold};
use protocol::view::{DoctorRow, Health};
use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tracing::warn;

/// The version whose shapes are spoken.
pub const SPOKEN: &str = "1.5.7";

pub struct Face {
    wanted: Ports,
    file: PathBuf,
    state: Mutex<State>,
    /// Keeps two openings from racing for the same port.
    opening: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone)]
enum State {
    Up { port: u16, key: String },
    Down { why: String },
}

impl Face {
    /// `file`: where the key lies.
    pub fn new(wanted: Ports, file: PathBuf) -> Self {
        let why = if wanted == Ports::Off { "it is off" } else { "not opened yet" };
        let state = Mutex::new(State::Down { why: why.into() });
        Self { wanted, file, state, opening: tokio::sync::Mutex::default() }
    }

    /// Where it listens.
    pub fn address(&self) -> Option<String> {
        match &*hold(&self.state) {
            State::Up { port, .. } => Some(format!("http://127.0.0.1:{port}")),
            State::Down { .. } => None,
        }
    }

    /// Why it does not listen.
    pub fn why(&self) -> Option<String> {
        match &*hold(&self.state) {
            State::Up { .. } => None,
            State::Down { why } => Some(why.clone()),
        }
    }

    /// Whether this is the key.
    fn opens(&self, theirs: &str) -> bool {
        match &*hold(&self.state) {
            State::Up { key, .. } => token::same(theirs, key),
            State::Down { .. } => false,
        }
    }
}

/// Opens the face if it is not open. What stands against it is told, and tried again when somebody asks; a daemon starts
/// without it all the same.
pub async fn open(daemon: &Arc<Daemon>) {
    let face = &daemon.lightrag;
    let Ports::From(port) = face.wanted else { return };
    let _one_at_a_time = face.opening.lock().await;
    if face.address().is_some() {
        return;
    }
    let state = match listening(face, port).await {
        Ok((listener, port, key)) => {
            let router = routes::router(daemon.clone(), port);
            tokio::spawn(listen::serve(listener, router, daemon.stop.clone()));
            State::Up { port, key }
        }
        Err(why) => {
            warn!(port, why, "the memory's HTTP face is not up");
            State::Down { why }
        }
    };
    *hold(&face.state) = state;
}

async fn listening(face: &Face, port: u16) -> Result<(TcpListener, u16, String), String> {
    let key = token::take(&face.file)?;
    let failed = |e: io::Error| match e.kind() {
        io::ErrorKind::AddrInUse => format!("another program has port {port}"),
        _ => format!("port {port} cannot be listened on: {e}"),
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    Ok((listener, port, key))
}

/// For `doctor`: good while it is up or nobody wants it.
pub async fn examine(daemon: &Arc<Daemon>) -> DoctorRow {
    open(daemon).await;
    let face = &daemon.lightrag;
    let row = |health, says, next: Option<&str>| DoctorRow {
        what: "memory over HTTP".into(),
        health,
        says,
        next: next.map(Into::into),
    };
    match (face.address(), face.why()) {
        (Some(address), _) => row(Health::Good, address, None),
        (None, _) if face.wanted == Ports::Off => row(Health::Good, "off".into(), None),
        (None, why) => row(
            Health::Warning,
            why.unwrap_or_default(),
            Some(
                "end the program that has the port and ask again, or set another `port` under [memory] in \
                 loopwright.toml and start the daemon again",
            ),
        ),
    }
}
