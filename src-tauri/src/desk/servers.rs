//! The servers that this computer knows: their addresses in `places.json`, their keys in the vault, their tunnels while
//! the program runs.

use super::setup::{Setup, Times};
use super::{Clock, Kept, Spot, Tell, follow, told_by};
use crate::vault::{Secret, Vault};
use protocol::desk::{DeskEvent, Link, Place, Secret as DeskSecret, Target};
use protocol::setup::{SetupState, Wish};
use protocol::{ApiError, Code};
use remote::{Entry, Hidden, Local, OurKey, Session, SignIn, Tunnel, TunnelTo};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// What is kept of a server: nothing that is secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Known {
    pub target: Target,
    /// What was wished at the last set-up.
    pub wish: Wish,
}

/// A server at runtime.
pub struct Server {
    pub spot: Arc<Spot>,
    pub target: Target,
    pub setup: Setup,
    tunnel: Mutex<Result<Tunnel, ApiError>>,
    end: CancellationToken,
}

impl Server {
    /// The tunnel; without the server's key there is none.
    pub fn tunnel(&self) -> Result<Tunnel, ApiError> {
        self.tunnel.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn session(&self) -> Result<Session, ApiError> {
        self.tunnel()?.session().ok_or_else(|| {
            ApiError::new(Code::Conflict, self.spot.unreached()).next("try again once it is connected")
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

pub struct Servers {
    pub local: Local,
    folder: PathBuf,
    kept: Kept<BTreeMap<Place, Known>>,
    pub times: Times,
    running: Mutex<BTreeMap<Place, Arc<Server>>>,
    /// Hosts that showed another key than the recorded one, by the place that they would be.
    changed: Mutex<BTreeMap<Place, (String, u16)>>,
    clock: Clock,
    tell: Tell,
}

impl Servers {
    pub fn open(folder: PathBuf, local: Local, clock: Clock, tell: Tell) -> Self {
        let kept = Kept::open(folder.join("places.json"));
        let times = Times::open(folder.join("steps.json"));
        Self { local, folder, kept, times, running: Mutex::default(), changed: Mutex::default(), clock, tell }
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<Place, Arc<Server>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn all(&self) -> Vec<Arc<Server>> {
        self.running().values().cloned().collect()
    }

    pub fn get(&self, place: &str) -> Option<Arc<Server>> {
        self.running().get(place).cloned()
    }

    /// Every known server that has no tunnel yet, with or without its key: a vault that is locked shows as that. Blocks while
    /// the keychain is asked.
    pub fn start(&self, vault: &Vault) {
        for (place, known) in self.kept.get() {
            if self.get(&place).is_some_and(|server| server.tunnel().is_ok()) {
                continue;
            }
            let key = key_of(vault, &place).and_then(|key| Ok((key, way_of(vault, &known.target, &place)?)));
            self.run(place, known, key, None);
        }
    }

    /// A server that was met: remembered, and connected over the session that is open. Blocks as above.
    pub fn add(
        &self,
        vault: &Vault,
        known: Known,
        key: &OurKey,
        way: Vec<DeskSecret>,
        session: Option<Session>,
    ) -> Result<Arc<Server>, ApiError> {
        let place = place_of(&known.target);
        keep_key(vault, &place, key)?;
        if !way.is_empty() {
            let text =
                serde_json::to_string(&way).map_err(|e| ApiError::new(Code::Internal, e.to_string()))?;
            vault.set(&way_name(&place), &Secret::new(text))?;
        }
        let mut all = self.kept.get();
        all.insert(place.clone(), known.clone());
        self.keep(all)?;
        Ok(self.run(place, known, Ok((key.clone(), way)), session))
    }

    pub fn changed(&self, place: &str, host: &str, port: u16) {
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        changed.insert(place.to_owned(), (host.to_owned(), port));
    }

    pub fn known(&self, place: &str) -> Option<Known> {
        self.kept.get().remove(place)
    }

    pub fn wished(&self, place: &str, wish: Wish) -> Result<(), ApiError> {
        let mut all = self.kept.get();
        if let Some(known) = all.get_mut(place) {
            known.wish = wish;
        }
        self.keep(all)
    }

    /// Nothing of the server stays on this computer: its key, its pin, its copy, its address.
    pub fn forget(&self, vault: &Vault, place: &str) -> Result<(), ApiError> {
        let server = self.running().remove(place);
        let mut all = self.kept.get();
        let known = all.remove(place);
        self.keep(all)?;
        let changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner).remove(place);
        for (host, port) in
            known.map(|known| (known.target.host, known.target.port)).into_iter().chain(changed)
        {
            self.local.pins.forget(&host, port).map_err(|e| told_by(&e, &e.next()))?;
        }
        if let Some(server) = server {
            server.end.cancel();
            server.spot.folder.wipe().map_err(|e| ApiError::new(Code::Internal, e.to_string()))?;
        }
        vault.remove(&key_name(place))?;
        vault.remove(&way_name(place))?;
        self.tell.event(DeskEvent::Places);
        Ok(())
    }

    fn keep(&self, all: BTreeMap<Place, Known>) -> Result<(), ApiError> {
        self.kept.set(all).map_err(|e| {
            ApiError::new(Code::Internal, format!("the list of servers could not be written: {e}"))
                .next("make room on this computer's disk, then try again")
        })
    }

    fn run(
        &self,
        place: Place,
        known: Known,
        key: Result<(OurKey, Vec<DeskSecret>), ApiError>,
        over: Option<Session>,
    ) -> Arc<Server> {
        let folder = self.folder.join("mirrors").join(&place);
        let target = known.target;
        let spot = Spot::new(
            place.clone(),
            target.host.clone(),
            Some(target.clone()),
            folder,
            self.clock,
            self.tell.clone(),
        );
        let tunnel = key.map(|(key, way)| {
            let to = TunnelTo { target: target.clone(), key, jumps: sign_ins(&way), loopback: None };
            match over {
                Some(session) => Tunnel::on(self.local.clone(), to, session),
                None => Tunnel::start(self.local.clone(), to),
            }
        });
        let end = CancellationToken::new();
        let setup = Setup::new(place.clone(), self.times.clone(), self.tell.clone());
        match &tunnel {
            Ok(tunnel) => {
                let (spot, tunnel, end) = (spot.clone(), tunnel.clone(), end.clone());
                let setup = setup.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        () = keep(&spot, &tunnel, &setup) => {}
                        () = end.cancelled() => {}
                    }
                });
            }
            Err(why) => {
                let next = why.next.clone().unwrap_or_default();
                spot.link(Link::Refused { why: why.message.clone(), next, host_key: None }, None);
            }
        }
        let server = Arc::new(Server { spot, target, setup, tunnel: Mutex::new(tunnel), end });
        // One that ran under this name ends with its last user.
        if let Some(before) = self.running().insert(place, server.clone()) {
            before.end.cancel();
        }
        self.tell.event(DeskEvent::Places);
        server
    }
}

/// Passes the tunnel's states on, and follows the daemon while it is up.
async fn keep(spot: &Arc<Spot>, tunnel: &Tunnel, setup: &Setup) {
    let mut states = tunnel.states();
    let mut wanted = spot.wanted();
    loop {
        let link = states.borrow_and_update().clone();
        let control = tunnel.control();
        if let Some(greeting) = tunnel.greeting() {
            spot.greeted(&greeting);
            // A run that outlived the connection, or this program, is watched on. It needs no daemon.
            if let (SetupState::Running { .. } | SetupState::Unfinished { .. }, Some(session)) =
                (&greeting.setup, tunnel.session())
            {
                setup.follow(Entry::new(session), matches!(greeting.setup, SetupState::Running { .. }));
            }
        }
        spot.link(link, control.clone());
        let following = async {
            if let Some(control) = control {
                if let Err(error) = follow::follow(spot, control, || ()).await {
                    tracing::warn!(place = spot.place, %error, "the server's daemon is not heard");
                }
                // The tunnel is up and the daemon is not: it starts again, or the tunnel says more in a moment.
                tokio::time::sleep(AGAIN).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = following => {}
            changed = states.changed() => if changed.is_err() { return },
            changed = wanted.changed() => {
                if changed.is_err() { return }
                tunnel.want(wanted.borrow_and_update().on);
                tunnel.nudge();
            }
        }
    }
}

const AGAIN: std::time::Duration = std::time::Duration::from_secs(2);

/// A server's name among the workspaces: made of its address, so that the same one is the same place.
pub fn place_of(target: &Target) -> Place {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let host: String = target.host.chars().map(plain).collect();
    let host = host.trim_matches('-');
    if target.port == 22 { format!("at-{host}") } else { format!("at-{host}-{}", target.port) }
}

fn key_name(place: &str) -> String {
    format!("key of {place}")
}

/// How the hosts on the way are signed in to.
fn way_name(place: &str) -> String {
    format!("way to {place}")
}

pub fn sign_ins(way: &[DeskSecret]) -> Vec<SignIn> {
    way.iter().map(SignIn::from).collect()
}

fn way_of(vault: &Vault, target: &Target, place: &str) -> Result<Vec<DeskSecret>, ApiError> {
    if target.jump.is_none() {
        return Ok(Vec::new());
    }
    let text = vault.get(&way_name(place))?;
    let way = text.and_then(|text| serde_json::from_str(&text).ok());
    way.ok_or_else(|| {
        ApiError::new(Code::NotFound, "this computer does not know any more how to sign in to the jump host")
            .next("add the server again")
    })
}

/// Kept before it is used.
pub fn keep_key(vault: &Vault, place: &str, key: &OurKey) -> Result<(), ApiError> {
    let text = key.to_text().map_err(|e| ApiError::new(Code::Internal, e.to_string()))?;
    Ok(vault.set(&key_name(place), &Secret::new(text.as_str().to_owned()))?)
}

pub fn key_of(vault: &Vault, place: &str) -> Result<OurKey, ApiError> {
    let text = vault.get(&key_name(place))?.ok_or_else(|| {
        ApiError::new(Code::NotFound, "this computer does not have the server's key any more")
            .next("add the server again")
    })?;
    let text: Zeroizing<String> = text;
    OurKey::from_text(&Hidden::from(text.as_str().to_owned()))
        .map_err(|e| told_by(&e, "add the server again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_safe_name_and_never_the_one_of_this_computer() {
        let of =
            |host: &str, port| place_of(&Target { host: host.into(), port, user: "root".into(), jump: None });
        assert_eq!(of("Bakery.example.org", 22), "at-bakery-example-org");
        assert_eq!(of("2001:db8::1", 2222), "at-2001-db8--1-2222");
        assert_eq!(of("here", 22), "at-here");
        assert_eq!(of("../../x", 22), "at-x");
    }
}
