//! Signing in by the server's own questions: a password in another form, a second factor, a new password for an old one.

use super::signin::{Entering, Outcome};
use crate::ask::{Hidden, Question, ask};
use crate::trouble::ConnectError;
use protocol::desk::Prompt;
use russh::client::KeyboardInteractiveAuthResponse as Reply;
use tokio::time::timeout;

/// Rounds of questions; a server may ask for ever.
const ROUNDS: usize = 8;

/// What is known already: a password, which answers the first question that hides what is typed.
pub(super) struct Answers(Option<Hidden>);

impl Answers {
    pub fn of(password: Option<&Hidden>) -> Self {
        Self(password.cloned())
    }

    /// The password is given once: the same question again means that it was wrong.
    fn known(&mut self, prompts: &[russh::client::Prompt]) -> Option<Vec<Hidden>> {
        match prompts {
            [] => Some(Vec::new()),
            [only] if !only.echo => self.0.take().map(|password| vec![password]),
            _ => None,
        }
    }
}

pub(super) async fn answer(
    entering: &mut Entering<'_>,
    mut answers: Answers,
) -> Result<Outcome, ConnectError> {
    let had_password = answers.0.is_some();
    let limit = entering.local.limits.sign_in;
    let user = entering.target.user.clone();
    let starting = entering.wire.handle.authenticate_keyboard_interactive_start(user, None);
    let mut reply = timeout(limit, starting).await;
    for _ in 0..ROUNDS {
        let (name, instructions, prompts) = match reply {
            Err(_) => return Err(entering.slow()),
            Ok(Err(_)) => return Err(entering.ended().await),
            Ok(Ok(Reply::Success)) => return Ok(Outcome::In),
            Ok(Ok(Reply::Failure { remaining_methods, partial_success: false })) => {
                return Ok(Outcome::No(remaining_methods));
            }
            Ok(Ok(Reply::Failure { remaining_methods, partial_success: true })) => {
                return Ok(Outcome::More(remaining_methods));
            }
            Ok(Ok(Reply::InfoRequest { name, instructions, prompts })) => (name, instructions, prompts),
        };
        let given = match answers.known(&prompts) {
            Some(given) => given,
            // A server that asks for the same again was given the wrong one; nobody is asked to guess on.
            None if had_password && same_question(&prompts) => {
                return Ok(Outcome::No(russh::MethodSet::from(
                    &[russh::MethodKind::KeyboardInteractive][..],
                )));
            }
            None => by_the_user(entering, name, instructions, &prompts).await?,
        };
        let texts = given.iter().map(|text| text.as_str().to_owned()).collect();
        let responding = entering.wire.handle.authenticate_keyboard_interactive_respond(texts);
        reply = timeout(limit, responding).await;
    }
    Err(ConnectError::TooManyFailures { host: entering.target.host.clone() })
}

fn same_question(prompts: &[russh::client::Prompt]) -> bool {
    matches!(prompts, [only] if !only.echo && only.prompt.trim().to_lowercase().starts_with("password"))
}

async fn by_the_user(
    entering: &Entering<'_>,
    name: String,
    instructions: String,
    prompts: &[russh::client::Prompt],
) -> Result<Vec<Hidden>, ConnectError> {
    let wanted = prompts.len();
    let prompts = prompts.iter().map(|p| Prompt { text: p.prompt.clone(), echo: p.echo }).collect();
    let given = ask(entering.ask, |reply| Question::Answers { name, instructions, prompts, reply }).await;
    given.filter(|given| given.len() == wanted).ok_or(ConnectError::NotAnswered)
}
