//! Rows as a desktop program gives them, for the tests of the words.

use protocol::At;
use protocol::desk::{HERE, KnownStep, Link, Mirror, PlaceRow, Route};
use protocol::setup::*;

pub fn found() -> Found {
    Found {
        host: Some("web-1".into()),
        system: Some(System {
            id: "debian".into(),
            version: "12".into(),
            name: "Debian GNU/Linux 12 (bookworm)".into(),
        }),
        arch: Some("x86_64".into()),
        init: Some("systemd".into()),
        user: Some("root".into()),
        rights: Rights::Root,
        cores: Some(2),
        memory: Some(2_079_846_400),
        swap: Some(0),
        disk_free: Some(18_500_000_000),
        clock_skew: Some(1),
        time_synced: Some(true),
        packages: Packages { kind: Some("apt".into()), locked_by: None, broken: false },
        ipv4: true,
        ipv6: true,
        ..Found::default()
    }
}

pub fn obstacle() -> Obstacle {
    Obstacle {
        kind: ObstacleKind::Port,
        cause: "port 80 is held by nginx (pid 812)".into(),
        action: "put Loopwright behind it, or stop it".into(),
        choices: vec![Choice::BehindProxy, Choice::StopService],
    }
}

fn step(id: &str, state: StepPlan) -> PlannedStep {
    PlannedStep { id: id.into(), title: id.into(), why: "it is needed".into(), state }
}

/// A step of each state, a change of several kinds.
pub fn plan() -> Plan {
    let needed = |changes: Vec<Change>| StepPlan::Needed { changes };
    let file = |path: &str, replaces| Change::File { path: path.into(), replaces };
    Plan {
        hash: "4f2a".into(),
        takes: Some(95),
        steps: vec![
            step("time", StepPlan::Satisfied),
            step(
                "users",
                needed(vec![
                    Change::User { name: "loopwright-agent".into() },
                    Change::User { name: "loopwright-app".into() },
                ]),
            ),
            step("folders", needed(vec![Change::Folder { path: "/var/lib/loopwright".into() }])),
            step("swap", needed(vec![Change::Swap { path: "/swapfile".into(), bytes: 2 << 30 }])),
            step(
                "security",
                needed(vec![
                    file("/etc/apt/apt.conf.d/20auto-upgrades", true),
                    Change::Package { name: "unattended-upgrades".into() },
                ]),
            ),
            step(
                "node",
                needed(vec![
                    Change::Program { name: "node".into(), version: "24.4.1".into() },
                    Change::Link { path: "/opt/x/node".into(), to: "node-24".into() },
                    Change::Service { name: "nginx".into(), on: false },
                ]),
            ),
            step("units", StepPlan::Blocked { obstacle: obstacle() }),
            step("firewall", StepPlan::Skipped { why: "the firewall is left as it is".into() }),
        ],
    }
}

pub fn entry(seq: u64, at: i64, event: SetupEvent) -> SetupEntry {
    SetupEntry { seq, at: At(at), event }
}

/// A run of three steps.
pub fn run() -> Vec<SetupEntry> {
    let started = |step: &str| SetupEvent::StepStarted { step: step.into(), undo: false };
    let done = |step: &str, millis, changes| SetupEvent::StepDone {
        step: step.into(),
        undo: false,
        millis,
        changes,
    };
    let begins = SetupEvent::Started {
        work: Work::Apply,
        version: "0.1.0".into(),
        plan: "4f2a".into(),
        steps: vec!["users".into(), "packages".into(), "units".into()],
        resumed: false,
    };
    let doing = SetupEvent::Doing {
        step: "packages".into(),
        words: "fetching git".into(),
        done: Some(1),
        of: Some(4),
    };
    vec![
        entry(1, 1_000, begins),
        entry(2, 2_000, started("users")),
        entry(3, 3_000, done("users", 1_000, 3)),
        entry(4, 3_000, started("packages")),
        entry(5, 4_000, doing),
        entry(6, 21_000, done("packages", 18_000, 3)),
        entry(7, 21_000, started("units")),
        entry(8, 25_000, done("units", 4_000, 1)),
        entry(9, 25_000, SetupEvent::Finished { work: Work::Apply, ok: true, changes: 7, millis: 24_000 }),
    ]
}

pub fn known() -> Vec<KnownStep> {
    let known = |step: &str, title: &str, usual| KnownStep { step: step.into(), title: title.into(), usual };
    vec![known("users", "Users", Some(1_000)), known("packages", "Packages of the system", Some(20_000))]
}

pub fn health() -> Health {
    let unit = |name: &str, state: &str| UnitState { name: name.into(), state: state.into() };
    let open = |port, program: Option<&str>| OpenPort { port, program: program.map(str::to_owned) };
    Health {
        daemon: Some("0.1.0".into()),
        edge: true,
        units: vec![unit("loopwright.service", "active"), unit("loopwright-edge.service", "failed")],
        uptime: Some(93_600),
        load: Some(0.42),
        cores: Some(2),
        memory: Some(Room { used: 850_000_000, total: 2_079_846_400 }),
        swap: Some(Room { used: 0, total: 0 }),
        disk: Some(Room { used: 18 << 30, total: 20 << 30 }),
        open: vec![open(22, Some("sshd")), open(80, Some("loopwrightd")), open(5432, None)],
        reboot_needed: Some(true),
        time_synced: Some(true),
        security_updates: Some(true),
        ..Health::default()
    }
}

pub fn exposure() -> Exposure {
    let tried = |port, what: &str, open, meant| Tried { port, what: what.into(), open, meant };
    Exposure {
        at: At(1),
        address: "203.0.113.7".into(),
        tried: vec![
            tried(22, "SSH", true, true),
            tried(80, "sites", true, true),
            tried(443, "sites", true, true),
            tried(9119, "dashboard", false, false),
        ],
    }
}

pub fn here() -> PlaceRow {
    PlaceRow {
        place: HERE.into(),
        name: "this computer".into(),
        target: None,
        link: Link::Up { since: At(1), route: Route::Local, why: None },
        version: Some("0.1.0".into()),
        setup: None,
        mirror: Mirror::default(),
    }
}
