//! The side of a test: a net, and the servers in it. Both end when they are dropped, and when the process that has them dies.

use super::manifest::Manifest;
use super::place::Place;
use super::proxy::Proxy;
use super::spec::{Answer, Fault, Outside, Ran, Request, Running, Spec, Whereabouts};
use super::{host, keeper};
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{BufRead, BufReader, Error, Result, Write};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// An internet of our own, with room for servers.
pub struct Net {
    contact: Contact,
    /// Its standard input is the lifeline.
    keeper: Child,
}

/// How a keeper is asked.
#[derive(Clone)]
pub struct Contact {
    place: Place,
    name: String,
}

/// A running server. What it does to the server it does as the provider would: from outside, or as root.
pub struct Server {
    contact: Contact,
    running: Running,
}

impl Net {
    /// Refuses with what this machine lacks.
    pub fn up() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let contact =
            Contact { place: Place::of_this_user()?, name: format!("t{}-{count}", std::process::id()) };
        let keeper = contact.launch(true)?;
        Ok(Self { contact, keeper })
    }

    /// Makes a server and waits until its sshd answers: seconds, and minutes when the image has to be made first.
    pub fn start(&self, spec: Spec) -> Result<Server> {
        let running = self.contact.ask(&Request::Start(Box::new(spec)))?;
        Ok(Server { contact: self.contact.clone(), running })
    }

    pub fn contact(&self) -> &Contact {
        &self.contact
    }

    /// From now on this name has this address, for the servers and for whoever asks their name server.
    pub fn name(&self, name: &str, ip: Ipv4Addr) -> Result<()> {
        self.contact.ask(&Request::Name { name: name.to_owned(), ip })
    }

    /// Runs something in a thread that stands in the internet: there a server's own address works, and its network's faults
    /// are what a client would see. Threads and programs started from it stand there too; loopback is the internet's.
    pub fn inside<T: Send>(&self, body: impl FnOnce() -> T + Send) -> Result<T> {
        let namespace = self.contact.internet()?;
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| keeper::enter(&namespace).map(|()| body()));
            thread.join().map_err(|_| Error::other("the body panicked inside the net"))?
        })
    }

    /// A program that stands in the internet.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Result<Command> {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.contact.internet_path()?.display())).arg("--").arg(program);
        Ok(command)
    }

    /// A web proxy at this port of the gateway, through which servers reach what this machine reaches.
    pub fn proxy(&self, port: u16) -> Result<Proxy> {
        let listener = self.inside(move || TcpListener::bind((keeper::GATEWAY, port)))??;
        Proxy::serve(listener)
    }

    /// The private key that may log in, OpenSSH's format, no passphrase.
    pub fn key(&self) -> Result<PathBuf> {
        self.contact.key()
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        // Its standard input's end is what ends it; it has cleared up when it is gone.
        drop(self.keeper.stdin.take());
        let _ended = self.keeper.wait();
        let _nothing_said = std::fs::remove_file(self.contact.place.log(&self.contact.name));
    }
}

impl Contact {
    /// The net that was brought up by hand under this name.
    pub fn named(name: &str) -> Result<Self> {
        let contact = Self { place: Place::of_this_user()?, name: name.to_owned() };
        let nets = contact.place.nets()?;
        if nets.iter().any(|net| net == name) {
            return Ok(contact);
        }
        Err(Error::other(format!(
            "no net named {name} is up (there are: {}): throwaway up {name}",
            nets.join(", ")
        )))
    }

    /// Brings up a net that stays until it is told to go.
    pub fn stay(name: &str) -> Result<Self> {
        let contact = Self { place: Place::of_this_user()?, name: name.to_owned() };
        contact.launch(false)?;
        Ok(contact)
    }

    fn launch(&self, lifeline: bool) -> Result<Child> {
        host::ready()?;
        let log = File::create(self.place.log(&self.name))?;
        let mut command = Command::new("setsid");
        command.args([
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
        ]);
        command.arg(super::program()?).args(["keep", &self.name]).stdout(Stdio::piped()).stderr(log);
        if lifeline {
            command.arg("--lifeline").stdin(Stdio::piped());
        } else {
            command.stdin(Stdio::null());
        }
        let mut child = command.spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        if line.trim() == "ready" {
            return Ok(child);
        }
        drop(child.stdin.take());
        child.wait()?;
        let said = std::fs::read_to_string(self.place.log(&self.name)).unwrap_or_default();
        Err(Error::other(format!("no net for throw-away servers: {}", said.trim())))
    }

    pub fn ask<T: DeserializeOwned>(&self, request: &Request) -> Result<T> {
        let gone = |error: Error| {
            let log = self.place.log(&self.name);
            Error::other(format!(
                "the net {} does not answer ({error}); it said in {}: {}",
                self.name,
                log.display(),
                read(&log)
            ))
        };
        let (_, answer) = self.talk(request).map_err(gone)?;
        Ok(serde_json::from_value(answer.map_err(Error::other)?)?)
    }

    fn talk(&self, request: &Request) -> Result<(UnixStream, Answer)> {
        let mut stream = UnixStream::connect(self.place.socket(&self.name))?;
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        stream.write_all(&line)?;
        let mut answer = String::new();
        BufReader::new(&stream).read_line(&mut answer)?;
        let answer = serde_json::from_str(&answer).map_err(|_| Error::other("no answer came"))?;
        Ok((stream, answer))
    }

