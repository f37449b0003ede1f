//! How a workspace is reached, where its set-up stands, and how new the copy on this computer is.

use crate::words::agents::Light;
use crate::words::{figures, sentence, time};
use protocol::At;
use protocol::desk::{Link, Mirror, PlaceRow, Route};
use protocol::setup::{SetupState, Work};

/// A state in a word, with its reason and what comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub light: Light,
    pub slug: &'static str,
    pub word: String,
    pub why: Option<String>,
    pub next: Option<String>,
}

impl Said {
    fn new(light: Light, slug: &'static str, word: impl Into<String>) -> Self {
        Self { light, slug, word: word.into(), why: None, next: None }
    }
}

pub fn link(link: &Link, now: At, zone: i32) -> Said {
    match link {
        Link::Off => Said::new(Light::Grey, "off", "Not connected"),
        Link::Connecting { attempt: 0 | 1 } => Said::new(Light::Blue, "connecting", "Connecting"),
        Link::Connecting { attempt } => {
            Said::new(Light::Blue, "connecting", format!("Connecting, attempt {attempt}"))
        }
        Link::Up { since, route: by, why } => Said {
            why: why.as_deref().map(sentence),
            next: Some(format!("Since {}, {}.", time::relative(now, *since, zone), route(*by))),
            ..Said::new(Light::Green, "up", "Connected")
        },
        Link::Lost { since, why, retry_at } => Said {
            why: Some(sentence(why)),
            next: Some(match retry_at.0.saturating_sub(now.0) {
                ..=0 => "Trying again now.".to_owned(),
                left => format!("Tries again in {} by itself.", time::elapsed((left as u64).max(1_000))),
            }),
            ..Said::new(Light::Amber, "lost", format!("Offline for {}", time::elapsed(now.since(*since))))
        },
        Link::Refused { host_key: Some(_), why, next } => Said {
            why: Some(sentence(why)),
            next: Some(sentence(next)),
            ..Said::new(Light::Red, "changed-key", "Stopped: another host key")
        },
        Link::Refused { host_key: None, why, next } => Said {
            why: Some(sentence(why)),
            next: Some(sentence(next)),
            ..Said::new(Light::Red, "refused", "Refused")
        },
    }
}

/// How the daemon is reached.
pub fn route(route: Route) -> &'static str {
    match route {
        Route::Local => "by its socket on this computer",
        Route::Streamlocal => "by its socket through the SSH connection",
        Route::Loopback => "by a port of the server's own loopback through the SSH connection",
        Route::Stdio => "by a program's input and output over the SSH connection",
    }
}

/// Where the set-up stands; none where there is nothing to say.
pub fn setup(state: &SetupState) -> Option<Said> {
    match state {
        SetupState::Never => Some(Said::new(Light::Grey, "never", "Not set up yet")),
        SetupState::Running { work, .. } => Some(Said::new(Light::Blue, "running", doing(*work))),
        SetupState::Unfinished { work, .. } => Some(Said {
            next: Some("It goes on from there; nothing is done twice.".to_owned()),
            ..Said::new(Light::Amber, "unfinished", format!("{} was cut short", name(*work)))
        }),
        SetupState::Blocked { work, obstacle, .. } => Some(Said {
            why: Some(sentence(&obstacle.cause)),
            next: Some(sentence(&obstacle.action)),
            ..Said::new(Light::Amber, "blocked", format!("{} waits for you", name(*work)))
        }),
        SetupState::Done { .. } => None,
    }
}

/// What is at work, as something that goes on.
pub fn doing(work: Work) -> &'static str {
    match work {
        Work::Begin => "Getting in",
        Work::Apply => "Setting up",
        Work::Repair => "Repairing",
        Work::Upgrade => "Upgrading",
        Work::Remove => "Removing",
    }
}

/// The same as a thing.
pub fn name(work: Work) -> &'static str {
    match work {
        Work::Begin => "Getting in",
        Work::Apply => "The set-up",
        Work::Repair => "The repair",
        Work::Upgrade => "The upgrade",
        Work::Remove => "The removal",
    }
}

