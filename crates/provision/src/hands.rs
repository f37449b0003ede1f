//! Everything that reaches out of the files: programs, owners, locks, the network and the clock. One real form; tests
//! have one that records what it was asked for and plays the system's part in a folder.

use crate::place::Root;
use protocol::At;
use rustix::fs::FlockOperation;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// One program to run to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call<'a> {
    pub program: &'a str,
    pub args: Vec<String>,
    pub env: Vec<(&'a str, &'a str)>,
}

impl<'a> Call<'a> {
    pub fn new(program: &'a str, args: &[&str]) -> Call<'a> {
        Call { program, args: args.iter().map(|arg| (*arg).to_owned()).collect(), env: Vec::new() }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn ok(&self) -> bool {
        self.code == 0
    }

    /// Its last words, for a message.
    pub fn why(&self) -> String {
        let lines = |text: &str| {
            let last: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            last.iter().rev().take(3).rev().copied().collect::<Vec<_>>().join(" / ")
        };
        match (lines(&self.err), lines(&self.out)) {
            (err, out) if err.is_empty() && out.is_empty() => format!("it ended with code {}", self.code),
            (err, out) if err.is_empty() => out,
            (err, _) => err,
        }
    }
}

/// Of the file system that holds a path.
#[derive(Debug, Clone, Copy)]
pub struct Space {
    pub free: u64,
    pub total: u64,
    pub read_only: bool,
}

pub trait Hands {
    fn now(&self) -> At;
    /// Whether we may do all this.
    fn is_root(&self) -> bool;
    fn run(&self, call: &Call<'_>) -> io::Result<Said>;
    fn own(&self, path: &Path, owner: (u32, u32)) -> io::Result<()>;
    fn owner(&self, path: &Path) -> io::Result<(u32, u32)>;
    fn space(&self, path: &Path) -> io::Result<Space>;
    /// Returns true when nobody holds the lock file any more, false when that took longer than `limit`.
    fn until_free(&self, lock: &Path, limit: Duration) -> io::Result<bool>;
    /// Whether a program listens there, and its clock where it speaks HTTP.
    fn reach(&self, host: &str, port: u16) -> io::Result<Option<String>>;
    /// The address that this machine is seen by where it is not behind a gateway.
    fn address(&self) -> Option<IpAddr>;
    /// Ends all that runs as a user.
    fn end_user(&self, uid: u32) -> io::Result<()>;
}

/// This machine's.
#[derive(Debug, Clone, Copy, Default)]
pub struct Real;

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const CONNECT: Duration = Duration::from_secs(5);

impl Hands for Real {
    fn now(&self) -> At {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        At(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn is_root(&self) -> bool {
        rustix::process::geteuid().is_root()
    }

    fn run(&self, call: &Call<'_>) -> io::Result<Said> {
        let mut command = Command::new(call.program);
        if std::env::var_os("http_proxy").is_none() {
            command.envs(crate::facts::proxies(&Root::new("/")));
        }
        command.args(&call.args).env("PATH", PATH).env("LC_ALL", "C.UTF-8").envs(call.env.iter().copied());
        let out = command.current_dir("/").stdin(Stdio::null()).output()?;
        Ok(Said {
            code: out.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&out.stdout).into_owned(),
            err: String::from_utf8_lossy(&out.stderr).into_owned(),
        })
    }

    fn own(&self, path: &Path, (uid, gid): (u32, u32)) -> io::Result<()> {
        std::os::unix::fs::lchown(path, Some(uid), Some(gid))
    }

    fn owner(&self, path: &Path) -> io::Result<(u32, u32)> {
        let meta = std::fs::symlink_metadata(path)?;
        Ok((meta.uid(), meta.gid()))
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        // The nearest folder that is there: the place itself may be made only later.
        let there = path.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
        let of = rustix::fs::statvfs(there)?;
        Ok(Space {
            free: of.f_bavail.saturating_mul(of.f_frsize),
            total: of.f_blocks.saturating_mul(of.f_frsize),
            read_only: of.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
        })
    }

    fn until_free(&self, lock: &Path, limit: Duration) -> io::Result<bool> {
        let file = match std::fs::File::options().write(true).open(lock) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(true),
            opened => opened?,
        };
        // A lock cannot be awaited together with a deadline, so another thread waits for it. Left alone at the deadline
        // it ends with this program.
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let had = rustix::fs::fcntl_lock(&file, FlockOperation::LockExclusive);
            // Let go before anybody goes on: the lock is not for us, but for the program that we start next.
            drop(file);
            let _ = tell.send(had);
        });
        match told.recv_timeout(limit) {
            Ok(had) => had.map(|()| true).map_err(Into::into),
            Err(_) => Ok(false),
        }
    }

    fn reach(&self, host: &str, port: u16) -> io::Result<Option<String>> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in (host, port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, CONNECT) {
                Ok(stream) => return Ok(date(stream, host).unwrap_or(None)),
                Err(e) => last = e,
            }
        }
        Err(last)
    }

    fn address(&self) -> Option<IpAddr> {
        // Nothing is sent: the kernel says which address it would use. Both are documentation addresses.
        let by = |own: &str, other: &str| {
            let socket = UdpSocket::bind((own, 0)).ok()?;
            socket.connect((other, 9)).ok()?;
            socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_unspecified())
        };
        by("0.0.0.0", "192.0.2.1").or_else(|| by("::", "2001:db8::1"))
    }

    fn end_user(&self, uid: u32) -> io::Result<()> {
        for entry in std::fs::read_dir("/proc")?.filter_map(Result::ok) {
            let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
            let (Some(pid), Ok(meta)) = (pid.and_then(rustix::process::Pid::from_raw), entry.metadata())
            else {
                continue;
            };
            if meta.uid() == uid {
                // One that just ended is as good as killed.
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
        Ok(())
    }
}

/// The `Date` of a plain HTTP server.
fn date(mut stream: TcpStream, host: &str) -> io::Result<Option<String>> {
    stream.set_read_timeout(Some(CONNECT))?;
    stream.set_write_timeout(Some(CONNECT))?;
    write!(stream, "HEAD / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let head = BufReader::new(stream.take(16 << 10)).lines().map_while(Result::ok);
    let mut dates = head.take_while(|line| !line.is_empty()).filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("date").then(|| value.trim().to_owned())
    });
    Ok(dates.next())
}
