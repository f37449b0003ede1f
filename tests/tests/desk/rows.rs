//! What a desktop program would answer: two servers, what is found on one, its plan, its runs.

use super::{give, refuse};
use protocol::api::DomainRow;
use protocol::desk::*;
use protocol::fact::Readiness;
use protocol::id::AgentId;
use protocol::setup::*;
use protocol::view::{AgentRow, Hello, Home, ProjectRow};
use protocol::{At, Code, Response};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

pub const PRINT: &str = "SHA256:qTz8mUeAH8Yk5bBfZ0b1sXQeZ0yqk3v7rJH0m2d9XyE";
pub const OTHER: &str = "SHA256:Zr4wLxCk0o2m7HYVb9dT1nUaQe5jGs8iPfRt6hKq3Wc";

/// Seconds ago.
pub fn ago(seconds: i64) -> At {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    At(i64::try_from(now).unwrap() - seconds * 1000)
}

fn id<T: TryFrom<String>>(text: &str) -> T
where
    T::Error: std::fmt::Debug,
{
    T::try_from(text.to_owned()).unwrap()
}

/// Answers that every page may ask for.
pub fn usual() -> Vec<(String, Value)> {
    let answers = [
        ("places", give(&DeskAnswer::Places { places: vec![here()] })),
        (
            "vault",
            give(&DeskAnswer::Vault { vault: VaultState::Keychain { name: "the system's keychain".into() } }),
        ),
        (
            "settings",
            give(&DeskAnswer::Settings {
                settings: DeskSettings { notify: true, ..DeskSettings::default() },
            }),
        ),
        ("set_settings", give(&DeskAnswer::Done)),
        ("loop:home", give(&DeskAnswer::Loop { response: Response::Home(Box::new(home())), since: None })),
        (
            "loop:agents",
            give(&DeskAnswer::Loop { response: Response::Agents { rows: agents() }, since: None }),
        ),
        ("loop:domains", give(&domains(vec![]))),
        ("leave", give(&DeskAnswer::Done)),
        ("meeting", refuse(Code::NotFound, "this sign-in has ended", "sign in again")),
    ];
    answers.map(|(name, answer)| (name.to_owned(), json!([answer]))).into()
}

pub fn domains(rows: Vec<DomainRow>) -> DeskAnswer {
    DeskAnswer::Loop { response: Response::Domains { rows }, since: None }
}

/// One whose renewal failed.
pub fn domain(name: &str) -> DomainRow {
    DomainRow {
        project: None,
        agreed: true,
        address: Some(format!("https://{name}/")),
        certificate: Certificate {
            name: name.into(),
            until: Some(ago(-61 * 86_400)),
            error: Some("the name leads to another address now".into()),
            next: Some("set its A record to 198.51.100.10".into()),
            state: CertificateState::Standing,
            issuer: Some("Let's Encrypt".into()),
            ..Certificate::default()
        },
    }
}

pub fn here() -> PlaceRow {
    PlaceRow {
        place: HERE.into(),
        name: "this computer".into(),
        target: None,
        link: Link::Up { since: ago(4_000), route: Route::Local, why: None },
        version: Some("0.1.0".into()),
        setup: None,
        mirror: Mirror { journal: None, head: 1_204, at: Some(ago(2)), warning: None },
    }
}

/// A server that is there and does well.
pub fn web(link: Link) -> PlaceRow {
    PlaceRow {
        place: "web-1".into(),
        name: "web-1.example".into(),
        target: Some(target()),
        link,
        version: Some("0.1.0".into()),
        setup: Some(SetupState::Done { seq: 90, at: ago(90_000) }),
        mirror: Mirror { journal: None, head: 8_311, at: Some(ago(7_300)), warning: None },
    }
}

pub fn target() -> Target {
    Target { host: "203.0.113.7".into(), port: 22, user: "root".into(), jump: None }
}

