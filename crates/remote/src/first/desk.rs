//! Back in by our own key, as our own user; and when the server does not let that user in, why.

use super::{Begin, Contact, DESK, FirstError, obstacle};
use crate::connect::{Session, SignIn, Way, connect};
use crate::entry::Entry;
use crate::key::OurKey;
use crate::trouble::ConnectError;
use protocol::desk::Target;
use protocol::setup::{Greeting, Obstacle, ObstacleKind};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

impl Contact {
    pub(super) async fn reconnect(
        &mut self,
        how: &Begin<'_>,
        key: &OurKey,
    ) -> Result<(Session, Target, Greeting), FirstError> {
        let target = Target { user: DESK.to_owned(), ..self.session.target().clone() };
        let with = SignIn::Key(key.clone());
        let way = Way { target: &target, with, jumps: how.jumps.clone(), ask: how.ask.clone() };
        match connect(how.local, way).await {
            Ok(session) => {
                let greeting = Entry::new(session.clone()).hello().await?;
                Ok((session, target, greeting))
            }
            Err(
                error @ (ConnectError::KeyRefused { .. }
                | ConnectError::NotOffered { .. }
                | ConnectError::Lost { .. }),
            ) => match self.why_not(how).await {
                Some(obstacle) => Err(FirstError::Blocked(obstacle)),
                None => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// What the server's sshd says of our user.
    async fn why_not(&mut self, how: &Begin<'_>) -> Option<Obstacle> {
        let sshd = "$(command -v sshd || echo /usr/sbin/sshd)";
        let argv = format!("/bin/sh -c \"{sshd} -T -C user={DESK},host=localhost,addr=127.0.0.1\"");
        let told = self.as_root(&argv, LIMIT, how.ask.as_ref()).await.ok()?;
        judge(&told.out)
    }
}

/// Reads `sshd -T`: settings by line, in lower case.
fn judge(settings: &str) -> Option<Obstacle> {
    let all = |name: &str| -> Vec<&str> {
        settings.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).collect()
    };
    let blocked = |cause: String, action: String| Some(obstacle(ObstacleKind::Rights, cause, action));
    for name in ["allowusers", "allowgroups"] {
        let listed = all(name);
        if !listed.is_empty() && !listed.contains(&DESK) {
            let shown = if name == "allowusers" { "AllowUsers" } else { "AllowGroups" };
            let cause =
                format!("the server's SSH settings let in only {} ({shown}): not {DESK}", listed.join(", "));
            return blocked(cause, format!("add {DESK} to {shown} in /etc/ssh/sshd_config and reload ssh"));
        }
    }
    for (name, shown) in [("denyusers", "DenyUsers"), ("denygroups", "DenyGroups")] {
        if all(name).iter().any(|user| [DESK, "*"].contains(user)) {
            let cause = format!("the server's SSH settings keep {DESK} out ({shown})");
            return blocked(cause, format!("take it out of {shown} in /etc/ssh/sshd_config and reload ssh"));
        }
    }
    if all("pubkeyauthentication") == ["no"] {
        let cause = "the server's SSH settings allow no keys (PubkeyAuthentication no)".to_owned();
        return blocked(cause, "set PubkeyAuthentication yes in /etc/ssh/sshd_config and reload ssh".into());
    }
    let files = all("authorizedkeysfile");
    if !files.is_empty() && !files.iter().any(|file| file.contains(".ssh/authorized_keys")) {
        let cause =
            format!("the server's sshd looks for keys in {} only (AuthorizedKeysFile)", files.join(" "));
        return blocked(cause, "add .ssh/authorized_keys to AuthorizedKeysFile and reload ssh".into());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_our_user_out_is_named_with_one_action() {
        let table = [
            ("port 22\nallowusers root\nallowusers deploy\n", Some("root, deploy (AllowUsers)")),
            ("allowusers root\nallowusers loopwright-desk\n", None),
            ("allowgroups ssh\n", Some("ssh (AllowGroups)")),
            ("denyusers loopwright-desk\n", Some("(DenyUsers)")),
            ("pubkeyauthentication no\n", Some("PubkeyAuthentication")),
            ("authorizedkeysfile /etc/ssh/keys/%u\n", Some("AuthorizedKeysFile")),
            (
                "authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2\npubkeyauthentication yes\n",
                None,
            ),
            ("", None),
        ];
        for (settings, cause) in table {
            let told = judge(settings);
            assert_eq!(told.is_some(), cause.is_some(), "{settings}");
            assert!(told.is_none_or(|told| told.cause.contains(cause.unwrap_or_default())), "{settings}");
        }
    }
}
