//! The throw-away servers themselves: what the other tests of servers rely on. They are bare Debians with everything that was
//! asked for, they keep what a machine keeps, they reach the registries and nothing else, and nothing of them stays.

#![expect(clippy::unwrap_used, reason = "test code")]

mod throwaway;

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use testkit::server::{Fault, Init, Net, Outside, Server, Spec, Suite};
use throwaway::Ssh;

fn boot(net: &Net, spec: Spec) -> Server {
    net.start(spec).unwrap()
}

/// What every server must be, whichever release it is.
fn is_a_bare_server(suite: Suite, version: &str) {
    let net = Net::up().unwrap();
    let server = boot(&net, Spec { suite, memory_mib: 768, disk_mib: 2048, ..Spec::default() });
    let ssh = Ssh::new(&net, &server);
    assert_eq!(
        ssh.root("systemctl is-system-running --wait; systemctl --failed --no-legend").ok(),
        "running"
    );
    assert_eq!(
        ssh.root(". /etc/os-release; echo $ID $VERSION_ID; cat /proc/1/comm").ok(),
        format!("debian {version}\nsystemd")
    );

    assert_eq!(ssh.password("root", "rootpw", "id -u", "").ok(), "0");
    assert!(ssh.password("root", "wrong", "id -u", "").lost().contains("Permission denied"));
    assert_eq!(ssh.key("debian", "sudo -n id -u").ok(), "0");
    assert!(ssh.password("admin", "adminpw", "sudo -n id -u", "").err.contains("password is required"));
    assert_eq!(ssh.password("admin", "adminpw", "sudo -S -p '' id -u", "adminpw\n").ok(), "0");
    assert_eq!(ssh.password("plain", "plainpw", "id -un; id -Gn", "").ok(), "plain\nplain");
    assert!(ssh.key("plain", "true").lost().contains("Permission denied"));

    // The size that was asked for, and that it is held.
    assert_eq!(ssh.root("nproc; awk '/MemTotal/{print $2 < 800000}' /proc/meminfo; df --output=size -BM / | tail -1 | awk '{print $1 <= 2048}'").ok(), "1\n1\n1");
    let greedy = ssh.root("python3 -c 'x = bytearray(1200 << 20)'; echo $?");
    assert_eq!(greedy.ok(), "137");

    // The registries are there, and what they bring is installed.
    ssh.root("apt-get -qq -o APT::Update::Error-Mode=any update && apt-get -qq -y install tree >/dev/null 2>&1 && tree --version").ok();
    assert_eq!(server.open_ports().unwrap(), [22]);
}

#[test]
fn debian_12_is_a_bare_server() {
    is_a_bare_server(Suite::Bookworm, "12");
}

#[test]
fn debian_13_is_a_bare_server() {
    is_a_bare_server(Suite::Trixie, "13");
}

#[test]
fn a_restart_keeps_the_disk_and_nothing_else() {
    let net = Net::up().unwrap();
    let server = boot(&net, Spec::default());
    let ssh = Ssh::new(&net, &server);
    ssh.root("systemctl is-system-running --wait; echo kept >/root/note; echo lost >/run/note; sync").ok();
    let before = server.manifest().unwrap();
    let first = ssh.root("cat /proc/sys/kernel/random/boot_id").ok();
    let mut ids = vec![first];
    for fault in [Fault::Reboot, Fault::PowerCut] {
        server.fault(fault).unwrap();
        server.wait().unwrap();
        ids.push(ssh.root("cat /proc/sys/kernel/random/boot_id").ok());
        assert_eq!(
            ssh.root("cat /root/note /run/note 2>/dev/null; systemctl is-system-running --wait").ok(),
            "kept\nrunning"
        );
        assert_eq!(before.changes(&server.manifest().unwrap()), [""; 0]);
    }
    server.fault(Fault::PowerOff).unwrap();
    assert_eq!(server.outside(22).unwrap(), Outside::Silent);
    assert!(server.exec("true").unwrap_err().to_string().contains("is not running"));
    server.fault(Fault::PowerOn).unwrap();
    ids.push(ssh.root("cat /proc/sys/kernel/random/boot_id").ok());
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4, "each start is another boot");
}

/// A snapshot that goes with its test, however that ends.
struct Kept(String);

impl Drop for Kept {
    fn drop(&mut self) {
        testkit::server::forget(&self.0).unwrap();
    }
}

#[test]
fn a_snapshot_is_where_another_server_begins_and_a_reset_is_the_first_day() {
    let net = Net::up().unwrap();
    let server = boot(&net, Spec::default());
    let fresh = server.manifest().unwrap();
    server.exec("apt-get -qq update && apt-get -qq -y install tree && rm /etc/motd && rm -r /etc/cron.daily && mkdir /etc/cron.daily").unwrap().ok().unwrap();
    let kept = Kept(format!("self-{}", std::process::id()));
    let name = kept.0.clone();
    server.snapshot(&name).unwrap();
    let changed = server.manifest().unwrap();
    let changes = fresh.changes(&changed);
    assert!(
        changes.contains(&"+ /usr/bin/tree".to_owned()) && changes.contains(&"- /etc/motd".to_owned()),
        "{changes:?}"
    );
    let key = "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub; ls /etc/cron.daily";
    let had = server.exec(key).unwrap();
    server.reset().unwrap();
    // Passwords are salted anew.
    assert_eq!(fresh.changes(&server.manifest().unwrap()), ["~ /etc/shadow (content)"]);

    let next = boot(&net, Spec { name: "next".into(), from: Some(name.clone()), ..Spec::default() });
    let differs = changed.changes(&next.manifest().unwrap());
    let own = ["/etc/hostname", "/etc/hosts", "/etc/network/interfaces"];
    assert!(
        differs.iter().all(|line| own.iter().any(|path| line.starts_with(&format!("~ {path} (content")))),
        "{differs:?}"
    );
    assert_eq!(next.exec(key).unwrap(), had);
    assert_eq!(next.exec("ping -c1 -W5 198.51.100.10 >/dev/null; hostname").unwrap().ok().unwrap(), "next");
    next.stop().unwrap();
    drop(kept);
    assert!(net.start(Spec { name: "late".into(), from: Some(name), ..Spec::default() }).is_err());
}

