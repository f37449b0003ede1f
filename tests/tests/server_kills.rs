//! Whatever is killed while a server is set up, upgraded or cleared: the work goes on, and comes to the end to which it would
//! have come undisturbed. One server for all of it; each run is killed at one moment after the other, so that each goes on
//! where the one before it ended.

#![expect(clippy::unwrap_used, reason = "test code")]

mod kills;
mod setup;

use kills::line::Line;
use kills::{Moments, SENT, ask, desk, ended_at_each_moment, program, same, settled};
use protocol::setup::{SetupEntry, SetupEvent};
use remote::Entry;
use setup::desk::{local, sent};
use setup::{KEY, PROGRAM, WISH, exec, lines, ok, removed};
use std::collections::BTreeSet;
use std::path::Path;
use testkit::server::{Fault, Manifest, Net, Server, Spec};
use tokio::sync::watch;

const INCOMING: &str = "/var/lib/loopwright/desk/incoming/next";

fn send(server: &Server, program: &Path) {
    server.put(program, SENT, 0o755).unwrap();
}

/// What lies there after an undisturbed run.
fn undisturbed(server: &Server) -> Manifest {
    ok(server, &format!("{SENT} setup begin --key '{KEY}' && rm {SENT}"));
    ok(server, &format!("echo '{WISH}' | {PROGRAM} setup apply --wish -"));
    server.manifest().unwrap()
}

/// The line is cut in the upload, while the program installs itself, before the desktop signs in by its own key, and at each
/// step while the desktop follows; sshd is away for a while; the daemon is killed while the steps need it and afterwards.
fn the_connection_and_the_daemon(
    server: &Server,
    port: u16,
    good: &Manifest,
    steps: &BTreeSet<String>,
    program: &Path,
) {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let line = Line::to(server.ssh_port());
    let local = local(folder.path());
    let (begun, from) =
        runtime.block_on(desk::met(&local, &line, sent(program.to_owned()), &[3 << 20, 9 << 20]));
    assert!(from.get(1) > Some(&0) && from.get(2) > from.get(1), "the upload goes on where it was: {from:?}");
    // One key, however often it was begun.
    let keys = ok(server, "cat /var/lib/loopwright/desk/.ssh/authorized_keys");
    assert_eq!(keys.lines().count(), 1, "{keys}");

    let moments = Moments::of_services(server);
    let (heard, mut hears) = watch::channel(Vec::<SetupEntry>::new());
    let wish = serde_json::from_str(WISH).unwrap();
    let (tunnel, after) = runtime.block_on(async {
        let after = Entry::new(begun.session.clone()).apply(Some(&wish), None).await.unwrap();
        (desk::tunnel(&local, begun.target.clone(), &begun.key, Some(begun.session)), after)
    });
    let following = {
        let tunnel = tunnel.clone();
        runtime.spawn(async move { desk::followed(&tunnel, after, &heard).await })
    };
    let mut cut = BTreeSet::from(["binary".to_owned(), "desk".to_owned()]);
    loop {
        let moment = moments.next();
        let (step, rest) = moment.split_once(' ').unwrap();
        if rest == "started" {
            let step_of = |entry: &SetupEntry| matches!(&entry.event, SetupEvent::StepStarted { step: of, .. } if of == step);
            runtime.block_on(hears.wait_for(|heard| heard.iter().any(step_of))).unwrap();
            line.cut();
            cut.insert(step.to_owned());
        }
        // Nobody is let in for a while: the desktop comes back by itself when sshd does.
        if moment == "packages started" {
            server.fault(Fault::StopSshd).unwrap();
            line.cut();
        } else if moment == "packages done" {
            server.fault(Fault::StartSshd).unwrap();
        }
        if moment == "project intent Bakery"
            || moment == "project effect Bakery"
            || moment == "run Apply at its end"
        {
            ok(server, "systemctl kill -s KILL loopwright.service");
        }
        moments.go_on();
        if moment == "run Apply over" {
            break;
        }
    }
    assert!(cut.is_superset(steps), "{cut:?} of {steps:?}");
    runtime.block_on(following).unwrap();
    moments.end();
    let heard = hears.borrow().clone();
    let there: Vec<SetupEntry> =
        lines(&ok(server, &format!("{PROGRAM} setup status --after {after} --json")))
            .into_iter()
            .map(|line| serde_json::from_value(line).unwrap())
            .collect();
    assert_eq!(heard, there);
    assert!(
        matches!(heard.last().unwrap().event, SetupEvent::Finished { ok: true, .. }),
        "{:?}",
        heard.last()
    );
    same(good, &server.manifest().unwrap(), "the connection");
    ask(server);
    ok(server, "systemctl kill -s KILL loopwright.service");
    settled(server, port, "the connection and the daemon");
}

