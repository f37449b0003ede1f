//! What bad input gets, from a desktop's side and against real servers: who is turned away is told why and what to do, and
//! nothing is changed; who need not be turned away is set up. The table of all of it is docs/bad-input.md.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod refused;
mod setup;

use protocol::desk::Target;
use protocol::setup::Wish;
use refused::doors::{answering, listening, shown};
use refused::odd::{ODD, agents_can_read, installations, obstacles, while_others_are_at_work};
use refused::rows::{Goes, Row, assert_told, changed, differs, judge};
use refused::{Desk, Who, applied, debian, inside, password, removed, root, settled, who, wish};
use remote::{AgentAt, Entry, SignIn};
use setup::{left_over, ok};
use std::net::IpAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use testkit::server::{Fault, Net, Server, Spec, Suite};

fn sshd(lines: &str) -> String {
    format!(
        "printf '%s\\n' '{lines}' >/etc/ssh/sshd_config.d/00-fault.conf; systemctl reset-failed ssh; systemctl restart ssh"
    )
}

const SSHD_AS_BEFORE: &str =
    "rm -f /etc/ssh/sshd_config.d/00-fault.conf; systemctl reset-failed ssh; systemctl restart ssh";

/// Files as they were, whatever a row does to them.
const KEEP: &str = "cp -a /etc/shadow /run/shadow && cp -a /etc/shadow- /run/shadow-";
const KEPT: &str = "cp -a /run/shadow /etc/shadow && cp -a /run/shadow- /etc/shadow-";

const BY_SUDO: &str = "sign in as root, or as a user with sudo";
const HAS_SHELL: &str = "sign in as a user with a shell, by a key that is not limited to one command";

/// The user's SSH agent, with keys that no server knows.
struct Agent(Child);