pub fn up() -> Link {
    Link::Up { since: ago(5_400), route: Route::Streamlocal, why: None }
}

pub fn lost() -> Link {
    let why = "the server does not answer any more: no reply for 20 s".into();
    Link::Lost { since: ago(75), why, retry_at: ago(-14) }
}

pub fn changed() -> Link {
    Link::Refused {
        why: "the server shows another host key than the one that is recorded".into(),
        next: "look at the key on the server's console before anything else".into(),
        host_key: Some(changed_key()),
    }
}

pub fn changed_key() -> ChangedKey {
    ChangedKey { recorded: vec![format!("ssh-ed25519 {PRINT}")], presented: format!("ssh-ed25519 {OTHER}") }
}

pub fn places(rows: &[PlaceRow]) -> Value {
    give(&DeskAnswer::Places { places: rows.to_vec() })
}

fn home() -> Home {
    let project = ProjectRow {
        project: id("p-1"),
        name: "Bakery".into(),
        starter: "static".into(),
        active: true,
        created: ago(90_000),
        url: None,
    };
    Home {
        hello: Hello {
            daemon: "0.1.0".into(),
            api: 1,
            journal: id("j-1"),
            head: 1_204,
            host: "desk".into(),
            local: true,
        },
        projects: vec![project],
        active: id("p-1"),
        requests: Vec::new(),
        current: None,
        agents: Vec::new(),
        disk_full: false,
    }
}

/// Of no vendor: what is shown is what the program on this computer says.
fn agents() -> Vec<AgentRow> {
    let agent = |name: &str, title: &str, readiness| AgentRow {
        agent: AgentId::new(name).unwrap(),
        title: title.into(),
        readiness,
        probed: None,
        runs: 0,
        live: 0,
        now: None,
    };
    let missing = || Readiness::Missing { next: "install it".into() };
    vec![
        agent("first", "First Coder", missing()),
        agent("second", "Second Coder", missing()),
        agent("practice", "Practice", Readiness::Practice),
    ]
}

pub fn meeting(stands: Stands) -> Value {
    give(&DeskAnswer::Meeting { id: "m-1".into(), stands })
}

pub fn fingerprint() -> Stands {
    Stands::Fingerprint {
        host: "203.0.113.7".into(),
        kind: "ssh-ed25519".into(),
        sha256: PRINT.into(),
        known_elsewhere: false,
    }
}

pub fn found() -> Found {
    Found {
        host: Some("web-1".into()),
        system: Some(System {
            id: "debian".into(),
            version: "13".into(),
            name: "Debian GNU/Linux 13 (trixie)".into(),
        }),
        arch: Some("x86_64".into()),
        init: Some("systemd".into()),
        user: Some("root".into()),
        rights: Rights::Root,
        cores: Some(2),
        memory: Some(1 << 30),
        swap: Some(0),
        disk_free: Some(17 << 30),
        clock_skew: Some(0),
        time_synced: None,
        packages: Packages {
            kind: Some("apt".into()),
            locked_by: Some("unattended-upgr (process 903)".into()),
            broken: false,
        },
        ipv4: true,
        ipv6: true,
        ..Found::default()
    }
}

pub fn stands_found(found: Found) -> Stands {
    let offers = Installed { version: "0.1.0".into(), sha256: None, complete: true };
    Stands::Found { found: Box::new(found), offers: Some(offers) }
}

/// Id, title, why: of every step in the plans and runs here.
const STEPS: [(&str, &str, &str); 8] = [
    ("binary", "The program", "everything else is done by it"),
    ("users", "Users for agents and sites", "agents and sites run as users that can do nothing else"),
    ("folders", "Folders", "one place for everything that is kept"),
    ("swap", "A swap file", "1 GiB of memory is little for an agent and a build at the same time"),
    ("packages", "Packages of the system", "git keeps the projects, bubblewrap shuts agents in"),
    ("time", "The right time", "certificates are refused by a clock that is wrong"),
    ("units", "Services", "the program starts with the server, and the sites answer on 80 and 443"),
    ("firewall", "Firewall", "it would refuse every port but SSH, 80 and 443"),
];

