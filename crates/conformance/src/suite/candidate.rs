//! Who is tried: an agent whose programs are there, and which version they say they are.

use agents::{Accounts, Leases, Setup};
use protocol::fact::Readiness;
use protocol::{AgentId, At};
use std::collections::BTreeMap;
use std::fs;
use std::io::Result;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

#[derive(Debug, Clone)]
pub struct Candidate {
    pub agent: AgentId,
    /// As its program says it.
    pub version: String,
    /// Programs and user; homes and environment are each run's own.
    pub setup: Setup,
}

/// A service that nobody offers: a question for the version needs none.
const NOWHERE: &str = "http://127.0.0.1:9";

impl Candidate {
    /// Asks its program for its version, with a home of its own in `place`. An error says what is missing and the next step.
    pub async fn find(
        base: &Setup,
        agent: &AgentId,
        place: &Path,
        now: At,
    ) -> Result<std::result::Result<Candidate, String>> {
        let homes = place.join("homes");
        let runtime = place.join("run");
        for folder in [place, &homes, &runtime] {
            fs::create_dir_all(folder)?;
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        }
        let there = agents::stand_in(agent, NOWHERE).unwrap_or_default();
        let env = BTreeMap::from([(agent.clone(), there.env)]);
        let setup = Setup {
            homes: Some(homes),
            runtime,
            env,
            accounts: Accounts::default(),
            leases: Leases::default(),
            ..base.clone()
        };
        Ok(version(agents::probe(&setup, agent, now).await).map(|version| Candidate {
            agent: agent.clone(),
            version,
            setup: base.clone(),
        }))
    }
}

fn version(readiness: Readiness) -> std::result::Result<String, String> {
    match readiness {
        Readiness::SignedOut { version, .. }
        | Readiness::Stale { version, .. }
        | Readiness::SignedIn { version }
        | Readiness::Refused { version, .. }
        | Readiness::Worked { version, .. }
        | Readiness::QuotaGone { version, .. }
        | Readiness::Busy { version } => Ok(version),
        Readiness::Missing { next } => Err(next),
        Readiness::Broken { reason, next } => Err(format!("{reason}; {next}")),
        Readiness::Practice => Err("the practice agent has no program of a vendor's".to_owned()),
    }
}
