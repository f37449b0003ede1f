//! HTTPS on a domain of the user's own, from a certificate authority that speaks ACME (pebble, in the servers' own internet):
//! blocked while the name leads elsewhere, the authority away, an edge that is killed in the middle of an order, the site over
//! HTTPS, a start of the edge under its visitors, and the renewal.

#![expect(clippy::unwrap_used, reason = "test code")]

mod setup;

use serde_json::Value;
use setup::{KEY, PROGRAM, ok};
use std::fs::File;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use testkit::server::{Net, Server, Spec};

const NAME: &str = "app.bakery.test";
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 77);
/// Where the net's own programs are reached.
const INTERNET: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const FOLDER: &str = "/var/lib/loopwright/workspace/run/certificates";

/// The authority, while it runs.
struct Pebble {
    child: Child,
    log: PathBuf,
}

impl Pebble {
    /// `validity`: seconds that its certificates hold.
    fn start(net: &Net, folder: &Path, validity: u32) -> Pebble {
        let (config, log) = (folder.join("pebble.json"), folder.join("pebble.log"));
        let settings = serde_json::json!({"pebble": {
            "listenAddress": format!("{INTERNET}:14000"), "managementListenAddress": format!("{INTERNET}:15000"),
            "certificate": folder.join("acme.pem"), "privateKey": folder.join("acme.key"),
            "httpPort": 80, "tlsPort": 443, "certificateValidityPeriod": validity,
        }});
        std::fs::write(&config, settings.to_string()).unwrap();
        let mut pebble = net.command("pebble").unwrap();
        pebble.arg("-config").arg(config).args(["-dnsserver", &format!("{INTERNET}:53")]);
        // It takes some of five seconds over its look, so that there is a middle to an order.
        pebble.env("PEBBLE_VA_SLEEPTIME", "5").stdin(Stdio::null());
        pebble.stdout(File::create(&log).unwrap()).stderr(Stdio::null());
        let pebble = Pebble { child: pebble.spawn().unwrap(), log };
        let there = ["--retry", "50", "--retry-delay", "0", "--retry-all-errors", "--retry-max-time", "30"];
        let root = folder.join("root.pem");
        let asked =
            curl(net, &there, &["-k", "-o", root.to_str().unwrap(), "https://198.51.100.1:15000/roots/0"]);
        assert_eq!(asked.0, 0, "{}", asked.1);
        pebble
    }

    /// How many orders it has taken.
    fn orders(&self) -> usize {
        std::fs::read_to_string(&self.log).unwrap().matches("Added order ").count()
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Exit code and output of curl on the internet.
fn curl(net: &Net, before: &[&str], args: &[&str]) -> (i32, String) {
    let mut curl: Command = net.command("curl").unwrap();
    let ran = curl.args(["-sS", "--max-time", "20"]).args(before).args(args).output().unwrap();
    let text = [ran.stdout, ran.stderr].concat();
    (ran.status.code().unwrap(), String::from_utf8_lossy(&text).trim().to_owned())
}

struct Visitor<'a> {
    net: &'a Net,
    root: PathBuf,
    resolve: [String; 2],
}

impl Visitor<'_> {
    /// Status and, where there is one, the new address; or curl's code as a negative number.
    fn visit(&self, url: &str) -> (i32, String) {
        let known: Vec<&str> = self.resolve.iter().flat_map(|known| ["--resolve", known]).collect();
        let wanted = [
            "--cacert",
            self.root.to_str().unwrap(),
            "-o",
            "/dev/null",
            "-w",
            "%{http_code} %{redirect_url}",
            url,
        ];
        let (code, said) = curl(self.net, &known, &wanted);
        // Without a new address only the status stands there.
        let (status, to) = said.split_once(' ').unwrap_or((&said, ""));
        if code == 0 { (status.parse().unwrap(), to.to_owned()) } else { (-code, said) }
    }

    fn status(&self, url: &str) -> i32 {
        self.visit(url).0
    }
}

/// How the name stands, once it stands like that.
fn stands(server: &Server, state: &str) -> Value {
    let look = "loopwrightd domain --json";
    let until = format!(
        "timeout 90 sh -c 'until {look} | grep -q \"\\\"state\\\":\\\"{state}\\\"\"; do sleep 0.1; done'"
    );
    let there = server.exec_with(&format!("{until}; s=$?; {look}; exit $s"), None, 120).unwrap();
    let rows: Value = serde_json::from_str(there.out.trim()).unwrap_or_default();
    assert_eq!(there.code, 0, "not {state}: {}{}", there.out, there.err);
    rows["rows"][0]["certificate"].clone()
}

fn set(server: &Server) {
    ok(server, &format!("loopwrightd domain set {NAME}"));
}

fn ask(server: &Server, site: &str) {
    let said = ok(server, "loopwrightd ask 'A page for a bakery' --agent practice --wait 2>&1");
    assert!(said.contains(site), "no {site} in: {said}");
}

fn says(certificate: &Value, error: &str, next: &str) {
    let has = |field: &str, part: &str| certificate[field].as_str().is_some_and(|text| text.contains(part));
    assert!(has("error", error) && has("next", next), "{certificate}");
}

