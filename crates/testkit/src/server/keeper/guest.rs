//! One server: its disk, its limits, its cable, and the thread that starts systemd-nspawn again and again as a machine's power
//! supply would.

mod power;

use super::disk::Disk;
use super::limits::Limits;
use super::seed;
use super::segment::{Segment, address, guest, namespace};
use crate::server::place::Place;
use crate::server::spec::{Init, Ran, Spec, Suite};
use crate::server::{image, image::text};
use power::Power;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{Error, Read, Result};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a start may take, on a machine that builds three other things meanwhile.
const BOOT: Duration = Duration::from_secs(180);
const END: Duration = Duration::from_secs(90);
/// As sshd is started where there is no systemd.
const BARE: &str = "ifup -a; mkdir -p /run/sshd; ssh-keygen -A; exec /usr/sbin/sshd -D";

pub struct Guest {
    pub spec: Spec,
    pub number: u8,
    pub ssh_port: u16,
    folder: PathBuf,
    layers: Layers,
    segment: Segment,
    limits: Limits,
    disk: Mutex<Disk>,
    power: Power,
    _slot: File,
}

/// What lies beneath a disk, the topmost first; kept beside a snapshot.
#[derive(Clone, Serialize, Deserialize)]
pub struct Layers {
    pub suite: Suite,
    pub folders: Vec<PathBuf>,
}

impl Guest {
    pub fn start(
        place: &Place,
        net: &str,
        segment: &Segment,
        spec: Spec,
        number: u8,
        ssh_port: u16,
    ) -> Result<Arc<Self>> {
        let slot = place.slot(&format!("{net}/{}", spec.name))?;
        let layers = layers(place, &spec)?;
        let folder = place.run(net).join(&spec.name);
        fs::create_dir(&folder)?;
        let disk = Disk::make(&folder, &layers.folders, spec.disk_mib)?;
        seed::network(&disk.root, &spec.name, number)?;
        if spec.from.is_none() {
            seed::machine(&disk.root, &spec, number, &place.keys())?;
        }
        let limits =
            Limits::make(&format!("throwaway-{net}-{}", spec.name), &spec, &place.run(net).join("cgroups"))?;
        segment.plug(number)?;
        let guest = Arc::new(Self {
            spec,
            number,
            ssh_port,
            folder,
            layers,
            segment: segment.clone(),
            limits,
            disk: Mutex::new(disk),
            power: Power::default(),
            _slot: slot,
        });
        let own = guest.clone();
        std::thread::spawn(move || own.power.supply(|| own.launch(), || own.sweep()));
        guest.power_on()?;
        Ok(guest)
    }

    pub fn ip(&self) -> Ipv4Addr {
        address(self.number)
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn root(&self) -> PathBuf {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner).root.clone()
    }

    /// Until sshd answers, after the restarts that were asked for.
    pub fn wait(&self) -> Result<()> {
        let deadline = Instant::now() + BOOT;
        self.in_time(self.power.started(BOOT), "it did not start")?;
        let to = SocketAddr::from((self.ip(), 22));
        while !self.segment.inside(move || Ok(banner(to)))? {
            self.in_time(self.power.is_on() && Instant::now() < deadline, "it has no sshd that answers")?;
            std::thread::sleep(Duration::from_millis(30));
        }
        self.show_memory()
    }

