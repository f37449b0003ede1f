//! A server in a folder. What the system's programs would do to it is done to files in it, so that a manifest of the
//! folder shows all that is left behind.

use crate::*;
use protocol::At;
use protocol::setup::{Obstacle, ObstacleKind, Wish, Work};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub struct World {
    pub dir: tempfile::TempDir,
    pub calls: RefCell<Vec<String>>,
    owners: RefCell<BTreeMap<PathBuf, (u32, u32)>>,
    clock: Cell<i64>,
    pub root_user: Cell<bool>,
    pub free: Cell<u64>,
    pub read_only: Cell<bool>,
    pub date: RefCell<io::Result<Option<String>>>,
    /// The n-th run of apt-get fails with these words.
    pub apt_fails: RefCell<Vec<String>>,
    /// This version does not answer.
    pub sick: RefCell<Option<String>>,
}

pub const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKkYdW5rVbq0y2Tn5i8mNqgY1v6dXrH8g3mX2Vh7y9aB desk";
const PACKAGES: [&str; 4] = ["sudo", "ca-certificates", "unattended-upgrades", "systemd-timesyncd"];

impl World {
    pub fn new() -> World {
        // Thousands of records are written: in memory where there is such a place.
        let shm = Path::new("/dev/shm");
        let dir = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.unwrap();
        let world = World {
            dir,
            calls: RefCell::default(),
            owners: RefCell::default(),
            clock: Cell::new(1_763_800_000_000),
            root_user: Cell::new(true),
            free: Cell::new(20 << 30),
            read_only: Cell::new(false),
            date: RefCell::new(Ok(None)),
            apt_fails: RefCell::default(),
            sick: RefCell::default(),
        };
        for (path, text) in [
            ("/etc/os-release", "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n"),
            ("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"),
            ("/etc/hostname", "vps\n"),
            ("/etc/apt/sources.list", "deb http://mirror.test/debian bookworm main\n"),
            ("/etc/apt/apt.conf.d/20auto-upgrades", "on\n"),
            ("/etc/sudoers.d/README", "\n"),
            ("/proc/1/comm", "systemd\n"),
            ("/proc/swaps", ""),
            ("/proc/meminfo", "MemTotal: 1000000 kB\nMemAvailable: 500000 kB\nSwapTotal: 0 kB\n"),
            ("/usr/bin/sudo", ""),
            ("/run/systemd/system/x", ""),
            ("/etc/systemd/system/multi-user.target.wants/x", ""),
            ("/usr/local/bin/x", ""),
            ("/opt/x", ""),
            ("/var/lib/x", ""),
            ("/upload", "program 0.1.0"),
            ("/fake/packages/x", ""),
            ("/fake/units/x", ""),
        ] {
            world.write(path, text);
        }
        for package in PACKAGES {
            world.write(&format!("/fake/packages/{package}"), "installed");
        }
        world.unit("systemd-timesyncd.service", true);
        world
    }

    pub fn root(&self) -> Root {
        Root::new(self.dir.path())
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.root().at(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        let at = self.at(path);
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::fs::write(at, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.at(path)).unwrap_or_default()
    }

    pub fn unit(&self, name: &str, on: bool) {
        self.write(&format!("/fake/units/{name}"), if on { "enabled active" } else { "disabled inactive" });
    }

    /// A process that listens on a port.
    pub fn listens(&self, port: u16, pid: u32, name: &str, unit: Option<&str>) {
        let line = format!("0: 00000000:{port:04X} 00000000:0000 0A 0:0 0:0 0 0 0 {pid}77 1 0\n");
        let file = "/proc/net/tcp";
        let head = if self.at(file).exists() { self.read(file) } else { "head\n".to_owned() };
        self.write(file, &(head + &line));
        self.write(&format!("/proc/{pid}/comm"), name);
        let cgroup = unit.map_or_else(String::new, |unit| format!("0::/system.slice/{unit}\n"));
        self.write(&format!("/proc/{pid}/cgroup"), &cgroup);
        let fd = self.at(&format!("/proc/{pid}/fd"));
        std::fs::create_dir_all(&fd).unwrap();
        std::os::unix::fs::symlink(format!("socket:[{pid}77]"), fd.join("3")).unwrap();
    }

    pub fn setup(&self) -> Setup<'_> {
        self.version("0.1.0", "/upload")
    }