/// How new the copy on this computer is.
pub fn mirror(mirror: &Mirror, up: bool, now: At, zone: i32) -> String {
    match (mirror.at, mirror.head) {
        (None, 0) => "nothing copied yet".to_owned(),
        (None, head) => format!("entry {}, as of an unknown time", figures::grouped(head)),
        (Some(_), head) if up => format!("up to date, entry {}", figures::grouped(head)),
        (Some(at), head) => {
            format!("as of {}, entry {}", time::relative(now, at, zone), figures::grouped(head))
        }
    }
}

/// Whether this one can be asked to change something.
pub fn is_up(row: &PlaceRow) -> bool {
    matches!(row.link, Link::Up { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::servers::sample;
    use protocol::desk::ChangedKey;
    use protocol::setup::{Obstacle, ObstacleKind};

    const NOW: At = At(1_795_336_658_000);

    fn before(seconds: i64) -> At {
        At(NOW.0 - seconds * 1000)
    }

    #[test]
    fn every_state_of_the_link_says_its_reason_and_what_comes_next() {
        let up = Link::Up {
            since: before(300),
            route: Route::Loopback,
            why: Some("the server forwards no sockets".into()),
        };
        let said = link(&up, NOW, 0);
        assert_eq!((said.light, said.slug), (Light::Green, "up"));
        assert_eq!(said.why.as_deref(), Some("The server forwards no sockets."));
        assert!(said.next.unwrap().starts_with("Since 5 min ago, by a port"));
        let lost =
            Link::Lost { since: before(75), why: "the network is gone".into(), retry_at: At(NOW.0 + 12_000) };
        let said = link(&lost, NOW, 0);
        assert_eq!(said.word, "Offline for 1 min 15 s");
        assert_eq!(said.next.as_deref(), Some("Tries again in 12 s by itself."));
        let now = Link::Lost { since: before(75), why: "x".into(), retry_at: before(1) };
        assert_eq!(link(&now, NOW, 0).next.as_deref(), Some("Trying again now."));
        let key = ChangedKey { recorded: vec!["SHA256:a".into()], presented: "SHA256:b".into() };
        let refused = |host_key| Link::Refused { why: "w".into(), next: "n".into(), host_key };
        assert_eq!(link(&refused(Some(key)), NOW, 0).slug, "changed-key");
        assert_eq!(link(&refused(None), NOW, 0).slug, "refused");
        assert_eq!(link(&Link::Connecting { attempt: 3 }, NOW, 0).word, "Connecting, attempt 3");
        assert_eq!(link(&Link::Off, NOW, 0).light, Light::Grey);
    }

    #[test]
    fn the_copy_says_as_of_when() {
        let mut copy = Mirror { head: 1204, at: Some(before(7200)), ..Mirror::default() };
        assert_eq!(mirror(&copy, true, NOW, 0), "up to date, entry 1,204");
        assert_eq!(mirror(&copy, false, NOW, 0), "as of 2 h ago, entry 1,204");
        copy.at = None;
        assert!(mirror(&copy, false, NOW, 0).contains("unknown"));
        assert_eq!(mirror(&Mirror::default(), true, NOW, 0), "nothing copied yet");
    }

    #[test]
    fn an_unfinished_set_up_is_seen_and_a_finished_one_is_quiet() {
        assert_eq!(setup(&SetupState::Done { seq: 9, at: NOW }), None);
        let said = setup(&SetupState::Unfinished { work: Work::Upgrade, seq: 4 }).unwrap();
        assert_eq!(said.word, "The upgrade was cut short");
        let obstacle = Obstacle {
            kind: ObstacleKind::Port,
            cause: "port 80 is held by nginx".into(),
            action: "stop it".into(),
            choices: Vec::new(),
        };
        let blocked = SetupState::Blocked { work: Work::Apply, step: "units".into(), obstacle, seq: 4 };
        assert_eq!(setup(&blocked).unwrap().next.as_deref(), Some("Stop it."));
        assert!(is_up(&sample::here()));
    }
}