    /// As root in it, beside everything that a login would go through.
    pub fn exec(&self, command: &str, stdin: Option<&Path>, seconds: u32) -> Result<Ran> {
        let leader = self.leader()?.to_string();
        let seconds = seconds.to_string();
        let mut enter = Command::new("timeout");
        enter.args(["--kill-after=5", &seconds, "nsenter", "--target", &leader]);
        enter.args(["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd", "--"]);
        enter.args(["/bin/sh", "-c", command]).env_clear();
        enter.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        enter.envs([("HOME", "/root"), ("LANG", "C.UTF-8"), ("DEBIAN_FRONTEND", "noninteractive")]);
        match stdin {
            Some(file) => enter.stdin(File::open(file)?),
            None => enter.stdin(Stdio::null()),
        };
        let done = enter.output()?;
        let code = std::os::unix::process::ExitStatusExt::signal(&done.status)
            .map_or(done.status.code(), |s| Some(128 + s));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Ran { code: code.unwrap_or(-1), out: text(&done.stdout), err: text(&done.stderr) })
    }

    /// `exec` that must end well.
    pub fn order(&self, command: &str) -> Result<String> {
        self.exec(command, None, 120)?.ok().map_err(|error| Error::other(format!("{command}: {error}")))
    }

    pub fn expect_restart(&self) {
        self.power.expect_restart();
    }

    pub fn power_cut(&self) -> Result<()> {
        self.power.expect_cut();
        self.limits.kill()
    }

    /// An ordered end; the disk is at rest afterwards.
    pub fn power_off(&self) -> Result<()> {
        self.power.off();
        let Some(process) = self.power.process() else { return Ok(()) };
        // nspawn turns it into the signal for an ordered end.
        signal(process, rustix::process::Signal::TERM)?;
        self.in_time(self.power.stopped(END), "it did not end in order")
    }

    pub fn power_on(&self) -> Result<()> {
        self.power.on();
        self.wait()
    }

    /// Stops it, keeps what it changed as a layer for others, and starts it again.
    pub fn snapshot(&self, place: &Place, name: &str) -> Result<()> {
        self.power_off()?;
        let half = place.snapshot(&format!("{name}.half"));
        image::remove_tree(&half)?;
        fs::create_dir(&half)?;
        self.disk.lock().unwrap_or_else(PoisonError::into_inner).copy_changes(&half.join("upper"))?;
        let layers = serde_json::to_vec(&self.layers)?;
        fs::write(half.join("layers.json"), layers)?;
        image::remove_tree(&place.snapshot(name))?;
        fs::rename(&half, place.snapshot(name))?;
        self.power_on()
    }

    /// The disk as it was at the first start.
    pub fn reset(&self, place: &Place) -> Result<()> {
        self.power.off();
        self.limits.kill()?;
        self.in_time(self.power.stopped(END), "it did not end")?;
        {
            let mut disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
            disk.remove()?;
            *disk = Disk::make(&self.folder, &self.layers.folders, self.spec.disk_mib)?;
            seed::network(&disk.root, &self.spec.name, self.number)?;
            if self.spec.from.is_none() {
                seed::machine(&disk.root, &self.spec, self.number, &place.keys())?;
            }
        }
        self.power_on()
    }

    /// Its end, and the end of everything it had here.
    pub fn remove(&self) -> Result<()> {
        self.power.over();
        self.limits.kill()?;
        self.in_time(self.power.ended(END), "it did not end")?;
        self.disk.lock().unwrap_or_else(PoisonError::into_inner).remove()?;
        self.segment.unplug(self.number)?;
        self.limits.remove()?;
        image::remove_tree(&self.folder)
    }

    fn in_time(&self, done: bool, late: &str) -> Result<()> {
        if done {
            Ok(())
        } else {
            Err(Error::other(format!("{}: {late}: {}", self.spec.name, self.last_words())))
        }
    }

    fn launch(&self) -> Option<Child> {
        let started = self.segment.forget(self.number).and_then(|()| self.nspawn());
        started.inspect_err(|error| self.note(&error.to_string())).ok()
    }

    /// Killed from outside, nspawn leaves its guest running.
    fn sweep(&self) {
        if let Err(error) = self.limits.renew() {
            self.note(&error.to_string());
        }
    }

    fn nspawn(&self) -> Result<Child> {
        let console = File::options().create(true).append(true).open(self.console())?;
        // The process puts itself into its groups before it becomes nspawn.
        let mut command = Command::new("sh");
        command.args([
            "-c",
            r#"while [ "$1" != -- ]; do echo 0 >"$1" || exit 90; shift; done; shift; exec "$@""#,
            "sh",
        ]);
        command.args(self.limits.joins()).arg("--");
        let last = self.spec.cpus.saturating_sub(1);
        command.args(["taskset", "--cpu-list", &format!("0-{last}"), "systemd-nspawn", "--quiet"]);
        command.args([
            "--register=no",
            "--keep-unit",
            "--link-journal=no",
            "--resolv-conf=off",
            "--timezone=off",
        ]);
        command.args(["--console=pipe", "--capability=CAP_NET_ADMIN", "--rlimit=RLIMIT_NOFILE=1024:524288"]);
        command.arg(format!("--machine={}", self.spec.name)).arg(format!("--hostname={}", self.spec.name));
        command.arg(format!("--directory={}", text(&self.root())?));
        command.arg(format!("--network-namespace-path={}", namespace(&guest(self.number))));
        match self.spec.init {
            Init::Systemd => command.arg("--boot"),
            Init::Bare => command.args(["--as-pid2", "/bin/sh", "-c", BARE]),
        };
        command
            .env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1")
            .env("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "network");
        command.stdin(Stdio::null()).stdout(console.try_clone()?).stderr(console);
        command.spawn().map_err(|error| Error::other(format!("cannot start systemd-nspawn: {error}")))
    }

    /// The first process of the guest, as it is numbered here.
    fn leader(&self) -> Result<u32> {
        let off = || Error::other(format!("{} is not running: {}", self.spec.name, self.last_words()));
        let nspawn = self.power.process().ok_or_else(off)?;
        let children = fs::read_to_string(format!("/proc/{nspawn}/task/{nspawn}/children"))?;
        let first = |pid: &u32| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let own = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
            own.and_then(|list| list.split_whitespace().last().map(|number| number == "1")).unwrap_or(false)
        };
        children.split_whitespace().filter_map(|word| word.parse().ok()).find(first).ok_or_else(off)
    }

    /// The kernel shows the whole machine's memory; a server of this size would show its own. A fixed picture, since nothing
    /// here keeps it up to date.
    fn show_memory(&self) -> Result<()> {
        let all = u64::from(self.spec.memory_mib) * 1024 * 97 / 100;
        let rows = [
            ("MemTotal", all),
            ("MemFree", all * 60 / 100),
            ("MemAvailable", all * 80 / 100),
            ("Buffers", 8192),
            ("Cached", all * 20 / 100),
            ("SwapTotal", 0),
            ("SwapFree", 0),
        ];
        let lines: String =
            rows.map(|(name, kib)| format!("{:15} {kib:8} kB\\n", format!("{name}:"))).concat();
        // A file that is mounted somewhere may lose its name.
        self.order(&format!(
            "grep -q ' /proc/meminfo ' /proc/mounts || {{ printf '{lines}' >/run/.meminfo && mount --bind /run/.meminfo /proc/meminfo && rm -f /run/.meminfo; }}"
        ))
        .map(drop)
    }

    fn console(&self) -> PathBuf {
        self.folder.join("console.log")
    }

    fn note(&self, line: &str) {
        if let Ok(mut file) = File::options().create(true).append(true).open(self.console()) {
            // It is only for people who read the console.
            let _unsaid = std::io::Write::write_all(&mut file, format!("{line}\n").as_bytes());
        }
    }

    fn last_words(&self) -> String {
        let text = fs::read(self.console()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().rev().take(12).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

fn layers(place: &Place, spec: &Spec) -> Result<Layers> {
    let Some(name) = &spec.from else {
        return Ok(Layers { suite: spec.suite, folders: vec![image::image(place, spec.suite)?] });
    };
    let folder = place.snapshot(name);
    let kept = fs::read(folder.join("layers.json")).map_err(|_| {
        Error::other(format!("there is no snapshot {name}: take it first (Server::snapshot)"))
    })?;
    let mut layers: Layers = serde_json::from_slice(&kept)?;
    layers.folders.insert(0, folder.join("upper"));
    if let Some(gone) = layers.folders.iter().find(|layer| !layer.exists()) {
        return Err(Error::other(format!(
            "snapshot {name} lay over {}, which is gone: take it again",
            gone.display()
        )));
    }
    Ok(layers)
}

fn signal(process: u32, signal: rustix::process::Signal) -> Result<()> {
    let pid = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    Ok(rustix::process::kill_process(pid.ok_or_else(|| Error::other("no such process"))?, signal)?)
}

fn banner(to: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect_timeout(&to, Duration::from_secs(1)) else { return false };
    let mut start = [0; 4];
    stream.set_read_timeout(Some(Duration::from_secs(5))).is_ok()
        && stream.read_exact(&mut start).is_ok()
        && &start == b"SSH-"
}
