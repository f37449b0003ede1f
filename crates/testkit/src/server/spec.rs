//! What is asked of a throw-away server and what comes back: the words that a test, the command line and the keeper share.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The release of Debian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Suite {
    /// Debian 12.
    Bookworm,
    /// Debian 13.
    Trixie,
}

impl Suite {
    pub fn word(self) -> &'static str {
        match self {
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
        }
    }
}

/// What runs as the first process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    Systemd,
    /// Only sshd, as in some containers that are sold as servers: systemd's programs are there and find nothing to talk to.
    Bare,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sudo {
    No,
    Free,
    Asks,
}

/// Somebody who can log in. `root` is changed, everybody else is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    pub name: String,
    /// Without one, a password never fits.
    pub password: Option<String>,
    /// The key of [`super::Net::key`] may log in.
    pub key: bool,
    pub sudo: Sudo,
}

impl Login {
    fn new(name: &str, password: Option<&str>, key: bool, sudo: Sudo) -> Self {
        Self { name: name.to_owned(), password: password.map(str::to_owned), key, sudo }
    }

    /// root (key, `rootpw`), debian (key, sudo without question), admin (`adminpw`, sudo asks for it), plain (`plainpw`, no sudo).
    pub fn usual() -> Vec<Self> {
        vec![
            Self::new("root", Some("rootpw"), true, Sudo::No),
            Self::new("debian", None, true, Sudo::Free),
            Self::new("admin", Some("adminpw"), false, Sudo::Asks),
            Self::new("plain", Some("plainpw"), false, Sudo::No),
        ]
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Also its host name: letters, digits and `-`.
    pub name: String,
    pub suite: Suite,
    pub init: Init,
    pub memory_mib: u32,
    pub cpus: u32,
    pub disk_mib: u32,
    /// The disk begins as this snapshot, with its logins and its host keys.
    pub from: Option<String>,
    pub logins: Vec<Login>,
    /// The port on 127.0.0.1 that leads to its sshd; 0 for any that is free.
    pub ssh_port: u16,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            name: "vps1".to_owned(),
            suite: Suite::Bookworm,
            init: Init::Systemd,
            memory_mib: 1024,
            cpus: 1,
            disk_mib: 10 * 1024,
            from: None,
            logins: Login::usual(),
            ssh_port: 0,
        }
    }
}

/// What can be done to a server. Those of the network end with `Heal`; each of the others says what ends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Every IPv4 packet from and to it is lost without a word; open connections hang.
    Blackhole,
    /// The cable is out: both sides see the link go down.
    LinkDown,
    /// Whoever sends to this TCP port is answered with a reset, on open connections too.
    Reset(u16),
    /// No more than this rate in each direction, in the words of `tc` (`256kbit`).
    Slow(String),
    /// Its name server does not answer.
    DnsDead,
    /// What it asks of the world outside over 80 and 443 is lost.
    NoRegistry,
    /// The same, and answered with a reset.
    RegistryRefuses,
    /// Takes every fault of the network back.
    Heal,
    /// The processes of all ssh sessions are killed; sshd goes on.
    CutSessions,
    /// No process of it runs any more; connections open and nobody answers. Ends with `Thaw`.
    Freeze,
    Thaw,
    /// An ordered restart. Returns at once; [`super::Server::wait`] waits until it is back.
    Reboot,
    /// All its processes are killed, then it starts again. What they wrote is on the disk even without fsync, which a
    /// real cut does not promise.
    PowerCut,
    /// An ordered end. `PowerOn` starts it again.
    PowerOff,
    PowerOn,
    /// Other host keys from now on.
    NewHostKey,
    StopSshd,
    StartSshd,
    /// Before all other lines of sshd's configuration; open sessions keep what they had. Ends with `SshdAsBefore`.
    SshdConfig(String),
    SshdAsBefore,
    /// For so many seconds the locks of apt and dpkg are held by a process that looks like unattended-upgrades.
    AptLock(u32),
    AptFree,
    /// A package is left half configured and cannot be configured: every install ends with an error.
    DpkgBroken,
    DpkgMended,
    /// The disk is full but for so many KiB.
    FillDisk(u32),
    FreeDisk,
    /// A program listens on this port on all addresses.
    PortBusy(u16),
    PortFree(u16),
    /// `/` is read-only for every process that sees the machine's own mounts.
    ReadOnlyRoot,
    WritableRoot,
    /// IPv6 alone from now on, address, route and name server: the world outside is behind the provider's gateway (NAT64).
    /// The faults of the network and [`super::Server::forward`] are for IPv4. Ends with `Ipv4Again`, and with a restart.
    Ipv6Only,
    Ipv4Again,
    /// What is started over ssh, and is not linked statically, sees a clock that is so many seconds ahead (libfaketime,
    /// fetched by apt).
    ClockAhead(u32),
    ClockRight,
    /// The program `date` says a time so many seconds off. The clock itself is the host's and cannot be changed.
    DateOff(i64),
    DateRight,
    /// Every shell that this user starts over ssh prints something first.
    NoisyBashrc(String),
    /// This user's shell is `nologin`.
    NologinShell(String),
    /// /etc/os-release says this.
    OsRelease(String),
}