impl Agent {
    fn of(desk: &mut Desk, keys: usize) -> Self {
        let socket = desk.path("agent");
        let agent = Command::new("ssh-agent").arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn();
        let agent = Self(agent.unwrap());
        while !socket.exists() {
            std::thread::yield_now();
        }
        for number in 0..keys {
            let key = desk.path(&format!("key{number}"));
            let made =
                Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
            let added = Command::new("ssh-add").arg("-q").arg(&key).env("SSH_AUTH_SOCK", &socket).status();
            assert!(made.unwrap().success() && added.unwrap().success());
        }
        desk.agent = AgentAt::Socket(socket);
        agent
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn at(who: Who, host: &str, port: u16) -> Who {
    Who { target: Target { host: host.to_owned(), port, ..who.target }, ..who }
}

fn signing_in(net: &Net, server: &Server) -> Vec<Row> {
    use Goes::{Connect, Look};
    let admin = || who(server, "admin", password("adminpw"));
    let row = |name, who, goes| Row::new(name, who, goes);
    let by_root =
        "check the password; many servers let root in by key only: then use a key, or another user with sudo";
    let expired = "sign in once in a terminal with ssh and set a new one, then come back";
    vec![
        row("wrong password", who(server, "admin", password("wrong")), Connect)
            .told("198.51.100.10 did not take the password of admin", "check the user's name and the password"),
        row("root disabled", root(server), Connect)
            .made(sshd("PermitRootLogin no"), SSHD_AS_BEFORE)
            .told("198.51.100.10 did not take the password of root", by_root),
        row("an agent of many keys and MaxAuthTries 1", who(server, "debian", SignIn::Agent), Connect)
            .made(sshd("MaxAuthTries 1"), SSHD_AS_BEFORE)
            .told(
                "198.51.100.10 ended it after 1 of the keys in this computer's SSH agent",
                "use the key's file instead of the agent: the server counts each key of the agent as a try",
            ),
        row("port closed", at(root(server), "198.51.100.10", 2201), Connect).told(
            "198.51.100.10 refuses connections to port 2201",
            "check the port, and that the server runs and its SSH service is on",
        ),
        row("nobody at the address", at(root(server), "198.51.100.77", 22), Connect).told(
            "198.51.100.77 cannot be reached: no route to host*",
            "check the address and that the server runs; a firewall on the way may turn this computer away",
        ),
        row("no network here", at(root(server), "203.0.113.9", 22), Connect)
            .told("there is no way from here to 203.0.113.9", "check that this computer is online"),
        row("expired password", admin(), Look)
            .made(format!("{KEEP} && chage -d 0 admin"), KEPT)
            .told("the password of this user has expired", expired),
        row("expired password of root who has a key", who(server, "root", debian(net, server).with), Look)
            .made(format!("{KEEP} && chage -d 0 root"), KEPT)
            .told("the password of this user has expired", expired),
        row(
            "expired password, changed on the way",
            Who { answers: &["adminpw", "n3w-Secret-pw"], ..admin() },
            Look,
        )
        .made(
            format!("{KEEP} && chage -d 0 admin && {}", sshd("PasswordAuthentication no\nKbdInteractiveAuthentication yes")),
            "cp -a /run/shadow /etc/shadow && cp -a /run/shadow- /etc/shadow-; rm -f /etc/ssh/sshd_config.d/00-fault.conf; systemctl reset-failed ssh; systemctl restart ssh",
        ),
        row("users are kept out for a while", debian(net, server), Connect)
            .made("echo 'Back at noon.' >/run/nologin", "rm /run/nologin")
            .told("198.51.100.10 does not let debian in: Back at noon.", "do what it says, or ask whoever runs the server"),
        row("a key for one command", debian(net, server), Look)
            .made(
                "f=/home/debian/.ssh/authorized_keys; cp -a $f /run/keys; sed -i 's/^/command=\"echo backups only\" /' $f",
                "cp -a /run/keys /home/debian/.ssh/authorized_keys",
            )
            .told("the server runs no commands for this user: backups only", HAS_SHELL),
        row("nologin shell", who(server, "plain", password("plainpw")), Look)
            .made("cp -a /etc/passwd /run/passwd; cp -a /etc/passwd- /run/passwd-; usermod -s /usr/sbin/nologin plain", "cp -a /run/passwd /etc/passwd; cp -a /run/passwd- /etc/passwd-")
            .told("the server runs no commands for this user: This account is currently not available.", HAS_SHELL),
        row("a banner of many lines", root(server), Look)
            .made(format!("seq 3000 >/run/banner; {}", sshd("Banner /run/banner")), SSHD_AS_BEFORE),
        row("no sftp, one session at a time", root(server), Look)
            .made(format!("cp -a /etc/ssh/sshd_config /run/sshd_config; sed -i '/^Subsystem/d' /etc/ssh/sshd_config; {}", sshd("MaxSessions 1")),
                "cp -a /run/sshd_config /etc/ssh/sshd_config; rm -f /etc/ssh/sshd_config.d/00-fault.conf; systemctl reset-failed ssh; systemctl restart ssh"),
    ]
}

fn becoming_root(net: &Net, server: &Server) -> Vec<Row> {
    let plain = who(server, "plain", password("plainpw"));
    let begin = |name, who| Row::new(name, who, Goes::Begin);
    vec![
        begin("a user without sudo", plain.clone())
            .told("sudo does not let this user become root: plain is not in the sudoers file.", BY_SUDO),
        begin("a user without sudo, by a server that cannot resolve itself", plain)
            .made(
                "cp -a /etc/hosts /run/hosts; echo '127.0.0.1 localhost' >/etc/hosts",
                "cp -a /run/hosts /etc/hosts",
            )
            .told("sudo does not let this user become root: plain is not in the sudoers file.", BY_SUDO),
        begin("requiretty", debian(net, server))
            .made("echo 'Defaults requiretty' >/etc/sudoers.d/99-tty", "rm /etc/sudoers.d/99-tty")
            .told(
                "sudo on the server wants a terminal (requiretty)",
                "sign in as root, or take requiretty out of /etc/sudoers",
            ),
        begin("no sudo", debian(net, server))
            .made("mv /usr/bin/sudo /usr/bin/sudo.off", "mv /usr/bin/sudo.off /usr/bin/sudo")
            .told("debian is not root, and the server has no sudo", "sign in as root"),
    ]
}

fn beginning(server: &Server) -> Vec<Row> {
    let begin = |name| Row::new(name, root(server), Goes::Begin);
    vec![
        begin("nowhere to start a program")
            .made(
                "for d in /root /var/tmp; do mount -t tmpfs -o noexec,mode=700 none $d; done",
                "umount /root /var/tmp",
            )
            .told(
                "the server has no folder in which a program may be put and started",
                "give the user a home folder from which programs may be started",
            ),
        begin("unsupported distribution")
            .made(
                "rm /etc/os-release; printf 'ID=fedora\\nVERSION_ID=43\\nPRETTY_NAME=\"Fedora 43\"\\n' >/etc/os-release",
                "rm /etc/os-release; ln -s ../usr/lib/os-release /etc/os-release",
            )
            .told(
                "Fedora 43 is not a system that this version sets up",
                "use a server with Debian 12 or 13, or Ubuntu 22.04, 24.04 or newer",
            ),
        begin("/tmp full").made("mount -t tmpfs -o size=4k none /tmp", "umount /tmp").told(
            "/tmp is full: 0 MB are free, and 16 MB are needed",
            "delete what lies in /tmp, or give it more room",
        ),
        begin("an installation whose records are gone")
            .made("mkdir -p /opt/loopwright/versions", "rm -r /opt/loopwright")
            .told(
                "/opt/loopwright/versions is there from an earlier installation whose records are gone",
                "move it away: `mv /opt/loopwright /opt/loopwright.old`",
            ),
    ]
}

/// A fault of the testkit round a row.
async fn under(desk: &Desk, server: &Server, faults: [Fault; 2], row: Row) {
    let [made, undone] = faults;
    server.fault(made).unwrap();
    let met = refused::rows::came(desk, &row.who, row.goes).await;
    server.fault(undone).unwrap();
    assert_eq!(differs(&row, &met), None);
}

#[test]
fn whoever_is_turned_away_is_told_why_and_nothing_is_changed() {
    let net = Net::up().unwrap();
    let server = net.start(Spec { cpus: 2, ..Spec::default() }).unwrap();
    ok(&server, "systemctl is-system-running --wait || true");
    let bare = server.manifest().unwrap();
    let mut desk = Desk::new("laptop");
    let _agent = Agent::of(&mut desk, 3);
    inside(&net, async {
        judge(&desk, &server, signing_in(&net, &server)).await;
        judge(&desk, &server, becoming_root(&net, &server)).await;
        judge(&desk, &server, beginning(&server)).await;
        by_faults(&desk, &server).await;
    });
    // What was sent waits for the next try.
    let left: Vec<String> = changed(&bare, &server)
        .into_iter()
        .filter(|line| !line.contains("/root/.loopwright-upload"))
        .collect();
    assert_eq!(left, [""; 0]);
}

async fn by_faults(desk: &Desk, server: &Server) {
    let begin = |name| Row::new(name, root(server), Goes::Begin);
    let mut quick = Desk::new("laptop");
    quick.limits.connect = Duration::from_secs(1);
    let silent = Row::new("a server that says nothing", root(server), Goes::Connect).told(
        "198.51.100.10 did not answer on port 22 within 1 s",
        "check the address, that the server runs, and that a firewall lets SSH through",
    );
    under(&quick, server, [Fault::Blackhole, Fault::Heal], silent).await;
    let read_only = begin("read-only /").told(
        "the server's file system is read-only",
        "restart the server; if it stays so, its disk needs repair",
    );
    under(desk, server, [Fault::ReadOnlyRoot, Fault::WritableRoot], read_only).await;
    let full = begin("disk full").told(
        "the server has 97 MB of disk left; 200 MB are needed to begin",
        "make room on the server's disk",
    );
    under(desk, server, [Fault::FillDisk(100_000), Fault::FreeDisk], full).await;
    let alone = begin("no outbound network").told(
        "the server does not reach its package source *: Connection refused (os error 111)",
        "see whether it has a network and a DNS server (`ping`, /etc/resolv.conf), or set apt's proxy",
    );
    under(desk, server, [Fault::RegistryRefuses, Fault::Heal], alone).await;
    let ahead = begin("clock a day off")
        .told("the server's clock is 2* hours ahead", "set it: `timedatectl set-ntp true`, or `date -s`");
    under(desk, server, [Fault::ClockAhead(86_400), Fault::ClockRight], ahead).await;
    // The server looks its visitor's name up, and nobody answers it.
    ok(server, &sshd("UseDNS yes"));
    let slow = Row::new("slow DNS", root(server), Goes::Look);
    under(desk, server, [Fault::DnsDead, Fault::Heal], slow).await;
    ok(server, SSHD_AS_BEFORE);
}

#[test]
fn a_small_server_that_is_odd_in_every_harmless_way_is_set_up_and_is_as_it_was_afterwards() {
    let net = Net::up().unwrap();
    let server = net.start(Spec { memory_mib: 512, cpus: 2, ..Spec::default() }).unwrap();
    ok(&server, "systemctl is-system-running --wait || true");
    ok(&server, ODD);
    let odd = server.manifest().unwrap();
    let desk = Desk::new("laptop");
    inside(&net, async {
        let admin = who(&server, "admin", password("adminpw"));
        let begun = desk.begin(&admin).await.unwrap();
        let entry = Entry::new(begun.session.clone());
        obstacles(&entry, &server).await;
        while_others_are_at_work(&net, &server, &entry).await;
        agents_can_read(&server);
        installations(&desk, &server, &begun).await;
        removed(&server, begun).await;
    });
    assert_eq!(left_over(&odd, &server), [""; 0]);
}

#[test]
fn a_server_with_ipv6_alone_is_set_up_and_answers_at_three_ports() {
    let net = Net::up().unwrap();
    let server = net.start(Spec { suite: Suite::Trixie, cpus: 2, ..Spec::default() }).unwrap();
    let bare = server.manifest().unwrap();
    server.fault(Fault::Ipv6Only).unwrap();
    let desk = Desk::new("laptop");
    let six = IpAddr::V6(server.ip6());
    inside(&net, async {
        let root = at(root(&server), &six.to_string(), 22);
        let found = desk.found(&root).await;
        assert_eq!((found.ipv4, found.ipv6), (false, true));
        let begun = desk.begin(&root).await.unwrap();
        let entry = Entry::new(begun.session.clone());
        assert!(applied(&entry, &wish(), |_| {}).await.unwrap() > 10);
        ok(&server, "loopwrightd ask 'A page for a bakery' --agent practice --wait");
        let all = listening(&server);
        // There is more than what answers: the dashboard, the memory, the bridges.
        assert!(all.contains(&9119) && all.contains(&9621), "{all:?}");
        assert_eq!(answering(six, &all).await, [22, 80, 443]);
        assert_eq!(shown(six).await, [22, 80, 443]);
        let open: Vec<u16> = entry.health().await.unwrap().open.iter().map(|open| open.port).collect();
        assert_eq!(open, [22, 80, 443]);
        assert_eq!(ok(&server, "ss -Hlun | grep -vE '127\\.0\\.0|\\[::1\\]' || true"), "");
        // The same by IPv4, which it gets now.
        settled(&server);
        server.fault(Fault::Ipv4Again).unwrap();
        let four = IpAddr::V4(server.ip());
        assert_eq!(answering(four, &all).await, [22, 80, 443]);
        assert_eq!(shown(four).await, [22, 80, 443]);
        let begun = desk.begin(&at(root, &four.to_string(), 22)).await.unwrap();
        removed(&server, begun).await;
    });
    assert_eq!(server.open_ports().unwrap(), [22]);
    assert_eq!(left_over(&bare, &server), [""; 0]);
}

#[test]
fn a_server_behind_a_proxy_is_set_up_through_it_and_dropbear_is_an_ssh_server_too() {
    let net = Net::up().unwrap();
    let server = net.start(Spec { cpus: 2, ..Spec::default() }).unwrap();
    let desk = Desk::new("laptop");
    ok(
        &server,
        "apt-get -qq update && apt-get -qq -y install dropbear-bin >/dev/null && mkdir -p /etc/dropbear && systemd-run --quiet --unit=dropbear dropbear -F -R -p 2222",
    );
    let proxy = net.proxy(3128).unwrap();
    server.fault(Fault::RegistryRefuses).unwrap();
    inside(&net, async {
        let root = root(&server);
        assert_told(
            desk.begin(&root).await,
            "the server does not reach its package source *: Connection refused (os error 111)",
            "see whether it has a network and a DNS server (`ping`, /etc/resolv.conf), or set apt's proxy",
        );
        // apt's own setting is honoured by apt and shown; what is not fetched by apt says where to set one.
        ok(
            &server,
            &format!("echo 'Acquire::http::Proxy \"{}\";' >/etc/apt/apt.conf.d/80proxy", proxy.url()),
        );
        assert_eq!(desk.found(&root).await.proxy, Some(proxy.url()));
        let begun = desk.begin(&root).await.unwrap();
        let entry = Entry::new(begun.session.clone());
        let wish = Wish { starter: Some("react".into()), ..wish() };
        let refused = applied(&entry, &wish, |_| {}).await;
        assert_told(
            refused,
            "failed to fetch node-*: *Connection refused (os error 111)",
            "see whether this machine is online and reaches its registry; where that takes a proxy, put https_proxy=ADDRESS into /etc/environment; then install again",
        );
        assert!(proxy.asked().iter().all(|line| line.starts_with("GET http://")), "{:?}", proxy.asked());
        // As a company's image has it, for every sign-in.
        settled(&server);
        ok(&server, &format!("printf 'http_proxy={0}\\nhttps_proxy={0}\\n' >>/etc/environment", proxy.url()));
        assert!(applied(&entry, &wish, |_| {}).await.unwrap() > 3);
        let through = || proxy.asked().iter().filter(|line| line.starts_with("CONNECT ")).count();
        let of_setup = through();
        assert!(of_setup > 0, "{:?}", proxy.asked());
        // A build's packages come by the same way; the authority of whoever looks into TLS on it is the system's.
        ok(&server, "loopwrightd ask 'A page for a bakery' --agent practice --wait");
        assert!(through() > of_setup, "{:?}", proxy.asked());
        // The daemon has it, from which the agents get it, too.
        let environment = "tr '\\0' '\\n' </proc/$(systemctl show -P MainPID loopwright)/environ";
        assert!(ok(&server, environment).contains(&format!("https_proxy={}", proxy.url())));

        // A server that has no other one.
        settled(&server);
        let other = Desk::new("tower");
        ok(&server, "mv /usr/sbin/sshd /usr/sbin/sshd.off");
        let begun = other.begin(&at(root, "198.51.100.10", 2222)).await.unwrap();
        ok(&server, "mv /usr/sbin/sshd.off /usr/sbin/sshd");
        Entry::new(begun.session.clone()).hello().await.unwrap();
    });
}

#[test]
fn the_table_of_bad_input_names_tests_that_exist() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read = |path: &str| {
        std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let of_remote = ["contact", "lines", "signin", "tunnel"]
        .map(|part| read(&format!("crates/remote/tests/remote_sshd/{part}.rs")))
        .concat();
    let table = read("docs/bad-input.md");
    let named: Vec<(&str, &str)> =
        table.split('`').skip(1).step_by(2).filter_map(|word| word.split_once("::")).collect();
    assert!(named.len() > 60, "{}", named.len());
    for (file, test) in
        named.into_iter().filter(|(file, _)| !file.contains(['/', ' ', '"']) && !file.starts_with("Acquire"))
    {
        let source =
            if file == "remote_sshd" { of_remote.clone() } else { read(&format!("tests/tests/{file}.rs")) };
        assert!(source.contains(&format!("fn {test}(")), "{file}::{test}");
    }
}
