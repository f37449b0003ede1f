//! Signing out: the vendor's program forgets its account by its own means.

use crate::account::{Accounts, SignOut};
use crate::profile;
use crate::readiness::{self, words};
use crate::{Setup, launch};
use protocol::AgentId;
use std::path::Path;

/// Says what was done. A program that is not there has nothing to forget.
pub async fn sign_out(setup: &Setup, agent: &AgentId) -> Result<String, String> {
    let profile = profile::find(agent).ok_or_else(|| format!("there is no agent called `{agent}`"))?;
    // With a key in its environment it would speak of that.
    let setup = &Setup { accounts: Accounts::default(), ..setup.clone() };
    let there = launch::acp(setup, profile, Path::new("/tmp")).is_ok();
    match profile.account.sign_out {
        SignOut::Command(args) if there => {
            let answer = readiness::ask(setup, profile, args).await?;
            let said = words(&answer);
            if answer.success || said.to_lowercase().contains("not logged in") { Ok(said) } else { Err(said) }
        }
        SignOut::Protocol if there => {
            if readiness::files(setup, profile).iter().any(|path| path.exists()) {
                readiness::sign_out(setup, profile).await?;
            }
            Ok("its program forgot its account".into())
        }
        SignOut::Command(_) | SignOut::Protocol | SignOut::Remove => {
            readiness::remove(setup, profile, readiness::files(setup, profile)).await?;
            Ok("its credentials were removed".into())
        }
        SignOut::Nothing => Ok("it has no account".into()),
    }
}
