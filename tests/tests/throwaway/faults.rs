//! Each fault of the throw-away servers does what it says, as seen by OpenSSH's client, by apt, or from the server itself, and
//! ends when it is taken back.

use super::{Ssh, ended};
use std::time::{Duration, Instant};
use testkit::server::{Fault, Net, Outside, Server, Spec, Suite};

/// Asks the mirror anew and takes no for an answer.
const UPDATE: &str =
    "apt-get -q -o APT::Update::Error-Mode=any -o Acquire::Retries=0 -o Acquire::http::Timeout=3 update 2>&1";

fn one() -> (Net, Server) {
    let net = Net::up().unwrap();
    let server = net.start(Spec::default()).unwrap();
    (net, server)
}

#[test]
fn faults_of_the_network() {
    let (net, server) = one();
    let ssh = Ssh::new(&net, &server);
    let fault = |fault| server.fault(fault).unwrap();
    let heal = || {
        server.fault(Fault::Heal).unwrap();
        assert_eq!(ssh.root("echo in").ok(), "in");
    };

    let session = ssh.session();
    fault(Fault::Blackhole);
    assert!(ended(session).lost().contains("not responding"));
    assert!(ssh.root("true").lost().contains("timed out"));
    assert_eq!(server.outside(22).unwrap(), Outside::Silent);
    heal();

    fault(Fault::LinkDown);
    assert_eq!(server.exec("cat /sys/class/net/eth0/carrier").unwrap().ok().unwrap(), "0");
    ssh.root("true").lost();
    heal();

    fault(Fault::Reset(22));
    assert!(ssh.root("true").lost().contains("refused"));
    heal();

    fault(Fault::Slow("256kbit".into()));
    let start = Instant::now();
    assert_eq!(ssh.root("head -c 100000 /dev/zero | tr '\\0' x").ok().len(), 100_000);
    // 800,000 bits but for the 131,000 that may go at once: slower is possible, quicker is not.
    assert!(start.elapsed() >= Duration::from_secs(2));
    heal();

    fault(Fault::DnsDead);
    assert!(server.exec("timeout 3 getent hosts nobody.test").unwrap().code == 124);
    heal();
    assert!(server.exec("timeout 3 getent hosts nobody.test").unwrap().code == 2);

    let update = || server.exec(UPDATE).unwrap();
    assert_eq!(update().code, 0);
    fault(Fault::NoRegistry);
    let lost = update();
    assert!(lost.code == 100 && lost.out.contains("timed out"), "{lost:?}");
    heal();
    fault(Fault::RegistryRefuses);
    let refused = update();
    assert!(refused.code == 100 && refused.out.contains("refused"), "{refused:?}");
    heal();
    assert_eq!(update().code, 0);
}

fn faults_of_ssh(suite: Suite) {
    let net = Net::up().unwrap();
    let server = net.start(Spec { suite, ..Spec::default() }).unwrap();
    let ssh = Ssh::new(&net, &server);
    let fault = |fault| server.fault(fault).unwrap();

    let session = ssh.session();
    fault(Fault::CutSessions);
    ended(session).lost();
    assert_eq!(ssh.root("echo in").ok(), "in");

    let session = ssh.session();
    fault(Fault::Freeze);
    assert!(ended(session).lost().contains("not responding"));
    assert!(
        ssh.root("true").lost().contains("banner exchange"),
        "the kernel of a hung server accepts, and nobody speaks"
    );
    fault(Fault::Thaw);
    assert_eq!(ssh.root("echo in").ok(), "in");

    fault(Fault::StopSshd);
    assert!(ssh.root("true").lost().contains("refused"));
    assert_eq!(server.outside(22).unwrap(), Outside::Refused);
    fault(Fault::StartSshd);
    assert_eq!(ssh.root("echo in").ok(), "in");

    assert_eq!(ssh.strict().code, 0);
    assert_eq!(ssh.strict().code, 0);
    fault(Fault::NewHostKey);
    assert!(ssh.strict().lost().contains("IDENTIFICATION HAS CHANGED"));

    fault(Fault::SshdConfig("MaxSessions 0\nMaxAuthTries 3".into()));
    ssh.root("true").lost();
    fault(Fault::SshdAsBefore);
    assert_eq!(ssh.root("echo in").ok(), "in");
    assert!(server.fault(Fault::SshdConfig("NoSuchWord yes".into())).is_err());
    fault(Fault::SshdAsBefore);

    fault(Fault::NoisyBashrc("it's \"noisy\"".into()));
    assert_eq!(ssh.root("echo in").ok(), "it's \"noisy\"\nin");
    assert_eq!(ssh.password("plain", "plainpw", "echo in", "").ok(), "it's \"noisy\"\nin");
    fault(Fault::NologinShell("plain".into()));
    let closed = ssh.password("plain", "plainpw", "echo in", "");
    assert!(closed.code == 1 && closed.out.contains("not available"), "{}", closed.out);
}

#[test]
fn faults_of_ssh_on_debian_12() {
    faults_of_ssh(Suite::Bookworm);
}

#[test]
fn faults_of_ssh_on_debian_13() {
    faults_of_ssh(Suite::Trixie);
}

#[test]
fn faults_of_the_system() {
    let (_net, server) = one();
    let fault = |fault| server.fault(fault).unwrap();
    let exec = |command: &str| server.exec(command).unwrap();
    const INSTALL: &str = "apt-get -q -y install tree 2>&1";
    exec(UPDATE).ok().unwrap();

    fault(Fault::AptLock(600));
    let held = exec(INSTALL);
    assert!(held.code == 100 && held.out.contains("unattended-upgr"), "{held:?}");
    fault(Fault::AptFree);
    exec(INSTALL).ok().unwrap();

    fault(Fault::DpkgBroken);
    let broken = exec("apt-get -q -y install nano 2>&1");
    assert!(broken.code == 100 && broken.out.contains("fault-half"), "{broken:?}");
    fault(Fault::DpkgMended);
    exec("apt-get -q -y purge nano tree && [ -z \"$(dpkg --audit)\" ]").ok().unwrap();

    fault(Fault::FillDisk(3000));
    assert!(exec("head -c 20000000 /dev/zero >/root/much").err.contains("No space left"));
    exec("rm /root/much").ok().unwrap();
    fault(Fault::FreeDisk);
    exec("head -c 20000000 /dev/zero >/root/much && rm /root/much").ok().unwrap();

    fault(Fault::PortBusy(80));
    assert_eq!(server.open_ports().unwrap(), [22, 80]);
    assert!(exec("ss -Hltnp 'sport = :80'").out.contains("python3"));
    fault(Fault::PortFree(80));
    assert_eq!(server.outside(80).unwrap(), Outside::Refused);

    fault(Fault::ReadOnlyRoot);
    assert!(exec("touch /etc/new").err.contains("Read-only file system"));
    fault(Fault::WritableRoot);
    exec("touch /etc/new && rm /etc/new").ok().unwrap();

    let off = || exec("echo $(($(date +%s) - $(/usr/bin/date +%s)))").ok().unwrap().parse::<i64>().unwrap();
    fault(Fault::DateOff(-86400));
    assert!((-86401..=-86399).contains(&off()));
    fault(Fault::DateRight);
    assert!((0..=1).contains(&off().abs()));

    fault(Fault::OsRelease("ID=other\n".into()));
    assert_eq!(exec("cat /etc/os-release").ok().unwrap(), "ID=other");
}
