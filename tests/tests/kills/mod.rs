//! What the tests that kill share: the server's program with its fault points, the pipes by which a set-up waits at each of
//! its moments for a word, and what may differ between two servers that were set up alike.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test program uses the part that it needs")]

pub mod desk;
pub mod line;

use crate::setup::{PROGRAM, exec, lines, ok, visit};
use std::path::{Path, PathBuf};
use std::process::Command;
use testkit::server::{Manifest, Server};

/// Where the program lies that is sent; no manifest looks there, and no start of the machine empties it.
pub const SENT: &str = "/var/tmp/loopwrightd";
const MOMENTS: &str = "/var/tmp/moments";

/// The program with fault points, without the tables that only debuggers read.
pub fn program(folder: &Path) -> PathBuf {
    let from = testkit::workspace::built("loopwrightd-faults").unwrap();
    let to = folder.join("loopwrightd");
    let stripped = Command::new("strip").arg("-S").arg("-o").arg(&to).arg(&from).status();
    if !stripped.is_ok_and(|status| status.success()) {
        std::fs::copy(from, &to).unwrap();
    }
    to
}

/// The moments of a set-up. Without pipes each one that was not seen before is the process' last.
pub struct Moments<'a>(&'a Server);

impl<'a> Moments<'a> {
    /// In the environment of all services from the next start of systemd on.
    pub fn of_services(server: &'a Server) -> Self {
        ok(
            server,
            &format!(
                "mkdir -p {MOMENTS} && mkfifo {MOMENTS}/at {MOMENTS}/go && \
                 mkdir -p /etc/systemd/system.conf.d && \
                 printf '[Manager]\\nDefaultEnvironment=LOOPWRIGHT_SETUP_MOMENTS={MOMENTS}\\n' >/etc/systemd/system.conf.d/moments.conf && \
                 systemctl set-environment LOOPWRIGHT_SETUP_MOMENTS={MOMENTS}"
            ),
        );
        Self(server)
    }

    /// Where the set-up waits now.
    pub fn next(&self) -> String {
        ok(self.0, &format!("timeout 200 cat {MOMENTS}/at"))
    }

    pub fn go_on(&self) {
        self.say("on");
    }

    pub fn die(&self) {
        self.say("die");
    }

    fn say(&self, word: &str) {
        ok(self.0, &format!("echo {word} >{MOMENTS}/go"));
    }

    /// The services wait nowhere any more.
    pub fn end(self) {
        Self::end_of(self.0);
    }

    /// Whoever comes to a moment from now on is let through at once.
    pub fn pass(server: &Server) {
        ok(
            server,
            &format!(
                "systemd-run --quiet --unit=moments-pass sh -c 'while cat {MOMENTS}/at >/dev/null; do echo on >{MOMENTS}/go; done'"
            ),
        );
    }

    pub fn end_of(server: &Server) {
        ok(
            server,
            &format!(
                "systemctl stop moments-pass 2>/dev/null; rm -rf {MOMENTS} /etc/systemd/system.conf.d/moments.conf; rmdir /etc/systemd/system.conf.d; systemctl unset-environment LOOPWRIGHT_SETUP_MOMENTS"
            ),
        );
    }
}

/// Runs a command, and `resume` again and again, each of which ends at the first moment that none before it came to. Gives
/// those moments and how the last one ended.
pub fn ended_at_each_moment(server: &Server, command: &str, what: &str) -> (Vec<String>, i32) {
    // As a start of the machine would go on with it.
    let unit = "/etc/systemd/system/loopwright-setup-resume.service";
    let by = format!("sed -n 's/^ExecStart=\\(.*\\) setup resume$/\\1/p' {unit}");
    let ran = exec(
        server,
        &format!(
            "rm -rf {MOMENTS}; mkdir {MOMENTS}; export LOOPWRIGHT_SETUP_MOMENTS={MOMENTS}; ulimit -c 0; {command}; code=$?; \
             for try in $(seq 250); do \
               [ $(wc -l <{MOMENTS}/seen) = \"$seen\" ] && break; seen=$(wc -l <{MOMENTS}/seen); \
               by=$({by}); [ -e \"${{by:={PROGRAM}}}\" ] || break; $by setup resume; code=$?; \
             done >>/var/tmp/said 2>&1; cat {MOMENTS}/seen; rm -rf {MOMENTS}; exit $code"
        ),
    );
    let moments: Vec<String> = ran.out.lines().map(str::to_owned).collect();
    assert!(moments.len() > 3, "{what}: {moments:?} {}", ran.err);
    (moments, ran.code)
}

/// A first request, so that there is a site.
pub fn ask(server: &Server) {
    ok(server, "loopwrightd ask 'A page for a bakery' --agent practice --wait");
}

/// The end that every run must come to, however it was cut: nothing to do, the site answers, nothing is left over.
#[track_caller]
pub fn settled(server: &Server, port: u16, what: &str) {
    let said = ok(server, &format!("{PROGRAM} setup apply --json"));
    let last = lines(&said).pop().unwrap();
    assert_eq!((&last["ok"], &last["changes"]), (&true.into(), &0.into()), "{what}: {said}");
    assert_eq!(visit(port).as_deref(), Some("HTTP/1.1 200 OK"), "{what}");
    let left = ok(
        server,
        "find / -xdev \\( -name '*.loopwright-new' -o -name '*.part' -o -name 'try.*' -o -name tried \\) -not -path '/proc/*' 2>/dev/null; \
         ls /etc/systemd/system /etc/systemd/system/multi-user.target.wants | grep resume; \
         systemctl list-units --all --no-legend --plain 'loopwright-setup*'; \
         systemctl list-units --failed --no-legend --plain 'loopwright*'; \
         [ ! -s /var/lib/loopwright/setup/lock ] || cat /var/lib/loopwright/setup/lock; true",
    );
    assert_eq!(left, "", "{what}");
}

/// What two servers that were set up alike do not have in common: the journals, keys and names that each makes for itself.
const OWN: [&str; 3] =
    ["/var/lib/loopwright/setup/", "/var/lib/loopwright/workspace/", "/var/lib/loopwright/desk/.ssh/"];
/// And what the system's own programs write when they were killed over their work; and the logins' passwords, which are
/// salted anew on each server.
const SYSTEMS: [&str; 9] = [
    "/etc/shadow",
    "/etc/passwd-",
    "/etc/group-",
    "/etc/shadow-",
    "/etc/gshadow-",
    "/etc/subuid-",
    "/etc/subgid-",
    "/var/lib/dpkg/status-old",
    "/var/lib/apt/extended_states",
];

#[track_caller]
pub fn same(good: &Manifest, is: &Manifest, what: &str) {
    let foreign: Vec<String> = good
        .changes(is)
        .into_iter()
        .filter(|line| {
            let path = line.get(2..).unwrap_or_default();
            !OWN.iter().any(|own| path.starts_with(own)) && !SYSTEMS.iter().any(|own| path.starts_with(own))
        })
        .collect();
    assert!(foreign.is_empty(), "{what}: {foreign:#?}");
}
