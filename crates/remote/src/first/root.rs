//! As root, by whatever this user has. A password goes in by standard input, never among the words of a command.

use super::{Contact, FirstError, obstacle};
use crate::ask::{Asker, Hidden, Question, ask};
use crate::entry::EntryError;
use crate::exec::{ExecError, Framed};
use protocol::setup::{Found, Obstacle, ObstacleKind, Rights};
use serde::Deserialize;
use std::time::Duration;
use zeroize::Zeroizing;

/// Wrong passwords are counted by the system, which may lock the user out.
const TRIES: usize = 3;
/// Printed by the other side of sudo, so that its refusal is told from the command's.
const INSIDE: &str = "loopwright-inside";

impl Contact {
    /// Runs the words of a command (already quoted) as root.
    pub(super) async fn as_root(
        &mut self,
        argv: &str,
        limit: Duration,
        asker: Option<&Asker>,
    ) -> Result<Framed, FirstError> {
        // What sudo says is read, so it is to speak one language.
        let inside = format!("/bin/sh -c 'echo {INSIDE}; exec \"$@\"' sh {argv}");
        match self.found.rights {
            Rights::Root => Ok(self.session.exec(&format!("exec {inside}"), b"", limit).await?),
            Rights::Sudo => {
                let done =
                    self.session.exec(&format!("LC_ALL=C exec sudo -n -- {inside}"), b"", limit).await?;
                if is_inside(&done) { Ok(done) } else { Err(FirstError::Blocked(refused(&done))) }
            }
            Rights::SudoAsks => self.with_password(&inside, limit, asker).await,
            Rights::None => Err(FirstError::Blocked(no_rights(&self.found))),
        }
    }

    async fn with_password(
        &mut self,
        inside: &str,
        limit: Duration,
        asker: Option<&Asker>,
    ) -> Result<Framed, FirstError> {
        let mut again = false;
        let mut last = None;
        for _ in 0..=TRIES {
            let password = match self.password.take() {
                Some(password) => password,
                None => ask(asker, |reply| Question::SudoPassword { again, reply })
                    .await
                    .ok_or(FirstError::NotAnswered)?,
            };
            let done = self
                .session
                .exec(&format!("LC_ALL=C exec sudo -S -p \"\" -- {inside}"), &line(&password), limit)
                .await?;
            if is_inside(&done) {
                self.password = Some(password);
                return Ok(done);
            }
            let refused = refused(&done);
            if is_forbidden(&done) {
                return Err(FirstError::Blocked(refused));
            }
            last = Some(refused);
            again = true;
        }
        let wrong = || obstacle(ObstacleKind::Rights, "sudo did not take the password".into(), "begin again");
        Err(FirstError::Blocked(last.unwrap_or_else(wrong)))
    }
}

/// Why this user cannot become root, by what the first look heard of sudo.
pub(super) fn no_rights(found: &Found) -> Obstacle {
    let user = found.user.as_deref().unwrap_or("this user");
    let said = found.sudo_says.as_deref().unwrap_or_default();
    let (cause, action) = if said.contains("must have a tty") {
        (WANTS_TERMINAL.0.to_owned(), WANTS_TERMINAL.1)
    } else if said == "none" {
        (format!("{user} is not root, and the server has no sudo"), "sign in as root")
    } else {
        (format!("{user} may not become root on this server"), "sign in as root, or as a user with sudo")
    };
    obstacle(ObstacleKind::Rights, cause, action)
}

const WANTS_TERMINAL: (&str, &str) = (
    "sudo on the server wants a terminal (requiretty)",
    "sign in as root, or take requiretty out of /etc/sudoers",
);

fn line(password: &Hidden) -> Zeroizing<Vec<u8>> {
    let mut line = Zeroizing::new(password.as_str().as_bytes().to_vec());
    line.push(b'\n');
    line
}

fn is_inside(done: &Framed) -> bool {
    done.out.lines().any(|line| line == INSIDE)
}

/// No password helps.
fn is_forbidden(done: &Framed) -> bool {
    ["not in the sudoers", "not allowed", "may not run", "must have a tty", "unknown user"]
        .iter()
        .any(|sign| done.err.contains(sign))
}

fn refused(done: &Framed) -> Obstacle {
    let said: String = done.err.trim().lines().last().unwrap_or_default().chars().take(200).collect();
    let (cause, action) = if done.err.contains("must have a tty") {
        (WANTS_TERMINAL.0.to_owned(), WANTS_TERMINAL.1)
    } else if is_forbidden(done) {
        (
            format!("sudo does not let this user become root: {said}"),
            "sign in as root, or as a user with sudo",
        )
    } else {
        (format!("sudo did not take the password: {said}"), "give the password of this user on the server")
    };
    obstacle(ObstacleKind::Rights, cause, action)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Stopped {
    Blocked { obstacle: Obstacle },
    Failed { error: Obstacle },
}

/// What `setup begin` led to.
pub(super) fn installed(done: &Framed) -> Result<(), FirstError> {
    if done.code == 0 {
        return Ok(());
    }
    // Started and killed at once, or not startable: for another processor, or from a place where nothing may be started.
    if done.code == 126 || done.code == 127 {
        let cause = format!("the program does not start on this server: {}", done.err.trim());
        let action = "check that programs may be started from /var/tmp and the home folder";
        return Err(FirstError::Blocked(obstacle(ObstacleKind::System, cause, action)));
    }
    let last = done.out.lines().rev().find(|line| line.starts_with('{')).unwrap_or_default();
    match serde_json::from_str(last) {
        Ok(Stopped::Blocked { obstacle }) => Err(FirstError::Blocked(obstacle)),
        Ok(Stopped::Failed { error }) => Err(EntryError::Failed(error).into()),
        Err(_) => Err(ExecError::Failed { code: done.code, words: done.err.clone() }.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(code: i32, out: &str, err: &str) -> Framed {
        Framed { code, out: out.into(), err: err.into(), noise: String::new(), began_after: Duration::ZERO }
    }

    #[test]
    fn sudos_refusal_is_told_from_a_wrong_password_and_from_the_commands_own() {
        let wrong = ended(1, "", "sudo: 1 incorrect password attempt\n");
        let never = ended(1, "", "deploy is not in the sudoers file.\n");
        let own = ended(1, "loopwright-inside\n", "no room\n");
        assert!(!is_inside(&wrong) && !is_forbidden(&wrong));
        assert!(is_forbidden(&never) && refused(&never).action.contains("root"));
        assert!(is_inside(&own));
        assert!(
            refused(&ended(1, "", "sudo: sorry, you must have a tty to run sudo"))
                .cause
                .contains("requiretty")
        );
    }

    #[test]
    fn what_begin_says_is_passed_on() {
        let newer = r#"{"obstacle":{"kind":"newer","cause":"c","action":"a"}}"#;
        let blocked = installed(&ended(3, &format!("loopwright-inside\n{newer}\n"), "")).unwrap_err();
        assert!(matches!(blocked, FirstError::Blocked(Obstacle { kind: ObstacleKind::Newer, .. })));
        let failed = installed(&ended(1, &newer.replace("obstacle", "error"), "")).unwrap_err();
        assert!(matches!(failed, FirstError::Entry(EntryError::Failed(_))));
        assert!(matches!(
            installed(&ended(139, "", "x")),
            Err(FirstError::Exec(ExecError::Failed { code: 139, .. }))
        ));
        assert!(installed(&ended(0, "", "")).is_ok());
    }
}