#[test]
fn a_domain_gets_a_certificate_that_stays_and_is_renewed() {
    let net = Net::up().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["acme.test".to_owned()]).unwrap();
    std::fs::write(folder.path().join("acme.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.path().join("acme.key"), made.signing_key.serialize_pem()).unwrap();
    net.name("acme.test", INTERNET).unwrap();
    net.name(NAME, ELSEWHERE).unwrap();

    let server = net.start(Spec { cpus: 2, ..Spec::default() }).unwrap();
    let (ip, host) = (server.ip(), server.ip().to_string());
    server.put(&testkit::workspace::built("loopwrightd").unwrap(), "/tmp/loopwrightd", 0o755).unwrap();
    server.put(&folder.path().join("acme.pem"), "/etc/acme.pem", 0o644).unwrap();
    ok(
        &server,
        "d=/etc/systemd/system/loopwright-edge.service.d; mkdir -p $d; printf '[Service]\\nEnvironment=LOOPWRIGHT_ACME_DIRECTORY=https://acme.test:14000/dir LOOPWRIGHT_ACME_ROOTS=/etc/acme.pem\\n' >$d/acme.conf",
    );
    ok(&server, &format!("/tmp/loopwrightd setup begin --key '{KEY}' && rm /tmp/loopwrightd"));
    let wish = format!(r#"{{"project":"Bakery","starter":"static","domain":"{NAME}","terms":true}}"#);
    let apply = format!("echo '{wish}' | {PROGRAM} setup apply --wish - --json | tail -n1");
    assert!(ok(&server, &apply).contains("\"ok\":true"));
    assert!(ok(&server, &apply).contains("\"changes\":0"));

    let visitor = Visitor {
        net: &net,
        root: folder.path().join("root.pem"),
        resolve: [format!("{NAME}:80:{ip}"), format!("{NAME}:443:{ip}")],
    };
    let (plain, encrypted) = (format!("http://{NAME}/x?y=1"), format!("https://{NAME}/"));
    std::fs::write(&visitor.root, made.cert.pem()).unwrap();

    // The name leads elsewhere: nothing is asked of the authority, and the site is there all the same.
    let blocked = stands(&server, "blocked");
    says(&blocked, &format!("points to {ELSEWHERE}, but this server is {ip}"), &format!("A record to {ip}"));
    ask(&server, &format!("http://{host}/"));
    assert_eq!(visitor.status(&format!("http://{NAME}/")), 200);
    assert_eq!(visitor.status(&encrypted), -35, "a handshake that is refused");

    // It leads here, and the authority is away.
    net.name(NAME, ip).unwrap();
    set(&server);
    let failed = stands(&server, "failed");
    says(&failed, "authority cannot be reached", "tried again by itself");
    assert!(failed["due"].as_i64() > Some(0), "{failed}");

    // The edge is killed in the middle of an order, and the next one goes on with that order.
    let pebble = Pebble::start(&net, folder.path(), 7 * 24 * 3600);
    let record = format!("{FOLDER}/{NAME}.json");
    let killed = format!(
        "pid=$(systemctl show -P MainPID loopwright-edge); loopwrightd domain set {NAME} >/dev/null; \
         timeout 30 sh -c 'until grep -q \"\\\"order\\\":{{\" {record}; do sleep 0.01; done' && kill -9 $pid && cat {record}"
    );
    let cut: Value = serde_json::from_str(&ok(&server, &killed)).unwrap();
    assert!(cut["order"]["url"].is_string(), "the order was over before the kill: {cut}");
    let standing = stands(&server, "standing");
    assert!(standing["issuer"].as_str().unwrap().contains("Pebble"), "{standing}");
    assert_eq!(standing["error"], Value::Null);
    assert_eq!(pebble.orders(), 1, "the order that was cut went on");

    assert_eq!(visitor.status(&encrypted), 200);
    assert_eq!(visitor.visit(&plain), (308, format!("https://{NAME}/x?y=1")));
    assert_eq!(visitor.status(&format!("http://{host}/")), 200, "the address stays plain");
    assert_eq!(visitor.status(&format!("https://{host}/")), -35, "no certificate for another name");
    let health: Value =
        serde_json::from_str(&ok(&server, &format!("{PROGRAM} setup health --json"))).unwrap();
    assert_eq!(health["certificates"][0]["state"], "standing", "{health}");
    ask(&server, &encrypted);
    let modes = ok(&server, &format!("stat -c '%a %U' {FOLDER} {FOLDER}/* | sort -u"));
    assert_eq!(modes, "600 root\n700 root");

    // Another edge takes over under the visitors: no request fails, and no certificate is asked for.
    let over = AtomicBool::new(false);
    let failed = std::thread::scope(|scope| {
        let round = || {
            let mut failed = Vec::new();
            while !over.load(Ordering::Relaxed) {
                failed.extend(Some(visitor.visit(&encrypted)).filter(|(status, _)| *status != 200));
            }
            failed
        };
        let rounds = [scope.spawn(round), scope.spawn(round)];
        ok(&server, "systemctl restart loopwright-edge");
        over.store(true, Ordering::Relaxed);
        rounds.map(|round| round.join().unwrap()).concat()
    });
    assert_eq!(failed, Vec::new());
    assert_eq!(stands(&server, "standing")["until"], standing["until"]);
    assert_eq!(pebble.orders(), 1);

    // An authority that knows nobody any more and gives short lives: another account, another certificate, its renewal.
    drop(pebble);
    let pebble = Pebble::start(&net, folder.path(), 12);
    ok(&server, &format!("loopwrightd domain remove && rm {FOLDER}/*.pem"));
    assert_eq!(visitor.status(&format!("http://{NAME}/")), 200, "a name that was taken away is no redirect");
    ok(&server, &format!("loopwrightd domain set {NAME} --agree"));
    let first = stands(&server, "standing")["until"].as_i64().unwrap();
    let renewed = format!(
        "timeout 90 sh -c 'until loopwrightd domain --json | grep -q standing && ! loopwrightd domain --json | grep -q {first}; do sleep 0.2; done'"
    );
    ok(&server, &renewed);
    assert!(pebble.orders() > 1);
    assert_eq!(visitor.status(&encrypted), 200);
}
