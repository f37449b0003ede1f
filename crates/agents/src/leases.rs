//! Who may use an account now. Programs that start at the same moment on one account rotate each other's tokens away, so
//! that starts are let through one at a time; and the number of runs at once is capped.

use protocol::AgentId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, OwnedMutexGuard};

/// Runs of one account at a time, where nothing else was said.
const CAP: usize = 1;

/// The accounts' books. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Leases {
    books: Arc<Mutex<BTreeMap<AgentId, Book>>>,
    freed: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Book {
    running: usize,
    cap: Option<usize>,
    starting: Arc<tokio::sync::Mutex<()>>,
}

/// A place among an account's runs, until it is dropped.
#[derive(Debug)]
pub struct Lease {
    leases: Leases,
    agent: AgentId,
}

/// The right to start a program of the account, until it is dropped.
#[derive(Debug)]
pub struct Turnstile {
    _held: OwnedMutexGuard<()>,
}

impl Leases {
    /// How many runs of this agent's account may go on at once. Those that go on already are let be.
    pub fn set_cap(&self, agent: &AgentId, cap: usize) {
        self.lock().entry(agent.clone()).or_default().cap = Some(cap.max(1));
        self.freed.notify_waiters();
    }

    /// How many go on, and how many may.
    pub fn status(&self, agent: &AgentId) -> (usize, usize) {
        self.lock().get(agent).map_or((0, cap(agent, None)), |book| (book.running, cap(agent, book.cap)))
    }

    /// Waits until nobody else starts a program of this account. For runs, probes and sign-ins.
    pub async fn turnstile(&self, agent: &AgentId) -> Turnstile {
        let starting = self.lock().entry(agent.clone()).or_default().starting.clone();
        Turnstile { _held: starting.lock_owned().await }
    }

    /// A place for a run, if there is one now.
    pub fn try_lease(&self, agent: &AgentId) -> Option<Lease> {
        let mut books = self.lock();
        let book = books.entry(agent.clone()).or_default();
        (book.running < cap(agent, book.cap)).then(|| {
            book.running += 1;
            Lease { leases: self.clone(), agent: agent.clone() }
        })
    }

    /// Waits for a place for a run.
    pub async fn lease(&self, agent: &AgentId) -> Lease {
        loop {
            let mut freed = std::pin::pin!(self.freed.notified());
            // From here on a place that becomes free wakes us, also when it does so before we wait.
            freed.as_mut().enable();
            if let Some(lease) = self.try_lease(agent) {
                return lease;
            }
            freed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AgentId, Book>> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(book) = self.leases.lock().get_mut(&self.agent) {
            book.running = book.running.saturating_sub(1);
        }
        self.leases.freed.notify_waiters();
    }
}

/// The practice agent has no account that could be hurt.
fn cap(agent: &AgentId, set: Option<usize>) -> usize {
    set.unwrap_or_else(|| if *agent == crate::practice() { usize::MAX } else { CAP })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent() -> AgentId {
        AgentId::new("one").unwrap()
    }

    #[tokio::test]
    async fn a_place_that_is_given_back_goes_to_who_waits() {
        let leases = Leases::default();
        let first = leases.lease(&agent()).await;
        assert!(leases.try_lease(&agent()).is_none());
        assert_eq!(leases.status(&agent()), (1, 1));
        let other = leases.clone();
        let waiting = tokio::spawn(async move { other.lease(&agent()).await });
        tokio::task::yield_now().await;
        drop(first);
        let second = waiting.await.unwrap();
        assert_eq!(leases.status(&agent()), (1, 1));
        leases.set_cap(&agent(), 2);
        assert!(leases.try_lease(&agent()).is_some());
        drop(second);
        assert_eq!(leases.status(&agent()), (0, 2));
    }

    #[tokio::test]
    async fn starts_go_through_one_at_a_time_and_other_accounts_are_not_held() {
        let leases = Leases::default();
        let held = leases.turnstile(&agent()).await;
        let other = leases.clone();
        let second = tokio::spawn(async move { drop(other.turnstile(&agent()).await) });
        drop(leases.turnstile(&AgentId::new("two").unwrap()).await);
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(held);
        second.await.unwrap();
    }
}
