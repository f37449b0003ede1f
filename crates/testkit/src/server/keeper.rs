//! The keeper of a net: the one process that has its namespaces, mounts and servers, and does to them what it is asked over its
//! socket. It is the first process of a PID namespace and has a mount namespace: when it ends, however it ends, the kernel ends
//! every process in there and takes every mount and every network with it. What stays (files, control groups) is listed in the
//! net's folder, whose lock tells the next one that nobody has it any more.

mod disk;
mod faults;
mod gateway;
mod guest;
mod limits;
mod outside;
mod seed;
mod segment;

use super::host;
use super::manifest::Manifest;
use super::place::Place;
use super::spec::{Answer, Fault, Request, Running, Spec, Whereabouts};
use gateway::Gateway;
use guest::Guest;
use segment::{FIRST, Segment};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Error, Read, Result, Write};
use std::net::{IpAddr, SocketAddr, SocketAddrV4};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use seed::login_key;
pub use segment::{GATEWAY, address6, enter};

pub struct Keeper {
    place: Place,
    net: String,
    segment: Segment,
    gateway: Arc<Gateway>,
    servers: Mutex<BTreeMap<String, Slot>>,
}

/// A server, or its place while it is being made.
enum Slot {
    Coming(u8),
    Here(Arc<Guest>),
}

/// Runs a net until it is told to end, or, with `lifeline`, until its standard input ends: whoever holds the other side of
/// that pipe has died. Prints `ready` when it can be asked.
pub fn keep(place: Place, net: &str, lifeline: bool) -> Result<()> {
    host::ready()?;
    if std::process::id() != 1 {
        return Err(Error::other("a keeper is started by `throwaway up`, in namespaces of its own"));
    }
    let resolver = resolver()?;
    let _held = place.claim(net)?;
    host::run(&["mount", "-t", "tmpfs", "-o", "mode=755", "loopwright", "/run"])?;
    let segment = Segment::up()?;
    let gateway = Gateway::open(&segment, resolver)?;
    let listener = UnixListener::bind(place.socket(net))?;
    let keeper = Arc::new(Keeper { place, net: net.to_owned(), segment, gateway, servers: Mutex::default() });
    writeln!(std::io::stdout(), "ready")?;
    if lifeline {
        let own = keeper.clone();
        std::thread::spawn(move || {
            // An error is an end too.
            let _ended = std::io::stdin().read_to_end(&mut Vec::new());
            own.end();
        });
    }
    for stream in listener.incoming().flatten() {
        let own = keeper.clone();
        std::thread::spawn(move || own.serve(stream));
    }
    Ok(())
}

/// The name server that this machine asks.
fn resolver() -> Result<SocketAddr> {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let addresses = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    let first = addresses.filter_map(|rest| rest.trim().parse::<IpAddr>().ok()).next();
    let ip = first.ok_or_else(|| {
        Error::other("/etc/resolv.conf names no name server: add a line `nameserver ADDRESS`")
    })?;
    Ok(SocketAddr::from((ip, 53)))
}

fn json(value: impl Serialize) -> Result<serde_json::Value> {
    Ok(serde_json::to_value(value)?)
}

impl Keeper {
    fn serve(&self, stream: UnixStream) {
        let mut line = String::new();
        let request = BufReader::new(&stream).read_line(&mut line);
        let request = request.and_then(|_| Ok(serde_json::from_str::<Request>(&line)?));
        let down = matches!(request, Ok(Request::Down));
        let answer: Answer =
            request.and_then(|request| self.answer(request)).map_err(|error| error.to_string());
        if down {
            // Not before everything is gone; the end of the connection is the answer.
            self.end();
        }
        let told = serde_json::to_vec(&answer).map_err(Error::from).and_then(|mut bytes| {
            bytes.push(b'\n');
            (&stream).write_all(&bytes)
        });
        if let Err(lost) = told {
            self.say(&format!("an answer was not taken: {lost}"));
        }
    }

