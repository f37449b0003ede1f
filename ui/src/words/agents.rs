//! What is known of an agent, in words: the state, what it means, and the one next step.

use super::time;
use protocol::At;
use protocol::fact::Readiness;
use protocol::id::AgentId;
use protocol::view::AgentRow;

/// The colour of a state, always beside its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Light {
    Green,
    Blue,
    Amber,
    Red,
    Grey,
}

impl Light {
    pub fn class(self) -> &'static str {
        match self {
            Self::Green => "light green",
            Self::Blue => "light blue",
            Self::Amber => "light amber",
            Self::Red => "light red",
            Self::Grey => "light grey",
        }
    }
}

/// What the colours mean, for the legend.
pub const LEGEND: [(Light, &str); 5] = [
    (Light::Green, "a real turn worked: proven, not guessed"),
    (Light::Blue, "ready by its own word, or busy: credentials are there, no turn has proven them yet"),
    (Light::Amber, "needs you or time: signed out, or its quota is used up"),
    (Light::Red, "broken: its program does not do what it should"),
    (Light::Grey, "not installed, or practice only"),
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub light: Light,
    pub state: String,
    pub means: String,
    pub next: Option<String>,
    pub version: Option<String>,
}

pub fn known(readiness: &Readiness, now: At, offset_minutes: i32) -> Known {
    let ago = |at: At| time::relative(now, at, offset_minutes);
    let say = |light, state: &str, means: String| Known {
        light,
        state: state.to_owned(),
        means,
        next: None,
        version: None,
    };
    match readiness {
        Readiness::Missing { next } => {
            say(Light::Grey, "not installed", "Its program was not found on this machine.".into()).with(next, None)
        }
        Readiness::SignedOut { version, next } => {
            say(Light::Amber, "signed out", "Its program is there; that it is signed in was not proven.".into())
                .with(next, Some(version))
        }
        Readiness::Stale { version, reason, next } => {
            say(Light::Amber, "credentials are stale", super::sentence(reason)).with(next, Some(version))
        }
        Readiness::Refused { version, at, reason, next } => {
            let means = format!("The service refused the account {}. {}", ago(*at), super::sentence(reason));
            say(Light::Amber, "refused", means).with(next, Some(version))
        }
        Readiness::SignedIn { version } => say(
            Light::Blue,
            "signed in",
            "Credentials are present and its own program says so; no turn has worked yet.".into(),
        )
        .with("", Some(version)),
        Readiness::Worked { version, at } => {
            say(Light::Green, "works", format!("A real turn worked {}.", ago(*at))).with("", Some(version))
        }
        Readiness::QuotaGone { version, until } => {
            let next = until.map_or("look again later".to_owned(), |at| format!("it comes back {}", ago(at)));
            say(Light::Amber, "quota used up", "The account has no quota left for now.".into()).with(&next, Some(version))
        }
        Readiness::Busy { version } => {
            say(Light::Blue, "busy", "It is working on a request right now.".into()).with("", Some(version))
        }
        Readiness::Broken { reason, next } => {
            say(Light::Red, "broken", super::sentence(reason)).with(next, None)
        }
        Readiness::Practice => say(
            Light::Grey,
            "for practice",
            "Always there, needs no account and no network. It makes a simple page from the words of the request; it is no real agent.".into(),
        ),
    }
}

impl Known {
    fn with(mut self, next: &str, version: Option<&String>) -> Self {
        self.next = Some(next).filter(|s| !s.is_empty()).map(super::begun);
        self.version = version.filter(|v| !v.is_empty()).cloned();
        self
    }
}

/// An agent's name as its maker writes it; its id when the catalogue does not have it.
pub fn title(rows: &[AgentRow], agent: &AgentId) -> String {
    rows.iter().find(|r| &r.agent == agent).map_or_else(|| agent.to_string(), |r| r.title.clone())
}

/// `3 of 5 runs ended live`.
pub fn record(row: &AgentRow) -> String {
    match row.runs {
        0 => "no runs yet".to_owned(),
        1 => format!("{} of 1 run ended live", row.live),
        n => format!("{} of {n} runs ended live", row.live),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_turn_that_worked_is_green() {
        let now = At(1_000_000);
        let version = "1.0".to_owned();
        let worked = known(&Readiness::Worked { version: version.clone(), at: At(940_000) }, now, 0);
        assert_eq!((worked.light, worked.means.as_str()), (Light::Green, "A real turn worked 1 min ago."));
        for other in [
            Readiness::SignedIn { version: version.clone() },
            Readiness::Busy { version: version.clone() },
            Readiness::Practice,
            Readiness::Missing { next: "install it".into() },
            Readiness::QuotaGone { version, until: None },
            Readiness::Broken { reason: "it exits at once".into(), next: "reinstall it".into() },
        ] {
            assert_ne!(known(&other, now, 0).light, Light::Green, "{other:?}");
        }
    }

    #[test]
    fn what_is_not_ready_has_a_next_step() {
        let out =
            known(&Readiness::SignedOut { version: "2".into(), next: "run `claude login`".into() }, At(0), 0);
        assert_eq!(out.next.as_deref(), Some("Run `claude login`"));
        assert_eq!(out.version.as_deref(), Some("2"));
    }
}
