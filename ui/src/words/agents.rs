//! What is known of an agent, in words: the state, what it means, and the one next step.

use super::time;
use protocol::At;
use protocol::fact::{Paid, Readiness};
use protocol::id::AgentId;
use protocol::view::{AgentRow, Proven, Rung};

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
    (Light::Green, "a real turn worked on this account, at the time that is shown: nothing less is green"),
    (Light::Blue, "its own program takes the credentials and no turn has proven them yet; or it is busy"),
    (Light::Amber, "needs you or time: sign in, sign in again, or wait for its quota"),
    (Light::Red, "broken: its program does not do what it should"),
    (Light::Grey, "not installed, or practice only"),
];

/// The one thing to do about a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Install,
    SignIn,
    LookAgain,
    /// Nothing: it is ready, or it goes on by itself.
    None,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The state in a word, for tests and styles.
    pub slug: &'static str,
    pub light: Light,
    pub state: &'static str,
    pub means: String,
    pub next: Option<String>,
    pub version: Option<String>,
    pub step: Step,
}

pub fn known(readiness: &Readiness, now: At, offset_minutes: i32) -> Known {
    let ago = |at: At| time::relative(now, at, offset_minutes);
    let say = |slug, light, state, step, means: String| Known {
        slug,
        light,
        state,
        means,
        next: None,
        version: None,
        step,
    };
    match readiness {
        Readiness::Missing { next } => {
            let means = "Its program was not found on this machine.".to_owned();
            say("missing", Light::Grey, "not installed", Step::Install, means).with(next, None)
        }
        Readiness::SignedOut { version, next } => {
            let means = "Its program is there; no credentials were found.".to_owned();
            say("signed_out", Light::Amber, "signed out", Step::SignIn, means).with(next, Some(version))
        }
        Readiness::Stale { version, reason, next } => {
            let means = format!(
                "Credentials are there, but its own program does not take them: {}",
                super::ended(reason)
            );
            say("stale", Light::Amber, "credentials are stale", Step::SignIn, means).with(next, Some(version))
        }
        Readiness::SignedIn { version } => {
            let means = "Its own program takes the credentials. That is no proof that the service does: the first turn is.";
            say("signed_in", Light::Blue, "signed in, not proven", Step::None, means.to_owned())
                .with("", Some(version))
        }
        Readiness::Refused { version, at, reason, next } => {
            let means = format!("The service refused the account {}: {}", ago(*at), super::ended(reason));
            say("refused", Light::Amber, "refused", Step::SignIn, means).with(next, Some(version))
        }
        Readiness::Worked { version, at } => {
            let means = format!("A real turn worked {}.", ago(*at));
            say("worked", Light::Green, "works", Step::None, means).with("", Some(version))
        }
        Readiness::QuotaGone { version, until } => {
            let next = match until {
                Some(at) => format!("it comes back {}, and Hermes takes it again by itself", ago(*at)),
                None => "when it comes back is not known: look again later".to_owned(),
            };
            let step = if until.is_some() { Step::None } else { Step::LookAgain };
            let means = "The account has no quota left for now.".to_owned();
            say("quota_gone", Light::Amber, "quota used up", step, means).with(&next, Some(version))
        }
        Readiness::Busy { version } => {
            let means = "As many runs as its account may have are going on. The next one waits for its turn."
                .to_owned();
            say("busy", Light::Blue, "busy", Step::None, means).with("", Some(version))
        }
        Readiness::Broken { reason, next } => {
            say("broken", Light::Red, "broken", Step::LookAgain, super::sentence(reason)).with(next, None)
        }
        Readiness::Practice => {
            let means = "Always there, needs no account and no network. It makes a simple page from the words of the request; it is no real agent.";
            say("practice", Light::Grey, "for practice", Step::None, means.to_owned())
        }
    }
}

impl Known {
    fn with(mut self, next: &str, version: Option<&String>) -> Self {
        self.next = Some(next).filter(|s| !s.is_empty()).map(super::begun);
        self.version = version.filter(|v| !v.is_empty()).cloned();
        self
    }
}

/// A rung's name for tests, and what it claims.
pub fn rung(rung: Rung) -> (&'static str, &'static str) {
    match rung {
        Rung::Installed => ("rung-installed", "Installed"),
        Rung::Credentials => ("rung-credentials", "Credentials are there"),
        Rung::Accepted => ("rung-accepted", "Its program takes them"),
        Rung::Worked => ("rung-worked", "A real turn worked"),
    }
}

/// A rung's proof: the word for `data-proven`, its mark, and how it is read out.
pub fn proven(proven: Proven) -> (&'static str, &'static str, &'static str) {
    match proven {
        Proven::Yes => ("yes", "✓", "proven"),
        Proven::No => ("no", "✕", "not so"),
        Proven::Unknown => ("unknown", "?", "not known"),
    }
}

/// Who pays, in a word or two.
pub fn paid(paid: Paid) -> &'static str {
    match paid {
        Paid::Subscription => "subscription",
        Paid::Key => "key, by the token",
        Paid::OwnEndpoint => "your own endpoint",
    }
}

/// Who needs to be signed in before it can work.
pub fn wants_sign_in(readiness: &Readiness) -> bool {
    known(readiness, At(0), 0).step == Step::SignIn
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
    use super::super::sample;
    use super::*;

    #[test]
    fn only_a_turn_that_worked_is_green() {
        for state in sample::states() {
            let said = known(&state, At(60_005), 0);
            assert_eq!(said.light == Light::Green, said.slug == "worked", "{state:?}");
        }
        let worked = known(&Readiness::Worked { version: "1".into(), at: At(5) }, At(60_005), 0);
        assert_eq!(worked.means, "A real turn worked 1 min ago.");
    }

    #[test]
    fn what_is_not_ready_has_a_next_step() {
        for state in sample::states() {
            let said = known(&state, At(0), 0);
            let by_itself = matches!(state, Readiness::Busy { .. });
            assert!(state.is_ready() || by_itself || said.next.is_some(), "{state:?}");
        }
        let out =
            known(&Readiness::SignedOut { version: "2".into(), next: "run `claude login`".into() }, At(0), 0);
        assert_eq!(out.next.as_deref(), Some("Run `claude login`"));
        assert_eq!(out.version.as_deref(), Some("2"));
    }

    #[test]
    fn credentials_that_are_there_but_no_good_are_signed_in_anew() {
        let wanting: Vec<&str> =
            sample::states().iter().filter(|s| wants_sign_in(s)).map(|s| known(s, At(0), 0).slug).collect();
        assert_eq!(wanting, ["signed_out", "stale", "refused"]);
    }
}
