//! Agents at work that may ask the project's memory: each with a token of its own, which ends with its attempt and opens
//! nothing but the memory of its project.

use super::server;
use crate::context::{Daemon, hold};
use crate::names;
use protocol::{AgentId, AttemptId, ProjectId};
use std::collections::HashMap;
use std::sync::Mutex;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    pub attempt: AttemptId,
    pub project: ProjectId,
    pub agent: AgentId,
}

/// By the hash of the token: the tokens themselves are not kept.
#[derive(Default)]
pub struct Guests(Mutex<HashMap<[u8; 32], Guest>>);

fn key(token: &str) -> [u8; 32] {
    *blake3::hash(token.as_bytes()).as_bytes()
}

impl Guests {
    /// A fresh token for this attempt; one that it had before is void.
    fn admit(&self, guest: Guest) -> std::io::Result<String> {
        let token = names::secret()?;
        let mut guests = hold(&self.0);
        guests.retain(|_, known| known.attempt != guest.attempt);
        guests.insert(key(&token), guest);
        Ok(token)
    }

    pub fn known(&self, token: &str) -> Option<Guest> {
        hold(&self.0).get(&key(token)).cloned()
    }

    fn forget(&self, attempt: &AttemptId) {
        hold(&self.0).retain(|_, guest| guest.attempt != *attempt);
    }
}

impl Daemon {
    /// Address and bearer token by which an agent at this attempt asks its project's memory. None while no bridge is up.
    pub fn memory_guest(
        &self,
        attempt: &AttemptId,
        project: &ProjectId,
        agent: &AgentId,
    ) -> Option<(String, String)> {
        let port = self.bridges.any_port()?;
        let guest = Guest { attempt: attempt.clone(), project: project.clone(), agent: agent.clone() };
        let token = self.bridges.guests.admit(guest).ok()?;
        Some((server::memory_address(port), token))
    }

    /// The attempt has ended: its token is void.
    pub fn forget_memory_guest(&self, attempt: &AttemptId) {
        self.bridges.guests.forget(attempt);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(attempt: &str) -> Guest {
        Guest {
            attempt: AttemptId::new(attempt).unwrap(),
            project: ProjectId::new("site").unwrap(),
            agent: AgentId::new("some-agent").unwrap(),
        }
    }

    #[test]
    fn a_guests_token_is_its_own_and_ends_with_its_attempt() {
        let guests = Guests::default();
        let (one, other) = (guests.admit(guest("a1")).unwrap(), guests.admit(guest("a2")).unwrap());
        assert_eq!(guests.known(&one), Some(guest("a1")));
        assert_eq!(guests.known("guess"), None);
        let again = guests.admit(guest("a1")).unwrap();
        assert_eq!((guests.known(&one), guests.known(&again)), (None, Some(guest("a1"))));
        guests.forget(&AttemptId::new("a1").unwrap());
        assert_eq!((guests.known(&again), guests.known(&other)), (None, Some(guest("a2"))));
    }
}