fn step(id: &str, state: StepPlan) -> PlannedStep {
    let (id, title, why) = STEPS.into_iter().find(|(known, ..)| *known == id).unwrap();
    PlannedStep { id: id.into(), title: title.into(), why: why.into(), state }
}

pub fn plan(hash: &str, units: StepPlan) -> DeskAnswer {
    let needed = |changes: Vec<Change>| StepPlan::Needed { changes };
    let file = |path: &str| Change::File { path: path.into(), replaces: false };
    let folder = |path: &str| Change::Folder { path: path.into() };
    let package = |name: &str| Change::Package { name: name.into() };
    let user = |name: &str| Change::User { name: name.into() };
    let steps = vec![
        step("binary", StepPlan::Satisfied),
        step("users", needed(vec![user("loopwright-agent"), user("loopwright-app")])),
        step("folders", needed(vec![folder("/var/lib/loopwright"), folder("/opt/loopwright/tools")])),
        step(
            "swap",
            needed(vec![
                Change::Swap { path: "/var/lib/loopwright/swap".into(), bytes: 2 << 30 },
                file("/etc/fstab"),
            ]),
        ),
        step("packages", needed(vec![package("git"), package("bubblewrap")])),
        step("time", StepPlan::Satisfied),
        step("units", units),
        step(
            "firewall",
            StepPlan::Skipped { why: "the firewall is left as it is: you did not ask for one".into() },
        ),
    ];
    DeskAnswer::Plan { plan: Plan { hash: hash.into(), steps, takes: Some(95) } }
}

pub fn units() -> StepPlan {
    let unit = |name: &str| Change::Unit { name: name.into() };
    StepPlan::Needed {
        changes: vec![
            unit("loopwright.service"),
            unit("loopwright-edge.service"),
            unit("loopwright-edge.socket"),
            Change::Port { port: 80 },
            Change::Port { port: 443 },
        ],
    }
}

pub fn port_held() -> Obstacle {
    Obstacle {
        kind: ObstacleKind::Port,
        cause: "port 80 is held by nginx (process 812)".into(),
        action: "put Loopwright behind it, or stop it".into(),
        choices: vec![Choice::BehindProxy, Choice::StopService],
    }
}

pub fn lock_held() -> Obstacle {
    Obstacle {
        kind: ObstacleKind::PackageLock,
        cause: "the system's own updates use the package system (unattended-upgr, process 903)".into(),
        action: "nothing: it goes on by itself when they are done".into(),
        choices: Vec::new(),
    }
}

pub fn known() -> Vec<KnownStep> {
    let usual = [2_000, 1_000, 500, 9_000, 48_000, 600, 6_000, 400];
    let known = |((step, title, _), usual): ((&str, &str, &str), u64)| KnownStep {
        step: step.into(),
        title: title.into(),
        usual: Some(usual),
    };
    STEPS.into_iter().zip(usual).map(known).collect()
}

/// A journal out of its events, a second apart, the last one a few seconds ago.
pub fn journal(first: u64, events: Vec<SetupEvent>) -> Vec<SetupEntry> {
    let n = i64::try_from(events.len()).unwrap();
    let entry = |(i, event): (usize, SetupEvent)| {
        let i = i64::try_from(i).unwrap();
        SetupEntry { seq: first + u64::try_from(i).unwrap(), at: ago((n - i) * 2 + 4), event }
    };
    events.into_iter().enumerate().map(entry).collect()
}

pub fn started(work: Work, resumed: bool) -> SetupEvent {
    let steps = STEPS.iter().map(|(id, ..)| (*id).to_owned()).collect();
    SetupEvent::Started { work, version: "0.1.0".into(), plan: "p-1".into(), steps, resumed }
}

