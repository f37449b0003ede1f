//! `loopwrightd setup` on real servers: a bare Debian becomes one that serves a site at port 80, is upgraded under its
//! visitors, survives cuts, and is as it was when all is removed.

#![expect(clippy::unwrap_used, reason = "test code")]

mod setup;

use serde_json::Value;
use setup::{KEY, PROGRAM, WISH, exec, lines, ok, removed, visit};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use testkit::server::{Fault, Init, Net, Server, Spec, Suite};

fn program() -> PathBuf {
    testkit::workspace::built("loopwrightd").unwrap()
}

/// The program in its place, and the desktop's key.
fn begun(net: &Net, spec: Spec) -> Server {
    let server = net.start(spec).unwrap();
    server.put(&program(), "/tmp/loopwrightd", 0o755).unwrap();
    ok(&server, &format!("/tmp/loopwrightd setup begin --key '{KEY}' && rm /tmp/loopwrightd"));
    server
}

fn apply(server: &Server, more: &str) -> (i32, Vec<Value>) {
    let ran = exec(server, &format!("echo '{WISH}' | {PROGRAM} setup apply --wish - --json {more}"));
    (ran.code, lines(&ran.out))
}

/// The changes of a run that came to its end.
#[track_caller]
fn changes((code, entries): (i32, Vec<Value>)) -> u64 {
    assert_eq!(code, 0, "{:?}", entries.last());
    let last = entries.last().unwrap();
    assert_eq!((&last["event"], &last["ok"]), (&"finished".into(), &true.into()), "{last}");
    last["changes"].as_u64().unwrap()
}

const GOOD: &str = "HTTP/1.1 200 OK";

fn ask(server: &Server) {
    let ran = exec(server, "loopwrightd ask 'A page for a bakery' --agent practice --wait");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let url = format!("http://{}/", server.ip());
    assert!(ran.out.contains(&url), "{}", ran.out);
}

fn whole_life(suite: Suite) {
    let net = Net::up().unwrap();
    let spec = Spec { suite, cpus: 2, ..Spec::default() };
    let server = net.start(spec).unwrap();
    let bare = server.manifest().unwrap();
    server.put(&program(), "/tmp/loopwrightd", 0o755).unwrap();
    ok(&server, &format!("/tmp/loopwrightd setup begin --key '{KEY}' && rm /tmp/loopwrightd"));

    let plan: Value = serde_json::from_str(&ok(&server, &format!("{PROGRAM} setup plan --json"))).unwrap();
    assert_eq!(plan["steps"].as_array().unwrap().len(), 16);
    assert!(changes(apply(&server, "")) > 10);
    assert_eq!(changes(apply(&server, "")), 0);
    ask(&server);
    assert_eq!(server.open_ports().unwrap(), [22, 80, 443]);
    let port = server.forward(80).unwrap();
    assert_eq!(visit(port).as_deref(), Some(GOOD));

    // A start of the machine brings all of it back.
    server.fault(Fault::Reboot).unwrap();
    server.wait().unwrap();
    ok(&server, "systemctl is-system-running --wait");
    assert_eq!(visit(port).as_deref(), Some(GOOD));

    // What drifts is repaired.
    ok(
        &server,
        "rm /usr/local/bin/loopwrightd; systemctl disable --now -q loopwright; echo '#' >>/etc/sudoers.d/loopwright",
    );
    assert_eq!(changes((0, lines(&ok(&server, &format!("{PROGRAM} setup repair --json"))))), 3);

    upgraded_under_its_visitors(&server, port);

    let would: Value =
        serde_json::from_str(&ok(&server, &format!("{PROGRAM} setup remove --dry-run --json"))).unwrap();
    assert_eq!(would["keeps"], Value::Array(Vec::new()), "{would}");
    ok(&server, &format!("{PROGRAM} setup remove"));
    removed(&bare, &server, "");
    assert_eq!(ok(&server, "ls /var/backups | grep -c loopwright"), "1");
}

fn upgraded_under_its_visitors(server: &Server, port: u16) {
    let incoming = "/var/lib/loopwright/desk/incoming/next";
    ok(server, &format!("cp {PROGRAM} {incoming} && echo >>{incoming}"));
    let before = ok(server, "readlink /opt/loopwright/current");
    let over = AtomicBool::new(false);
    let failed = std::thread::scope(|scope| {
        let visitor = || {
            let mut failed = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let answer = visit(port);
                if answer.as_deref() != Some(GOOD) {
                    failed.push(answer);
                }
            }
            failed
        };
        let visitors = [scope.spawn(visitor), scope.spawn(visitor)];
        ok(server, &format!("{PROGRAM} setup upgrade {incoming}"));
        over.store(true, Ordering::Relaxed);
        visitors.map(|visitor| visitor.join().unwrap()).concat()
    });
    assert_eq!(failed, Vec::new());
    let now = ok(server, "readlink /opt/loopwright/current");
    assert_ne!(now, before);

    // One that does not serve is not kept.
    ok(server, &format!("printf '#!/bin/sh\\necho loopwrightd 9.9.9\\n' >{incoming}"));
    let ran = exec(server, &format!("{PROGRAM} setup upgrade {incoming}"));
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(
        ran.err.contains("did not pass its health check") && ran.err.contains("runs again"),
        "{}",
        ran.err
    );
    assert_eq!(ok(server, "readlink /opt/loopwright/current"), now);
    assert_eq!(visit(port).as_deref(), Some(GOOD));
}