#[test]
fn a_server_without_systemd_has_sshd_and_says_so() {
    let net = Net::up().unwrap();
    let server = boot(&net, Spec { init: Init::Bare, ..Spec::default() });
    let ssh = Ssh::new(&net, &server);
    let asked = ssh.root(
        "systemctl is-system-running; [ -d /run/systemd/system ] || echo none; ip route | grep -c default",
    );
    assert_eq!(asked.ok(), "offline\nnone\n1");
}

fn is_ssh(at: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect_timeout(&at, Duration::from_secs(2)) else { return false };
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut start = [0; 4];
    stream.read_exact(&mut start).is_ok() && &start == b"SSH-"
}

#[test]
fn the_world_ends_at_the_net() {
    let net = Net::up().unwrap();
    let server = boot(&net, Spec::default());
    let here = TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    // Of this machine nothing is reached: not its programs, and nothing that no name has led to.
    let tries = format!(
        "try() {{ timeout 3 bash -c \"exec 3<>/dev/tcp/$1/$2\" 2>/dev/null && echo \"$1:$2\"; }}
         try 198.51.100.1 {here}; try 198.51.100.1 22; try 203.0.113.9 22; getent hosts nobody.test
         curl --silent --max-time 5 http://203.0.113.9/ && echo answered
         true"
    );
    assert_eq!(server.exec(&tries).unwrap().ok().unwrap(), "");
    // And from this machine, only what was opened leads there. (Some networks accept a connection to any address and are silent.)
    let direct = SocketAddr::from((server.ip(), 22));
    assert!(!is_ssh(direct));
    assert!(net.inside(|| is_ssh(direct)).unwrap());
    for port in [server.ssh_port(), server.forward(22).unwrap()] {
        assert!(is_ssh(SocketAddr::from(([127, 0, 0, 1], port))));
    }
    net.name("app.vps1.test", server.ip()).unwrap();
    assert_eq!(
        server.exec("getent hosts app.vps1.test").unwrap().ok().unwrap().split(' ').next(),
        Some("198.51.100.10")
    );
}

/// Everything on this machine that has the net's name in it.
fn traces(net: &str) -> Vec<String> {
    let mut found = Vec::new();
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        if process.path().join("task").exists() && String::from_utf8_lossy(&line).contains(net) {
            found.push(process.path().display().to_string());
        }
    }
    let listed = |argv: &[&str]| {
        String::from_utf8_lossy(&Command::new(argv[0]).args(&argv[1..]).output().unwrap().stdout).into_owned()
    };
    for text in [
        std::fs::read_to_string("/proc/mounts").unwrap(),
        listed(&["losetup", "--list"]),
        listed(&["ip", "netns"]),
    ] {
        found.extend(
            text.lines().filter(|line| line.contains(net) || line.starts_with("guest")).map(str::to_owned),
        );
    }
    groups(Path::new("/sys/fs/cgroup"), net, &mut found);
    found
}

fn groups(folder: &Path, net: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if entry.file_name().to_string_lossy().contains(net) {
                found.push(entry.path().display().to_string());
            }
            groups(&entry.path(), net, found);
        }
    }
}

/// The processes in a server, as they are numbered on this machine.
fn processes(net: &str) -> Vec<PathBuf> {
    let mut listed = Vec::new();
    groups(Path::new("/sys/fs/cgroup"), net, &mut listed);
    let numbers = listed
        .iter()
        .map(|group| std::fs::read_to_string(Path::new(group).join("cgroup.procs")).unwrap_or_default());
    let all: String = numbers.collect();
    all.lines().map(|number| Path::new("/proc").join(number)).collect()
}

#[test]
fn nothing_stays_of_a_net_that_was_dropped() {
    let net = Net::up().unwrap();
    let server = boot(&net, Spec::default());
    server.fault(Fault::Freeze).unwrap();
    let name = format!("{}-", net.contact().name());
    let inside = processes(&name);
    assert!(inside.len() > 5 && !traces(&name).is_empty());
    let folder = net.contact().folder();
    assert!(folder.exists());
    drop(net);
    assert_eq!(traces(&name), [""; 0]);
    assert!(!folder.exists() && !inside.iter().any(|process| process.exists()));
}

#[test]
fn what_a_killed_keeper_leaves_goes_with_the_next_one() {
    let net = Net::up().unwrap();
    let _server = boot(&net, Spec::default());
    let (name, folder) = (format!("{}-", net.contact().name()), net.contact().folder());
    let inside = processes(&name);
    assert!(inside.len() > 5);
    // /proc/KEEPER/fd/NUMBER
    let path = net.contact().internet_path().unwrap();
    let keeper = path.components().nth(2).unwrap().as_os_str().to_owned();
    assert!(Command::new("kill").arg("-9").arg(keeper).status().unwrap().success());
    drop(net);
    assert!(!inside.iter().any(|process| process.exists()), "the kernel ends what was in its namespace");
    let rest = traces(&name);
    assert!(rest.iter().all(|trace| trace.starts_with("/sys/fs/cgroup/")), "{rest:?}");
    let next = Net::up().unwrap();
    assert_eq!(traces(&name), [""; 0]);
    assert!(!folder.exists());
    boot(&next, Spec::default());
}