    pub fn version(&self, version: &str, program: &str) -> Setup<'_> {
        let program = self.at(program);
        let sha256 = crate::saved::hash_of(&program).unwrap();
        Setup { root: self.root(), hands: self, house: self, program, version: version.to_owned(), sha256 }
    }

    pub fn order(work: Work) -> Order {
        let wish = Wish { project: Some("Bakery".to_owned()), ..Wish::default() };
        let key = (work == Work::Begin).then(|| KEY.to_owned());
        Order { key, ..Order::new(work, wish) }
    }

    /// As the command line does it.
    pub fn run(&self, order: &Order, hook: Hook) -> Result<Outcome, Stop> {
        self.run_as(&self.setup(), order, hook)
    }

    pub fn run_as(&self, setup: &Setup<'_>, order: &Order, hook: Hook) -> Result<Outcome, Stop> {
        may_begin(setup, order)?;
        let _lock = Lock::take(&setup.root, &Owner::this("test"))?;
        let mut journal = Journal::open(&setup.root, hook)?;
        match begin_run(setup, &mut journal, order, None)? {
            Begun::Started { .. } => go_on(setup, &mut journal, &mut |_| ()),
            Begun::Differs(plan) => panic!("differs: {plan:?}"),
        }
    }

    pub fn installed(&self) {
        assert!(
            matches!(self.run(&World::order(Work::Begin), |_| ()).unwrap(), Outcome::Done { changes } if changes > 5)
        );
        let done = self.run(&World::order(Work::Apply), |_| ()).unwrap();
        assert!(matches!(done, Outcome::Done { changes } if changes > 5), "{done:?}");
    }

    /// All that is there, but for the set-up's own records.
    pub fn manifest(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        let mut open = vec![self.dir.path().to_owned()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                let name = format!("/{}", path.strip_prefix(self.dir.path()).unwrap().display());
                if name == paths::SETUP {
                    continue;
                }
                let meta = entry.metadata().unwrap();
                let what = if meta.is_symlink() {
                    format!("-> {}", std::fs::read_link(&path).unwrap().display())
                } else if meta.is_dir() {
                    open.push(path.clone());
                    "folder".to_owned()
                } else {
                    std::fs::read_to_string(&path).unwrap_or_else(|_| "bytes".to_owned())
                };
                let mode = if meta.is_symlink() { 0 } else { meta.permissions().mode() & 0o7777 };
                let owner = self.owners.borrow().get(&path).copied();
                all.insert(name, format!("{mode:o} {owner:?} {what}"));
            }
        }
        all
    }

    fn said(code: i32, out: impl Into<String>) -> io::Result<Said> {
        Ok(Said { code, out: out.into(), err: String::new() })
    }

    fn packages(&self, args: &[String]) -> io::Result<Said> {
        let words: Vec<&str> = args.iter().map(String::as_str).collect();
        let verb = ["update", "install", "purge"].into_iter().find(|verb| words.contains(verb)).unwrap();
        if let Some(words) = self.apt_fails.borrow_mut().pop() {
            return Self::said(100, words);
        }
        let at = words.iter().position(|word| *word == verb).unwrap();
        let names = words[at + 1..].to_vec();
        // Each brings one that it needs.
        let with_needs = names.iter().flat_map(|name| [(*name).to_owned(), format!("lib{name}")]);
        match (verb, words.contains(&"-s")) {
            ("install", true) => {
                let lines = with_needs.map(|name| format!("Inst {name} (1)\n"));
                Self::said(0, lines.collect::<String>())
            }
            ("install", false) => {
                for name in with_needs {
                    self.write(&format!("/fake/packages/{name}"), "installed");
                }
                Self::said(0, "")
            }
            ("purge", true) => {
                let mut lines: String = names.iter().map(|name| format!("Purg {name} [1]\n")).collect();
                if names.contains(&"git") && self.at("/fake/packages/needs-git").exists() {
                    lines += "Purg needs-git [1]\n";
                }
                Self::said(0, lines)
            }
            ("purge", false) => {
                for name in names {
                    let _ = std::fs::remove_file(self.at(&format!("/fake/packages/{name}")));
                }
                Self::said(0, "")
            }
            _ => Self::said(0, ""),
        }
    }

    fn systemctl(&self, args: &[String]) -> io::Result<Said> {
        let words: Vec<&str> = args.iter().map(String::as_str).filter(|word| *word != "--now").collect();
        let now = args.iter().any(|word| word == "--now");
        let (verb, names) = words.split_first().unwrap();
        let Some(name) = names.first() else { return Self::said(0, "") };
        let file = format!("/fake/units/{name}");
        let text = self.read(&file);
        let (enabled, active) = (text.contains("enabled"), text.contains(" active"));
        let set = |enabled: bool, active: bool| {
            let unit = self.at(&format!("/etc/systemd/system/{name}"));
            if !enabled && !active && unit.exists() {
                let _ = std::fs::remove_file(self.at(&file));
            } else {
                let words = (
                    if enabled { "enabled" } else { "disabled" },
                    if active { "active" } else { "inactive" },
                );
                self.write(&file, &format!("{} {}", words.0, words.1));
            }
            if name.ends_with(".swap") {
                self.write("/proc/swaps", if active { "/var/lib/loopwright/swapfile" } else { "" });
            }
            if name.starts_with("nginx") && !active {
                let _ = std::fs::remove_file(self.at("/proc/net/tcp"));
            }
            Self::said(0, "")
        };
        match *verb {
            "is-enabled" => Self::said(0, if enabled { "enabled" } else { "disabled" }),
            "is-active" => Self::said(0, if active { "active" } else { "inactive" }),
            "enable" => set(true, active || now),
            "disable" if self.at(&file).exists() => set(false, active && !now),
            // Its work is done once more by who started it.
            "restart" if *name == paths::RESUME_UNIT => Self::said(0, ""),
            "start" | "restart" => set(enabled, true),
            "stop" if self.at(&file).exists() => set(enabled, false),
            _ => Self::said(0, ""),
        }
    }
}