pub fn begun(step: &str) -> SetupEvent {
    SetupEvent::StepStarted { step: step.into(), undo: false }
}

pub fn done(step: &str, millis: u64, changes: u32) -> SetupEvent {
    SetupEvent::StepDone { step: step.into(), undo: false, millis, changes }
}

pub fn doing(step: &str, words: &str, done: u64, of: u64) -> SetupEvent {
    SetupEvent::Doing { step: step.into(), words: words.into(), done: Some(done), of: Some(of) }
}

/// The first steps of a set-up, up to the packages.
pub fn first_half() -> Vec<SetupEvent> {
    vec![
        started(Work::Apply, false),
        begun("binary"),
        done("binary", 1_840, 3),
        begun("users"),
        done("users", 912, 2),
        begun("folders"),
        done("folders", 480, 2),
        begun("swap"),
        done("swap", 8_740, 2),
        begun("packages"),
        doing("packages", "unpacking git", 3, 7),
    ]
}

pub fn second_half() -> Vec<SetupEvent> {
    vec![
        done("packages", 41_300, 2),
        begun("time"),
        done("time", 350, 0),
        begun("units"),
        done("units", 5_210, 5),
        begun("firewall"),
        done("firewall", 90, 0),
        SetupEvent::Finished { work: Work::Apply, ok: true, changes: 16, millis: 61_800 },
    ]
}

pub fn setup(entries: Vec<SetupEntry>, state: SetupState) -> Value {
    give(&DeskAnswer::Setup { entries, state, steps: known() })
}

pub fn health() -> Health {
    let unit = |name: &str, state: &str| UnitState { name: name.into(), state: state.into() };
    let open = |port, program: &str| OpenPort { port, program: Some(program.into()) };
    Health {
        daemon: Some("0.1.0".into()),
        edge: true,
        units: vec![
            unit("loopwright.service", "active"),
            unit("loopwright-edge.service", "active"),
            unit("loopwright-edge.socket", "active"),
        ],
        uptime: Some(523_000),
        load: Some(0.34),
        cores: Some(2),
        memory: Some(Room { used: 655 << 20, total: 1 << 30 }),
        swap: Some(Room { used: 120 << 20, total: 2 << 30 }),
        disk: Some(Room { used: 9 << 30, total: 20 << 30 }),
        certificates: vec![],
        open: vec![open(22, "sshd"), open(80, "loopwrightd"), open(443, "loopwrightd")],
        reboot_needed: Some(true),
        time_synced: Some(true),
        security_updates: Some(true),
        sandbox: None,
    }
}

pub fn exposure() -> Exposure {
    let tried = |port, what: &str, open| Tried { port, what: what.into(), open, meant: open };
    Exposure {
        at: ago(3),
        address: "203.0.113.7".into(),
        tried: vec![
            tried(22, "SSH", true),
            tried(80, "the sites", true),
            tried(443, "the sites", true),
            tried(9119, "the dashboard", false),
            tried(9621, "the memory", false),
            tried(3210, "the agents' bridges", false),
        ],
    }
}

pub fn removal(keep_data: bool) -> Value {
    let mut removes = vec![
        Change::Unit { name: "loopwright.service".into() },
        Change::Unit { name: "loopwright-edge.socket".into() },
        Change::User { name: "loopwright-agent".into() },
        Change::User { name: "loopwright-app".into() },
        Change::Folder { path: "/opt/loopwright".into() },
        Change::Package { name: "bubblewrap".into() },
    ];
    if !keep_data {
        removes.push(Change::Folder { path: "/var/lib/loopwright/workspace".into() });
    }
    let keeps = vec![Left {
        what: Change::File { path: "/etc/fstab".into(), replaces: true },
        why: "it was changed since; only the line of the swap file goes".into(),
    }];
    give(&DeskAnswer::Removal { removes, keeps })
}
