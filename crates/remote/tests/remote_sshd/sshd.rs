//! A real OpenSSH server on loopback, in namespaces of its own: its users, its settings and its processes are nobody
//! else's, and nothing of this machine changes. Needs root and Debian's openssh-server.

use protocol::At;
use protocol::desk::Target;
use remote::{AgentAt, KnownHosts, Limits, Local, Pins, Question, SignIn};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::sync::mpsc;

pub const PASSWORD: &str = "testpw";
/// `openssl passwd -6 -salt loopwright testpw`.
const HASH: &str =
    "$6$loopwright$g35d9CxfyUHsix2k56x1.f5foMmetaq3yz5sSi2nzH52Nqxr5gCwLZwrp62mjxSrm8Pm2v3ARLFqtcGdIe5MF/";

pub struct Sshd {
    child: Child,
    pub port: u16,
    pub folder: tempfile::TempDir,
}

/// What is mounted over this machine's own files, for the server only.
const START: &str = r#"
set -e
D=$1
for f in passwd shadow group sudoers; do mount --bind "$D/etc/$f" /etc/$f; done
mount --bind "$D/sshd_config" /etc/ssh/sshd_config
if [ -e "$D/full" ]; then for d in "$D/home/deploy" /var/tmp; do mount -t tmpfs -o size=64k,mode=1777 none "$d"; done; fi
mount -t tmpfs none /run
mkdir -p /run/sshd
exec /usr/sbin/sshd -D -e -f "$D/sshd_config" 2>>"$D/log"
"#;