impl Hands for World {
    fn now(&self) -> At {
        self.clock.set(self.clock.get() + 5);
        At(self.clock.get())
    }

    fn is_root(&self) -> bool {
        self.root_user.get()
    }

    fn run(&self, call: &Call<'_>) -> io::Result<Said> {
        self.calls.borrow_mut().push(format!("{} {}", call.program, call.args.join(" ")));
        match call.program {
            "systemctl" => self.systemctl(&call.args),
            "apt-get" => self.packages(&call.args),
            "dpkg-query" => {
                let mut rows = String::new();
                for entry in std::fs::read_dir(self.at("/fake/packages")).unwrap().flatten() {
                    let name = entry.file_name().into_string().unwrap();
                    let asked = call.args.get(3).is_none() || call.args.contains(&name);
                    let status = std::fs::read_to_string(entry.path()).unwrap();
                    if asked && !status.is_empty() {
                        rows += &format!("{name} {status}\n");
                    }
                }
                Self::said(0, rows)
            }
            "dpkg" => {
                self.write("/fake/packages/half", "installed");
                Self::said(0, "")
            }
            "useradd" => {
                let name = call.args.last().unwrap();
                let text = self.read("/etc/passwd");
                let uid = 900 + text.lines().count();
                self.write("/etc/passwd", &format!("{text}{name}:x:{uid}:{uid}::/:/bin/false\n"));
                Self::said(0, "")
            }
            "userdel" => {
                let name = format!("{}:", call.args.last().unwrap());
                let text = self.read("/etc/passwd");
                let kept: String = text
                    .lines()
                    .filter(|line| !line.starts_with(&name))
                    .map(|line| format!("{line}\n"))
                    .collect();
                self.write("/etc/passwd", &kept);
                Self::said(0, "")
            }
            "fallocate" => {
                std::fs::write(call.args.last().unwrap(), "").unwrap();
                Self::said(0, "")
            }
            "apt-config" if call.args.iter().any(|arg| arg.contains("Unattended")) => {
                let on = self.at("/etc/apt/apt.conf.d/20auto-upgrades").exists();
                Self::said(0, if on { "APT::Periodic::Unattended-Upgrade \"1\";" } else { "" })
            }
            _ => Self::said(0, ""),
        }
    }