    /// Ends the net and its servers; it is all gone when this returns.
    pub fn down(&self) -> Result<()> {
        let mut stream = UnixStream::connect(self.place.socket(&self.name))?;
        stream.write_all(&[serde_json::to_vec(&Request::Down)?, b"\n".to_vec()].concat())?;
        // The connection's end is the answer.
        let _ended = BufReader::new(stream).read_line(&mut String::new());
        let _nothing_said = std::fs::remove_file(self.place.log(&self.name));
        Ok(())
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its state, for as long as it is up.
    pub fn folder(&self) -> PathBuf {
        self.place.run(&self.name)
    }

    pub fn servers(&self) -> Result<Vec<Running>> {
        self.ask(&Request::Servers)
    }

    /// The only server of a net, or the one of this name.
    pub fn server(&self, name: Option<&str>) -> Result<Server> {
        let mut found = self.servers()?;
        found.retain(|server| name.is_none_or(|name| server.name == name));
        match <[Running; 1]>::try_from(found) {
            Ok([running]) => Ok(Server { contact: self.clone(), running }),
            Err(found) => Err(Error::other(format!(
                "{} servers are meant in the net {}: name one",
                found.len(),
                self.name
            ))),
        }
    }

    pub fn key(&self) -> Result<PathBuf> {
        keeper::login_key(&self.place.keys())
    }

    /// The internet's namespace as a path, good while the net is up.
    pub fn internet_path(&self) -> Result<PathBuf> {
        let (stream, answer) = self.talk(&Request::Where)?;
        let there: Whereabouts = serde_json::from_value(answer.map_err(Error::other)?)?;
        // The keeper as it is numbered here, not as it numbers itself.
        let keeper = rustix::net::sockopt::socket_peercred(&stream)?.pid.as_raw_nonzero();
        Ok(PathBuf::from(format!("/proc/{keeper}/fd/{}", there.internet)))
    }

    fn internet(&self) -> Result<File> {
        File::open(self.internet_path()?)
    }
}

fn read(log: &Path) -> String {
    std::fs::read_to_string(log).unwrap_or_default().trim().to_owned()
}

impl Server {
    pub fn name(&self) -> &str {
        &self.running.name
    }

    /// Good inside of its net; from this machine use [`Self::ssh_port`] and [`Self::forward`].
    pub fn ip(&self) -> Ipv4Addr {
        self.running.ip
    }

    /// The address that it has, and alone has, after [`Fault::Ipv6Only`].
    pub fn ip6(&self) -> Ipv6Addr {
        let [.., number] = self.running.ip.octets();
        keeper::address6(number)
    }

    /// The port of 127.0.0.1 that leads to its sshd.
    pub fn ssh_port(&self) -> u16 {
        self.running.ssh_port
    }

    /// Another port of 127.0.0.1 that leads to a port of the server, until the net ends.
    pub fn forward(&self, port: u16) -> Result<u16> {
        self.contact.ask(&Request::Forward { server: self.running.name.clone(), port, local: 0 })
    }

    /// `sh -c COMMAND` as root, past sshd, for at most two minutes.
    pub fn exec(&self, command: &str) -> Result<Ran> {
        self.exec_with(command, None, 120)
    }

    /// The same with what it reads, and with its own limit of seconds.
    pub fn exec_with(&self, command: &str, stdin: Option<&Path>, seconds: u32) -> Result<Ran> {
        let stdin = stdin.map(std::path::absolute).transpose()?;
        let (server, command) = (self.running.name.clone(), command.to_owned());
        self.contact.ask(&Request::Exec { server, command, stdin, seconds })
    }

    /// A file of this machine onto the server.
    pub fn put(&self, file: &Path, path: &str, mode: u32) -> Result<()> {
        let order = format!("cat >'{path}' && chmod {mode:o} '{path}'");
        self.exec_with(&order, Some(file), 120)?.ok().map(drop)
    }

    pub fn fault(&self, fault: Fault) -> Result<()> {
        self.contact.ask(&Request::Fault(self.running.name.clone(), fault))
    }

    /// Until sshd answers again, after the restarts that were asked for.
    pub fn wait(&self) -> Result<()> {
        self.contact.ask(&Request::Wait(self.running.name.clone()))
    }

    pub fn manifest(&self) -> Result<Manifest> {
        self.contact.ask(&Request::Manifest(self.running.name.clone()))
    }

    /// Stops it in order, keeps its disk under this name for [`Spec::from`], and starts it again. Replaces one of that name.
    pub fn snapshot(&self, name: &str) -> Result<()> {
        self.contact.ask(&Request::Snapshot { server: self.running.name.clone(), name: name.to_owned() })
    }

    /// A power cut and the disk of the first day.
    pub fn reset(&self) -> Result<()> {
        self.contact.ask(&Request::Reset(self.running.name.clone()))
    }

    /// How this port answers to somebody on the internet.
    pub fn outside(&self, port: u16) -> Result<Outside> {
        let found: Vec<Outside> = self.knock(vec![port])?;
        found.into_iter().next().ok_or_else(|| Error::other("no answer about the port"))
    }

    /// Every TCP port that is open to somebody on the internet.
    pub fn open_ports(&self) -> Result<Vec<u16>> {
        let all: Vec<u16> = (1..=u16::MAX).collect();
        let found = self.knock(all.clone())?;
        Ok(all
            .into_iter()
            .zip(found)
            .filter(|(_, found)| *found == Outside::Open)
            .map(|(port, _)| port)
            .collect())
    }

    fn knock(&self, ports: Vec<u16>) -> Result<Vec<Outside>> {
        self.contact.ask(&Request::Outside { server: self.running.name.clone(), ports })
    }

    /// Ends it; all of it is gone when this returns.
    pub fn stop(self) -> Result<()> {
        self.contact.ask(&Request::Stop(self.running.name.clone()))
    }
}