pub fn now() -> At {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    At(i64::try_from(since.as_millis()).unwrap())
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Sshd {
    /// With lines of sshd_config of one's own, which come first and therefore count.
    pub fn start(settings: &str) -> Self {
        assert!(Path::new("/usr/sbin/sshd").exists(), "no sshd here: apt-get install openssh-server");
        assert!(Path::new("/etc/sudoers").exists(), "no sudo here: apt-get install sudo");
        assert!(rustix::process::geteuid().is_root(), "these tests mount things and therefore need root");
        let folder = tempfile::Builder::new().prefix("sshd").tempdir().unwrap();
        open_to_all(folder.path());
        std::fs::create_dir(folder.path().join("etc")).unwrap();
        users(folder.path());
        make_key(folder.path(), "ed25519");
        Self::listen(folder, free_port(), "ed25519", settings)
    }

    /// With a home and a /var/tmp that hold next to nothing.
    pub fn full() -> Self {
        let server = Self::start("");
        std::fs::write(server.path("full"), "").unwrap();
        server.again("ed25519", "")
    }

    fn listen(folder: tempfile::TempDir, port: u16, key: &str, settings: &str) -> Self {
        let d = folder.path().display();
        let config = format!(
            "{settings}\nPort {port}\nListenAddress 127.0.0.1\nHostKey {d}/{key}\nPidFile none\nUsePAM no\nStrictModes no\n\
             PermitRootLogin yes\nPasswordAuthentication yes\nKbdInteractiveAuthentication no\nMaxAuthTries 6\n\
             AuthorizedKeysFile {d}/keys/%u\nMaxStartups 50\n"
        );
        std::fs::write(folder.path().join("sshd_config"), config).unwrap();
        let child = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["/bin/sh", "-c", START, "sh"])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut server = Self { child, port, folder };
        server.wait();
        server
    }

    fn wait(&mut self) {
        let limit = std::time::Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(self.child.try_wait().unwrap().is_none(), "sshd ended: {}", self.log());
            assert!(std::time::Instant::now() < limit, "sshd does not listen: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The same address, other settings, another host key: as a rebuilt server or somebody in between would show.
    pub fn again(mut self, key: &str, settings: &str) -> Self {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        let port = self.port;
        drop(self);
        let _ = std::fs::remove_file(folder.path().join(key));
        make_key(folder.path(), key);
        Self::listen(folder, port, key, settings)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn target(&self, user: &str) -> Target {
        Target { host: "127.0.0.1".into(), port: self.port, user: user.into(), jump: None }
    }

    pub fn home(&self, user: &str) -> PathBuf {
        self.path("home").join(user)
    }

    pub fn let_in(&self, user: &str, public_line: &str) {
        std::fs::write(self.path("keys").join(user), format!("{public_line}\n")).unwrap();
    }

    /// This computer, as a desktop would be: pins of its own, quick limits.
    pub fn local(&self) -> Local {
        Local {
            pins: Pins::open(self.path("pins.json")).unwrap(),
            known_hosts: KnownHosts::read(&self.path("known_hosts")),
            agent: AgentAt::None,
            clock: now,
            limits: Limits::default(),
        }
    }

    /// Processes that serve a connection, as this machine numbers them.
    pub fn sessions(&self) -> Vec<i32> {
        descendants(self.child.id())
            .into_iter()
            .filter(|pid| {
                std::fs::read(format!("/proc/{pid}/cmdline"))
                    .is_ok_and(|line| line.starts_with(b"sshd: ") && !line.starts_with(b"sshd: /usr"))
            })
            .collect()
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let sessions = self.sessions();
        assert!(!sessions.is_empty(), "nobody is connected");
        for pid in sessions {
            let _ = rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal);
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn descendants(of: u32) -> Vec<i32> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else { continue };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let after = stat.rsplit(')').next().unwrap_or_default();
        let parent: i32 = after.split_whitespace().nth(1).and_then(|p| p.parse().ok()).unwrap_or(0);
        parents.push((pid, parent));
    }
    let mut found = vec![i32::try_from(of).unwrap()];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        found.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    found
}

pub fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn make_key(folder: &Path, kind: &str) {
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", kind, "-N", "", "-f"]).arg(folder.join(kind)).status();
    assert!(made.unwrap().success());
}

/// Root and three more; the machine's own users stay as they are.
fn users(folder: &Path) {
    let mut passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let mut group = std::fs::read_to_string("/etc/group").unwrap();
    let mut shadow = format!("root:{HASH}:19000:0:99999:7:::\n");
    std::fs::create_dir_all(folder.join("keys")).unwrap();
    open_to_all(&folder.join("keys"));
    std::fs::create_dir_all(folder.join("home")).unwrap();
    open_to_all(&folder.join("home"));
    passwd.retain_lines(|line| !line.starts_with("sshd:") && !line.starts_with("loopwright-desk:"));
    writeln!(passwd, "sshd:x:4800:65534::/run/sshd:/usr/sbin/nologin").unwrap();
    let all = [
        ("deploy", 4801, "/bin/bash"),
        ("noshell", 4802, "/usr/sbin/nologin"),
        ("loopwright-desk", 4803, "/bin/sh"),
    ];
    for (name, id, shell) in all {
        let home = folder.join("home").join(name);
        std::fs::create_dir_all(&home).unwrap();
        std::os::unix::fs::chown(&home, Some(id), Some(id)).unwrap();
        writeln!(passwd, "{name}:x:{id}:{id}::{}:{shell}", home.display()).unwrap();
        writeln!(group, "{name}:x:{id}:").unwrap();
        // A user whom sshd lets in by key must not be locked; nobody has this password.
        let hash = if name == "loopwright-desk" { "*" } else { HASH };
        writeln!(shadow, "{name}:{hash}:19000:0:99999:7:::").unwrap();
    }
    let sudoers = "root ALL=(ALL) ALL\ndeploy ALL=(ALL) ALL\nDefaults !lecture\n".to_owned();
    for (name, text) in [("passwd", passwd), ("group", group), ("shadow", shadow), ("sudoers", sudoers)] {
        std::fs::write(folder.join("etc").join(name), text).unwrap();
    }
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder.join("etc/sudoers"), std::fs::Permissions::from_mode(0o440)).unwrap();
}

trait RetainLines {
    fn retain_lines(&mut self, keep: impl Fn(&str) -> bool);
}

impl RetainLines for String {
    fn retain_lines(&mut self, keep: impl Fn(&str) -> bool) {
        *self = self.lines().filter(|line| keep(line)).fold(String::new(), |all, line| all + line + "\n");
    }
}

pub fn password(text: &str) -> SignIn {
    SignIn::Password(text.to_owned().into())
}

/// Somebody who trusts every new key and answers every question with the same text; what was asked comes back.
pub fn somebody(answer: &'static str) -> (mpsc::Sender<Question>, mpsc::UnboundedReceiver<String>) {
    let (asker, mut questions) = mpsc::channel(1);
    let (said, heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(question) = questions.recv().await {
            match question {
                Question::Fingerprint { sha256, known_elsewhere, reply, .. } => {
                    let _ = said.send(format!("fingerprint {sha256} {known_elsewhere}"));
                    let _ = reply.send(true);
                }
                Question::Answers { prompts, reply, .. } => {
                    let _ = said.send(format!("prompts {}", prompts.len()));
                    let _ = reply.send(prompts.iter().map(|_| answer.to_owned().into()).collect());
                }
                Question::SudoPassword { again, reply } => {
                    let _ = said.send(format!("sudo {again}"));
                    let _ = reply.send(answer.to_owned().into());
                }
            }
        }
    });
    (asker, heard)
}