    fn own(&self, path: &Path, owner: (u32, u32)) -> io::Result<()> {
        let name = path.file_name().unwrap().to_str().unwrap();
        // A file is given its owner before it is given its name.
        let name = name.strip_suffix(".loopwright-new").map_or(name, |name| &name[1..]);
        self.owners.borrow_mut().insert(path.with_file_name(name), owner);
        Ok(())
    }

    fn owner(&self, path: &Path) -> io::Result<(u32, u32)> {
        Ok(self.owners.borrow().get(path).copied().unwrap_or((0, 0)))
    }

    fn space(&self, _: &Path) -> io::Result<Space> {
        Ok(Space { free: self.free.get(), total: 40 << 30, read_only: self.read_only.get() })
    }

    fn until_free(&self, lock: &Path, _: Duration) -> io::Result<bool> {
        std::fs::write(lock, "").unwrap();
        let _ = std::fs::remove_file(self.at("/proc/locks"));
        Ok(true)
    }

    fn reach(&self, _: &str, _: u16) -> io::Result<Option<String>> {
        match &*self.date.borrow() {
            Ok(date) => Ok(date.clone()),
            Err(e) => Err(io::Error::new(e.kind(), e.to_string())),
        }
    }

    fn address(&self) -> Option<std::net::IpAddr> {
        Some([198, 51, 100, 10].into())
    }

    fn end_user(&self, _: u32) -> io::Result<()> {
        Ok(())
    }
}

impl House for World {
    fn wanted(&self, program: &str) -> Option<String> {
        (program != "nowhere").then(|| "24.1.0".to_owned())
    }

    fn installed(&self, program: &str) -> Option<String> {
        std::fs::read_to_string(self.at(&format!("{}/{program}", paths::TOOLS))).ok()
    }

    fn install(&self, program: &str, tell: &mut dyn FnMut(String)) -> Result<(), Obstacle> {
        tell(format!("fetching {program}"));
        self.write(&format!("{}/{program}", paths::TOOLS), "24.1.0");
        Ok(())
    }

    fn daemon(&self) -> Option<String> {
        let to = std::fs::read_link(self.at(paths::CURRENT)).ok()?;
        let version = to.file_name()?.to_str()?.rsplit_once('-')?.0.to_owned();
        Some(version).filter(|version| self.sick.borrow().as_ref() != Some(version))
    }

    fn projects(&self) -> Option<Vec<String>> {
        let names = std::fs::read_dir(self.at(paths::WORKSPACE).join("projects")).ok()?;
        Some(names.flatten().map(|entry| entry.file_name().into_string().unwrap()).collect())
    }

    fn create_project(&self, name: &str, _: Option<&str>) -> Result<(), Obstacle> {
        self.write(&format!("{}/projects/{name}/app", paths::WORKSPACE), "x");
        self.write(&format!("{}/journal.db", paths::WORKSPACE), "facts");
        Ok(())
    }

    fn domain(&self) -> Option<(String, bool)> {
        let text = std::fs::read_to_string(self.at(paths::WORKSPACE).join("domain")).ok()?;
        let (name, agreed) = text.split_once(' ')?;
        Some((name.to_owned(), agreed == "true"))
    }

    fn bad_domain(&self, name: &str) -> Option<String> {
        (!name.contains('.')).then(|| format!("{name} has no dot"))
    }

    fn set_domain(&self, name: &str, agreed: bool, _: Option<&str>) -> Result<(), Obstacle> {
        self.write(&format!("{}/domain", paths::WORKSPACE), &format!("{name} {agreed}"));
        Ok(())
    }

    fn certificates(&self) -> Vec<protocol::setup::Certificate> {
        Vec::new()
    }

    fn edge(&self) -> bool {
        true
    }

    fn end_sites(&self) {}
}

pub fn kind_of(result: Result<Outcome, Stop>) -> Option<(ObstacleKind, String)> {
    let obstacle = match result {
        Ok(Outcome::Done { .. }) => return None,
        Ok(Outcome::Blocked(obstacle) | Outcome::Failed(obstacle)) => obstacle,
        Err(stop) => stop.obstacle().clone(),
    };
    Some((obstacle.kind, format!("{}; {}", obstacle.cause, obstacle.action)))
}