impl std::str::FromStr for Fault {
    type Err = String;

    /// `freeze`, `apt-lock=30`, `sshd-config=MaxSessions 1`.
    fn from_str(text: &str) -> Result<Self, String> {
        use serde_json::{Value, json};
        let read = |value: Value| serde_json::from_value::<Self>(value).map_err(|error| error.to_string());
        let Some((name, given)) = text.split_once('=') else { return read(Value::from(text)) };
        let as_text = read(json!({ name: given }));
        match serde_json::from_str::<Value>(given) {
            Ok(value) => read(json!({ name: value })).or(as_text),
            Err(_) => as_text,
        }
    }
}

/// A server that runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Running {
    pub name: String,
    /// In the network of its [`super::Net`]; from this machine only `ssh_port` leads there.
    pub ip: std::net::Ipv4Addr,
    pub ssh_port: u16,
}

/// What a command left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    /// As a shell counts: 128 and more for a signal, 124 when its time was over.
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Its output without the last line's end; an error with all it said if it failed.
    pub fn ok(self) -> std::io::Result<String> {
        if self.code != 0 {
            return Err(std::io::Error::other(format!("exit {}: {}{}", self.code, self.out, self.err)));
        }
        Ok(self.out.trim_end().to_owned())
    }
}

/// How a port answers to somebody on the internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outside {
    Open,
    Refused,
    Silent,
}

/// One thing that is asked of a keeper; a line of JSON on its socket.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    Start(Box<Spec>),
    Stop(String),
    Servers,
    Wait(String),
    Exec { server: String, command: String, stdin: Option<PathBuf>, seconds: u32 },
    Fault(String, Fault),
    Manifest(String),
    Snapshot { server: String, name: String },
    Reset(String),
    Outside { server: String, ports: Vec<u16> },
    Forward { server: String, port: u16, local: u16 },
    Name { name: String, ip: std::net::Ipv4Addr },
    Where,
    Down,
}

/// Where the keeper of a net is, for those who enter its network.
#[derive(Debug, Serialize, Deserialize)]
pub struct Whereabouts {
    /// Its open file that is the network namespace of the internet.
    pub internet: i32,
}

pub type Answer = Result<serde_json::Value, String>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_from_words() {
        assert_eq!("freeze".parse(), Ok(Fault::Freeze));
        assert_eq!("apt-lock=30".parse(), Ok(Fault::AptLock(30)));
        assert_eq!("slow=256kbit".parse(), Ok(Fault::Slow("256kbit".into())));
        assert_eq!("sshd-config=MaxSessions 1".parse(), Ok(Fault::SshdConfig("MaxSessions 1".into())));
        assert_eq!("sshd-config=1".parse(), Ok(Fault::SshdConfig("1".into())));
        assert!("apt-lock=soon".parse::<Fault>().is_err());
        assert!("rain".parse::<Fault>().is_err());
    }
}
