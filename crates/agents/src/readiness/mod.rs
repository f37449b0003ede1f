//! Is an agent ready? A ladder: installed, credentials present, taken by its own program, worked. Each rung is proven by
//! itself, with when and how; what a rung above says proves nothing of one below.
//!
//! [`look`] asks the agent's own programs and looks at what lies in its home; it costs seconds, so whoever calls it keeps
//! what it [`Seen`]. [`judge`] makes the state and the ladder of that and of what the journal tells of real turns.

mod ask;
mod ladder;
mod session;
mod sources;

pub use ladder::{Judged, Past, judge};
pub use sources::{Mark, mark};

pub(crate) use ask::{ask, read_config, remove, words};
pub(crate) use session::sign_out;
pub(crate) use sources::files;

use crate::account::{Question, Verdict};
use crate::profile::{self, Profile};
use crate::{Setup, launch};
use protocol::fact::{Paid, Readiness};
use protocol::{AgentId, At, clean};
use std::path::Path;

/// What was seen of an agent at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub agent: AgentId,
    pub at: At,
    pub(crate) installed: Installed,
    pub(crate) credentials: Vec<Credential>,
    pub(crate) accepted: Accepted,
    pub(crate) paid: Option<Paid>,
    /// When the user last gave it a key.
    pub(crate) key_set: Option<At>,
    pub(crate) mark: Mark,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Installed {
    Missing { next: String },
    Broken { reason: String },
    Yes { version: String, how: String },
}

/// Something that may be an account. It was not opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credential {
    pub name: String,
    pub changed: Option<At>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Accepted {
    Yes {
        how: String,
    },
    No {
        how: String,
        reason: String,
    },
    /// Nothing that we understand.
    Unclear {
        reason: String,
    },
    /// There is no program to ask.
    NotAsked,
}

impl Seen {
    /// As it looked then, to be compared with [`mark`].
    pub fn mark(&self) -> &Mark {
        &self.mark
    }

    /// Who pays for a turn; none when it is not known.
    pub fn paid(&self) -> Option<Paid> {
        self.paid
    }

    pub fn version(&self) -> Option<&str> {
        match &self.installed {
            Installed::Yes { version, .. } => Some(version),
            Installed::Missing { .. } | Installed::Broken { .. } => None,
        }
    }
}

/// How ready an agent is by what can be seen without a turn.
pub async fn probe(setup: &Setup, agent: &AgentId, now: At) -> Readiness {
    judge(&look(setup, agent, now).await, &Past::default(), now, false).readiness
}

/// Asks an agent's own programs. An agent that is not in the catalogue is one that is not installed.
pub async fn look(setup: &Setup, agent: &AgentId, now: At) -> Seen {
    let _nobody_else_starts = setup.leases.turnstile(agent).await;
    let mut seen = Seen {
        agent: agent.clone(),
        at: now,
        installed: Installed::Missing { next: format!("there is no agent called `{agent}`; choose another") },
        credentials: Vec::new(),
        accepted: Accepted::NotAsked,
        paid: None,
        key_set: setup.accounts.get(agent).map(|account| account.set),
        mark: Mark::default(),
    };
    let Some(profile) = profile::find(agent) else { return seen };
    seen.credentials = sources::credentials(setup, profile);
    seen.installed = installed(setup, profile).await;
    if matches!(seen.installed, Installed::Yes { .. }) {
        let (verdict, how) = asked(setup, profile).await;
        let said_paid = if let Verdict::Takes { paid, .. } = &verdict { *paid } else { None };
        seen.accepted = accepted(verdict, how);
        if matches!(seen.accepted, Accepted::Yes { .. }) {
            seen.paid = paid(setup, profile, said_paid, &seen.credentials);
        }
    }
    // Only now: a program may write its credentials anew when it is asked.
    seen.mark = mark(setup, agent);
    seen
}

async fn installed(setup: &Setup, profile: &Profile) -> Installed {
    let Some(cli) = &profile.cli else {
        return Installed::Yes {
            version: env!("CARGO_PKG_VERSION").into(),
            how: "it is a part of Loopwright".into(),
        };
    };
    if let Err(missing) =
        launch::acp(setup, profile, Path::new("/tmp")).and_then(|_| launch::has_node(setup, profile))
    {
        return Installed::Missing { next: missing.next };
    }
    match ask::ask(setup, profile, &["--version"]).await {
        Ok(answer) if answer.success => {
            let version = ask::version_in(&answer.stdout);
            Installed::Yes { how: format!("`{} --version` said {version}", cli.name), version }
        }
        Ok(answer) => Installed::Broken { reason: format!("it cannot say its version: {}", words(&answer)) },
        Err(reason) => Installed::Broken { reason },
    }
}

/// The verdict of its own program, and how that was asked for.
async fn asked(setup: &Setup, profile: &Profile) -> (Verdict, String) {
    let name = |program: Option<&profile::Program>| program.map_or(profile.title, |program| program.name);
    match (profile.account.question)(setup, profile) {
        Question::Command { args, read } => {
            let how = format!("`{} {}`", name(profile.cli.as_ref()), args.join(" "));
            match ask::ask(setup, profile, args).await {
                Ok(answer) => (read(&answer), how),
                Err(reason) => (Verdict::Unclear { reason }, how),
            }
        }
        Question::Session => {
            let how = format!("`{}` was asked for a session", name(profile.speaker()));
            (session::open(setup, profile).await, how)
        }
        Question::Known(verdict) => (verdict, "its configuration".into()),
    }
}

fn accepted(verdict: Verdict, how: String) -> Accepted {
    match verdict {
        Verdict::Takes { says, .. } => Accepted::Yes { how: format!("{how}: {says}") },
        Verdict::Refuses { reason } => Accepted::No { how, reason: clean::line(&reason, 400) },
        Verdict::Unclear { reason } => Accepted::Unclear { reason: clean::line(&reason, 400) },
    }
}

/// What the user configured comes first: it is what the program uses.
fn paid(setup: &Setup, profile: &Profile, said: Option<Paid>, credentials: &[Credential]) -> Option<Paid> {
    let row = profile.account;
    if let Some(paid) = setup.accounts.paid(profile) {
        return Some(paid);
    }
    if row.endpoints.iter().any(|variable| launch::variable(setup, profile, variable).is_some()) {
        return Some(Paid::OwnEndpoint);
    }
    let by_key = credentials.iter().any(|credential| credential.changed.is_none());
    said.or(if by_key { Some(Paid::Key) } else { row.login_pays.filter(|_| !credentials.is_empty()) })
}

#[cfg(test)]
mod tests;
