//! What only the user can answer: sent out with a way back. Dropping the way back is a "no".

use protocol::desk::Prompt;
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroizing;

/// Where the questions go.
pub type Asker = mpsc::Sender<Question>;

/// A text that is wiped from memory when it is dropped, and never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Hidden(Zeroizing<String>);

impl Hidden {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hidden")
    }
}

#[derive(Debug)]
pub enum Question {
    /// A host that no pin is known of. `true` pins the key.
    Fingerprint {
        /// As it was addressed; with the port where that is not 22.
        host: String,
        /// "ssh-ed25519".
        kind: String,
        /// "SHA256:…", as `ssh-keygen -lf` prints it.
        sha256: String,
        /// The user's own `known_hosts` holds this very key for the host.
        known_elsewhere: bool,
        reply: oneshot::Sender<bool>,
    },
    /// The server's own questions: one answer each, in order.
    Answers { name: String, instructions: String, prompts: Vec<Prompt>, reply: oneshot::Sender<Vec<Hidden>> },
    /// `sudo` on the server asks for the password; `again` after a wrong one.
    SudoPassword { again: bool, reply: oneshot::Sender<Hidden> },
}

/// Asks and waits; none when nobody is there to answer or the answer is "no".
pub(crate) async fn ask<A>(
    asker: Option<&Asker>,
    question: impl FnOnce(oneshot::Sender<A>) -> Question,
) -> Option<A> {
    let (reply, answer) = oneshot::channel();
    asker?.send(question(reply)).await.ok()?;
    answer.await.ok()
}