    fn answer(&self, request: Request) -> Result<serde_json::Value> {
        match request {
            Request::Start(spec) => self.start(*spec).and_then(json),
            Request::Stop(name) => self.stop(&name).and_then(json),
            Request::Servers => json(self.all().iter().map(|guest| running(guest)).collect::<Vec<_>>()),
            Request::Wait(name) => self.guest(&name)?.wait().and_then(json),
            Request::Exec { server, command, stdin, seconds } => {
                self.guest(&server)?.exec(&command, stdin.as_deref(), seconds).and_then(json)
            }
            Request::Fault(name, fault) => self.fault(&name, &fault).and_then(json),
            Request::Manifest(name) => Manifest::read(&self.guest(&name)?.root()).and_then(json),
            Request::Snapshot { server, name } => {
                proper(&name)?;
                self.guest(&server)?.snapshot(&self.place, &name).and_then(json)
            }
            Request::Reset(name) => self.guest(&name)?.reset(&self.place).and_then(json),
            Request::Outside { server, ports } => {
                let ip = self.guest(&server)?.ip();
                self.segment.inside(move || outside::knock(ip, &ports)).and_then(json)
            }
            Request::Forward { server, port, local } => {
                let to = SocketAddrV4::new(self.guest(&server)?.ip(), port);
                self.gateway.forward(local, to).and_then(json)
            }
            Request::Name { name, ip } => {
                self.gateway.name(&name, ip);
                json(())
            }
            Request::Where => json(Whereabouts { internet: self.segment.internet().as_raw_fd() }),
            Request::Down => json(()),
        }
    }

    fn servers(&self) -> MutexGuard<'_, BTreeMap<String, Slot>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self) -> Vec<Arc<Guest>> {
        let here = |slot: &Slot| match slot {
            Slot::Here(guest) => Some(guest.clone()),
            Slot::Coming(_) => None,
        };
        self.servers().values().filter_map(here).collect()
    }

    fn guest(&self, name: &str) -> Result<Arc<Guest>> {
        let found = self.all().into_iter().find(|guest| guest.spec.name == name);
        found.ok_or_else(|| Error::other(format!("no server named {name} is in the net {}", self.net)))
    }

    fn start(&self, spec: Spec) -> Result<Running> {
        proper(&spec.name)?;
        let name = spec.name.clone();
        let number = {
            let mut servers = self.servers();
            if servers.contains_key(&name) {
                return Err(Error::other(format!("a server named {name} is up already")));
            }
            let taken: Vec<u8> = servers
                .values()
                .map(|slot| match slot {
                    Slot::Coming(number) => *number,
                    Slot::Here(guest) => guest.number,
                })
                .collect();
            let free = (FIRST..=250).find(|number| !taken.contains(number));
            let number = free.ok_or_else(|| Error::other("no address is free in this net"))?;
            servers.insert(name.clone(), Slot::Coming(number));
            number
        };
        let made = self
            .gateway
            .forward(spec.ssh_port, SocketAddrV4::new(segment::address(number), 22))
            .and_then(|port| Guest::start(&self.place, &self.net, &self.segment, spec, number, port));
        match made {
            Ok(guest) => {
                let shown = running(&guest);
                self.servers().insert(name, Slot::Here(guest));
                Ok(shown)
            }
            // Its parts go with the keeper: a net whose server did not start is of no use to anybody.
            Err(error) => Err(error),
        }
    }

    fn stop(&self, name: &str) -> Result<()> {
        let guest = self.guest(name)?;
        guest.remove()?;
        self.servers().remove(name);
        Ok(())
    }

    fn fault(&self, name: &str, fault: &Fault) -> Result<()> {
        faults::inject(&*self.guest(name)?, fault)
    }

    /// Ends every server, then this process, and with it all the rest.
    fn end(&self) -> ! {
        for guest in self.all() {
            if let Err(error) = guest.remove() {
                self.say(&format!("{}: {error}", guest.spec.name));
            }
        }
        let folder = self.place.run(&self.net);
        if std::fs::read_to_string(folder.join("cgroups"))
            .unwrap_or_default()
            .lines()
            .all(|group| !std::path::Path::new(group).exists())
            && let Err(error) = super::image::remove_tree(&folder)
        {
            self.say(&error.to_string());
        }
        std::process::exit(0)
    }

    /// To the net's log.
    fn say(&self, line: &str) {
        // There is nobody else to tell.
        let _unsaid = writeln!(std::io::stderr(), "{}: {line}", self.net);
    }
}

fn running(guest: &Guest) -> Running {
    Running { name: guest.spec.name.clone(), ip: guest.ip(), ssh_port: guest.ssh_port }
}

/// A name that may be a host's and a folder's.
fn proper(name: &str) -> Result<()> {
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 40 || !name.chars().all(fine) {
        return Err(Error::other(format!("{name:?} is no name: use up to 40 of a-z, 0-9 and -")));
    }
    Ok(())
}
