//! The keys that the user gave, in memory, changeable while the daemon runs. Where they are kept is the daemon's.

use super::ways::{self, Kind, Variables};
use crate::profile::{self, Profile};
use protocol::fact::Paid;
use protocol::view::AccountView;
use protocol::{AgentId, At};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

/// One key with what belongs to it, of one way.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    pub way: String,
    pub fields: BTreeMap<String, String>,
    pub set: At,
}

/// Why a key was not taken. Says the field, never its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadFields(pub(super) String);

impl Account {
    /// Checks what was typed.
    pub fn new(
        agent: &AgentId,
        way: &str,
        fields: BTreeMap<String, String>,
        set: At,
    ) -> Result<Account, BadFields> {
        let profile =
            profile::find(agent).ok_or_else(|| BadFields(format!("there is no agent called `{agent}`")))?;
        let fields = ways::checked(profile, way, fields)?;
        Ok(Account { way: way.to_owned(), fields, set })
    }

    fn paid(&self, profile: &Profile) -> Option<Paid> {
        match ways::way(profile, &self.way).map(|way| &way.kind) {
            Some(Kind::Key(key)) => Some(key.paid),
            Some(Kind::Login(_) | Kind::Gone) | None => None,
        }
    }
}

/// Fields may be secret.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.fields.keys().collect();
        f.debug_struct("Account").field("way", &self.way).field("fields", &names).finish_non_exhaustive()
    }
}

/// Each agent's key, if it has one. Clones share one content.
#[derive(Debug, Clone, Default)]
pub struct Accounts(Arc<RwLock<BTreeMap<AgentId, Account>>>);

impl Accounts {
    pub fn get(&self, agent: &AgentId) -> Option<Account> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(agent).cloned()
    }

    /// Runs that began before keep what they were started with.
    pub fn set(&self, agent: &AgentId, account: Option<Account>) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match account {
            Some(account) => all.insert(agent.clone(), account),
            None => all.remove(agent),
        };
    }

    /// What the agent's programs find in their environment by it.
    pub(crate) fn environment(&self, profile: &Profile, home: &Path) -> Variables {
        self.get(&profile.id)
            .map_or_else(Vec::new, |account| ways::environment(profile, &account.way, &account.fields, home))
    }

    pub(crate) fn paid(&self, profile: &Profile) -> Option<Paid> {
        self.get(&profile.id).and_then(|account| account.paid(profile))
    }

    /// What may be shown: never a secret.
    pub fn view(&self, agent: &AgentId) -> AccountView {
        let (Some(account), Some(profile)) = (self.get(agent), profile::find(agent)) else {
            return AccountView::default();
        };
        let open = |name: &str| match ways::way(profile, &account.way).map(|way| &way.kind) {
            Some(Kind::Key(key)) => key.fields.iter().any(|field| field.name == name && !field.secret),
            Some(Kind::Login(_) | Kind::Gone) | None => false,
        };
        let fields = account.fields.iter().filter(|(name, _)| open(name));
        AccountView {
            paid: account.paid(profile),
            way: Some(account.way.clone()),
            set: Some(account.set),
            fields: fields.map(|(name, value)| (name.clone(), value.clone())).collect(),
        }
    }
}
