//! Signing in by the user's SSH agent, which keeps the keys to itself.

use super::AgentAt;
use super::signin::{Entering, Outcome};
use crate::trouble::ConnectError;
use russh::keys::agent::client::{AgentClient, AgentStream};
use tokio::time::timeout;

/// A server ends the connection after six failures by default; and each counts against this computer's address.
const KEYS: usize = 4;

type Agent = AgentClient<Box<dyn AgentStream + Send + Unpin>>;

pub(super) async fn sign_in(entering: &mut Entering<'_>) -> Result<Outcome, ConnectError> {
    let unusable =
        |error: russh::keys::Error| ConnectError::NoAgent { why: error.to_string().to_lowercase() };
    let limit = entering.local.limits.sign_in;
    let mut agent = reach(&entering.local.agent).await?;
    let held = timeout(limit, agent.request_identities()).await;
    let held =
        held.map_err(|_| ConnectError::NoAgent { why: "it does not answer".into() })?.map_err(unusable)?;
    let mut outcome = None;
    for (before, identity) in held.iter().take(KEYS).enumerate() {
        let key = identity.public_key().into_owned();
        let hash = entering.rsa_hash(&key.algorithm()).await;
        let user = entering.target.user.clone();
        // The agent may ask its user: no time limit of ours.
        let tried = entering.wire.handle.authenticate_publickey_with(user, key, hash, &mut agent).await;
        let settled = match tried {
            Ok(result) => {
                let settled = entering.settled(Ok(Ok(result))).await;
                settled.map_err(|error| of_the_agent(error, before))?
            }
            Err(_) if entering.wire.handle.is_closed() => {
                return Err(of_the_agent(entering.ended().await, before));
            }
            Err(error) => return Err(ConnectError::NoAgent { why: error.to_string().to_lowercase() }),
        };
        match settled {
            Outcome::No(offered) => outcome = Some(Outcome::No(offered)),
            Outcome::In | Outcome::More(_) => return Ok(settled),
        }
    }
    outcome.ok_or(ConnectError::AgentEmpty)
}

/// A server that had enough had it because of the agent's other keys.
fn of_the_agent(error: ConnectError, before: usize) -> ConnectError {
    match error {
        ConnectError::TooManyFailures { host } => ConnectError::TooManyKeys { host, tried: before + 1 },
        other => other,
    }
}

async fn reach(at: &AgentAt) -> Result<Agent, ConnectError> {
    let none = |why: String| ConnectError::NoAgent { why };
    match at {
        AgentAt::None => Err(none("none runs".into())),
        AgentAt::Socket(path) => by_path(path).await.map_err(|error| none(error.to_string().to_lowercase())),
        AgentAt::Pageant => pageant().await,
    }
}

#[cfg(unix)]
async fn by_path(path: &std::path::Path) -> Result<Agent, russh::keys::Error> {
    Ok(AgentClient::connect_uds(path).await?.dynamic())
}

#[cfg(windows)]
async fn by_path(path: &std::path::Path) -> Result<Agent, russh::keys::Error> {
    Ok(AgentClient::connect_named_pipe(path).await?.dynamic())
}

#[cfg(windows)]
async fn pageant() -> Result<Agent, ConnectError> {
    let agent = AgentClient::connect_pageant().await;
    agent.map(AgentClient::dynamic).map_err(|error| ConnectError::NoAgent { why: error.to_string() })
}

#[cfg(not(windows))]
async fn pageant() -> Result<Agent, ConnectError> {
    Err(ConnectError::NoAgent { why: "Pageant is a program for Windows".into() })
}