#[test]
fn debian_12_is_set_up_serves_is_upgraded_and_is_as_it_was_after_the_removal() {
    whole_life(Suite::Bookworm);
}

#[test]
fn debian_13_is_set_up_serves_is_upgraded_and_is_as_it_was_after_the_removal() {
    whole_life(Suite::Trixie);
}

/// Waits until a record is there, as the desktop would.
fn until(server: &Server, words: &str) {
    let follow = format!("timeout 200 {PROGRAM} setup status --follow --json | grep -q -m1 '{words}'");
    ok(server, &follow);
}

#[test]
fn a_run_that_is_cut_goes_on_by_itself() {
    let net = Net::up().unwrap();
    let server = begun(&net, Spec { cpus: 2, ..Spec::default() });
    let detached = format!("echo '{WISH}' | {PROGRAM} setup apply --wish - --detach --json");
    assert!(ok(&server, &detached).starts_with("{\"after\":"));
    // Two runs at once: the second is told of the first.
    let ran = exec(&server, &format!("{PROGRAM} setup apply --json"));
    assert_eq!(ran.code, 3, "{}", ran.out);
    assert_eq!(lines(&ran.out).last().unwrap()["obstacle"]["kind"], "running", "{}", ran.out);
    // Its service is killed, and starts it again.
    until(&server, "installing .* packages");
    ok(&server, "systemctl kill -s KILL loopwright-setup");
    // The power goes, while Node is fetched.
    until(&server, "\"step_started\",\"step\":\"node\"");
    server.fault(Fault::PowerCut).unwrap();
    server.wait().unwrap();
    until(&server, "\"finished\",\"work\":\"apply\",\"ok\":true");
    assert_eq!(changes(apply(&server, "")), 0);
    ask(&server);
    assert_eq!(ok(&server, "ls /etc/systemd/system | grep -c resume; true"), "0");
}

#[test]
fn what_stands_in_the_way_is_named_and_the_ways_out_work() {
    let net = Net::up().unwrap();
    let server = begun(&net, Spec::default());
    let blocked = |fault: Fault| {
        server.fault(fault).unwrap();
        let (code, entries) = apply(&server, "");
        assert_eq!(code, 3, "{entries:?}");
        entries.last().unwrap()["obstacle"].clone()
    };
    let obstacle = blocked(Fault::OsRelease("ID=fedora\nVERSION_ID=43\nPRETTY_NAME=\"Fedora 43\"\n".into()));
    assert_eq!(obstacle["kind"], "system", "{obstacle}");
    ok(&server, "rm /etc/os-release && ln -s ../usr/lib/os-release /etc/os-release");
    let obstacle = blocked(Fault::NoRegistry);
    assert_eq!(obstacle["kind"], "network", "{obstacle}");
    server.fault(Fault::Heal).unwrap();
    let obstacle = blocked(Fault::DpkgBroken);
    assert_eq!(obstacle["kind"], "packages_broken", "{obstacle}");
    assert_eq!(obstacle["choices"][0], "repair_packages");
    server.fault(Fault::DpkgMended).unwrap();
    let obstacle = blocked(Fault::PortBusy(80));
    assert_eq!(obstacle["kind"], "port", "{obstacle}");
    assert!(obstacle["cause"].as_str().unwrap().starts_with("port 80 is held by "), "{obstacle}");
    // Nothing was made by any of them.
    assert_eq!(
        ok(&server, "getent passwd loopwright-agent; ls /var/lib/loopwright/workspace 2>&1 | wc -l"),
        "1"
    );

    // Behind the other web server; and the system's own updates are waited for.
    server.fault(Fault::AptLock(20)).unwrap();
    let (code, entries) = apply(&server, "--choice units=behind_proxy");
    assert_eq!(code, 0, "{:?}", entries.last());
    let waited = entries
        .iter()
        .any(|entry| entry["event"] == "waiting" && entry["obstacle"]["kind"] == "package_lock");
    assert!(waited, "{entries:?}");
    assert!(ok(&server, "ss -Hltn 'sport = :8480'").contains("127.0.0.1:8480"));
    assert_eq!(server.open_ports().unwrap(), [22, 80]);
}

#[test]
fn a_server_without_systemd_or_memory_is_left_alone() {
    let net = Net::up().unwrap();
    for (spec, kind) in [
        (Spec { init: Init::Bare, ..Spec::default() }, "system"),
        (Spec { memory_mib: 400, ..Spec::default() }, "memory"),
        (Spec { disk_mib: 1500, ..Spec::default() }, "disk"),
    ] {
        let server = net.start(spec).unwrap();
        server.put(&program(), "/tmp/loopwrightd", 0o755).unwrap();
        let before = server.manifest().unwrap();
        let ran = exec(&server, &format!("/tmp/loopwrightd setup begin --key '{KEY}' --json"));
        assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
        assert_eq!(lines(&ran.out).last().unwrap()["obstacle"]["kind"], kind, "{}", ran.out);
        assert_eq!(before.changes(&server.manifest().unwrap()), [""; 0]);
        server.stop().unwrap();
    }
}