/// Every step that changes something on this system.
fn steps(server: &Server) -> BTreeSet<String> {
    let journal = ok(server, &format!("{PROGRAM} setup status --json"));
    let started = lines(&journal).into_iter().filter(|entry| entry["event"] == "step_started");
    started.map(|entry| entry["step"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn whatever_is_killed_at_any_step_the_end_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let program = program(folder.path());
    let net = Net::up().unwrap();
    let server = net.start(Spec { cpus: 2, ..Spec::default() }).unwrap();
    let port = server.forward(80).unwrap();
    send(&server, &program);
    let good = undisturbed(&server);
    let steps = steps(&server);

    // Each reset salts the logins' passwords anew: what is bare is looked at after it.
    server.reset().unwrap();
    let bare = server.manifest().unwrap();
    send(&server, &program);
    the_process(&server, port, &good, &steps);
    upgrades(&server, port);
    the_process_of_a_removal(&server, &bare);

    server.reset().unwrap();
    let bare = server.manifest().unwrap();
    send(&server, &program);
    the_machine(&server, port, &good, &steps);
    the_machine_in_an_upgrade_and_a_removal(&server, port, &bare);

    server.reset().unwrap();
    the_connection_and_the_daemon(&server, port, &good, &steps, &program);
}

/// The set-up's own process ends before and after each effect.
fn the_process(server: &Server, port: u16, good: &Manifest, steps: &BTreeSet<String>) {
    let begin = format!("until {SENT} setup begin --key '{KEY}' >/var/tmp/said 2>&1; do :; done");
    let (mut moments, code) = ended_at_each_moment(server, &begin, "begin");
    assert_eq!(code, 0, "begin: {moments:?}");
    ok(server, &format!("rm {SENT}"));
    let apply = format!("echo '{WISH}' | {PROGRAM} setup apply --wish - >/var/tmp/said 2>&1");
    let (of_apply, code) = ended_at_each_moment(server, &apply, "apply");
    assert_eq!(code, 0, "apply: {of_apply:?} {}", ok(server, "tail -5 /var/tmp/said"));
    moments.extend(of_apply);
    for step in steps {
        for kind in ["started", "intent", "effect", "done"] {
            let begins = format!("{step} {kind}");
            assert!(moments.iter().any(|moment| moment.starts_with(&begins)), "{begins}: {moments:?}");
        }
    }
    same(good, &server.manifest().unwrap(), "the process");
    ask(server);
    settled(server, port, "the process");
}

/// To a healthy version, and to one that is not kept.
fn upgrades(server: &Server, port: u16) {
    let before = ok(server, "readlink /opt/loopwright/current");
    let upgrade = format!("{PROGRAM} setup upgrade {INCOMING} >/var/tmp/said 2>&1");
    ok(server, &format!("cp {PROGRAM} {INCOMING} && echo >>{INCOMING}"));
    let (moments, code) = ended_at_each_moment(server, &upgrade, "upgrade");
    assert_eq!(code, 0, "upgrade: {moments:?} {}", ok(server, "tail -5 /var/tmp/said"));
    let now = ok(server, "readlink /opt/loopwright/current");
    assert_ne!(now, before);
    assert!(moments.contains(&"upgrade effect /opt/loopwright/current".to_owned()), "{moments:?}");
    settled(server, port, "upgrade");

    ok(server, &format!("printf '#!/bin/sh\\necho loopwrightd 9.9.9\\n' >{INCOMING}"));
    let (moments, _) = ended_at_each_moment(server, &upgrade, "sick upgrade");
    assert!(moments.contains(&"upgrade doing version 9.9.9".to_owned()), "{moments:?}");
    assert_eq!(ok(server, "readlink /opt/loopwright/current"), now, "sick upgrade: {moments:?}");
    let said = ok(server, &format!("{PROGRAM} setup status --json"));
    assert!(said.contains("did not pass its health check"), "{said}");
    settled(server, port, "sick upgrade");
}

fn the_process_of_a_removal(server: &Server, bare: &Manifest) {
    let (moments, _) =
        ended_at_each_moment(server, &format!("{PROGRAM} setup remove >/var/tmp/said 2>&1"), "remove");
    for moment in ["units started", "packages done", "run Remove at its end", "run Remove over"] {
        assert!(moments.iter().any(|is| is == moment), "{moment}: {moments:?}");
    }
    removed(bare, server, "the process of a removal");
}

/// The power is cut once in each step, between an effect and its record; in the middle of dpkg's work; and before and after
/// the run's own end. The machine goes on by itself each time.
fn the_machine(server: &Server, port: u16, good: &Manifest, steps: &BTreeSet<String>) {
    ok(server, &format!("{SENT} setup begin --key '{KEY}' && rm {SENT}"));
    let moments = Moments::of_services(server);
    ok(server, &format!("echo '{WISH}' | {PROGRAM} setup apply --wish - --detach"));
    let mut cut = BTreeSet::from(["binary".to_owned(), "desk".to_owned()]);
    let mut in_dpkg = false;
    loop {
        let moment = moments.next();
        let (step, rest) = moment.split_once(' ').unwrap();
        let own_end = moment == "run Apply at its end" || moment == "run Apply over";
        if own_end || rest.starts_with("effect") && cut.insert(step.to_owned()) {
            power_cut(server);
        } else if rest.starts_with("doing installing") && step == "packages" && !in_dpkg {
            in_dpkg = true;
            moments.go_on();
            // What dpkg has unpacked under a name that is not the last one.
            ok(
                server,
                "until ls /usr/bin/git.dpkg-new /usr/lib/git-core/*.dpkg-new >/dev/null 2>&1; do :; done",
            );
            power_cut(server);
        } else {
            moments.go_on();
        }
        if moment == "run Apply over" {
            break;
        }
    }
    assert!(cut.is_superset(steps), "{cut:?} of {steps:?}");
    assert!(in_dpkg);
    // The start of the machine ends with its last service.
    ok(server, "systemctl is-system-running --wait");
    moments.end();
    same(good, &server.manifest().unwrap(), "the machine");
    ask(server);
    settled(server, port, "the machine");
}

fn power_cut(server: &Server) {
    server.fault(Fault::PowerCut).unwrap();
    server.wait().unwrap();
}

fn the_machine_in_an_upgrade_and_a_removal(server: &Server, port: u16, bare: &Manifest) {
    let before = ok(server, "readlink /opt/loopwright/current");
    let at = |cuts: &[&str], command: &str| {
        let moments = Moments::of_services(server);
        ok(server, command);
        let mut left = cuts.to_vec();
        while !left.is_empty() {
            let moment = moments.next();
            if left.contains(&moment.as_str()) {
                left.retain(|cut| *cut != moment);
                power_cut(server);
            } else {
                moments.go_on();
            }
        }
        // The start of the machine ends with its last service, and what that comes to yet.
        Moments::pass(server);
        ok(server, "systemctl is-system-running --wait");
        Moments::end_of(server);
    };
    ok(server, &format!("cp {PROGRAM} {INCOMING} && echo >>{INCOMING}"));
    at(
        &["upgrade effect /opt/loopwright/current", "upgrade doing starting the", "run Upgrade over"],
        &format!("{PROGRAM} setup upgrade {INCOMING} --detach"),
    );
    assert_ne!(ok(server, "readlink /opt/loopwright/current"), before);
    settled(server, port, "the machine in an upgrade");

    at(
        &["units started", "packages done", "run Remove at its end", "run Remove over"],
        &format!("{PROGRAM} setup remove --detach"),
    );
    removed(bare, server, "the machine in a removal");
    assert_ne!(exec(server, &format!("ls {PROGRAM}")).code, 0);
}
