//! The vendor's own, unmodified program signs in, in its own home, as the agents' user. We show what it prints, find the
//! address, the code and the prompt in it, and pass on what the user types. What was typed is kept nowhere and shown
//! nowhere.

mod callback;
mod io;
mod out;
mod reading;
mod screen;

pub use out::sign_out;

use crate::account::{self, Accounts, Kind, Login};
use crate::profile::{self, Profile};
use crate::readiness::{self, Mark};
use crate::supervise::{self, Tree, Walls};
use crate::{Setup, kill_leftovers, launch};
use io::Streams;
use protocol::view::{SignInState, SignInView};
use protocol::{AgentId, At, AttemptId};
use reading::{Found, Patterns};
use screen::Screen;
use sha2::{Digest, Sha512};
use std::process::ExitStatus;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

/// Nobody needs longer, and a code is not good for longer.
pub const SIGN_IN_LIMIT: Duration = Duration::from_secs(15 * 60);
/// What a program printed before its end may still be in its pipe.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// A program that has not taken what was typed by then never will.
const TAKES: Duration = Duration::from_secs(60);
/// A menu that does not go away is not pressed for ever.
const MOST_PRESSES: u32 = 4;
/// Above any code or address that a vendor's page shows.
const MAX_SAID: usize = 8192;

/// What the user does meanwhile.
#[derive(Clone, PartialEq, Eq)]
pub enum Say {
    /// A code, or the address at which the browser ended. Check it with [`sayable`] first.
    Text(String),
    Stop,
}

/// Why nobody is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotSignedIn {
    pub reason: String,
    pub next: String,
}

/// One sign-in.
#[derive(Debug)]
pub struct SignIn {
    pub agent: AgentId,
    pub way: String,
    pub started: At,
    /// [`SIGN_IN_LIMIT`], or less.
    pub limit: Duration,
}

/// What may be passed on to a program that asks for something: one line.
pub fn sayable(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("there is nothing in it".into());
    }
    if text.len() > MAX_SAID || text.chars().any(char::is_control) {
        return Err("that is no code and no address: it is too long or more than one line".into());
    }
    Ok(text.to_owned())
}

/// Whether this way is one that the vendor's program does itself.
pub fn is_login(agent: &AgentId, way: &str) -> bool {
    profile::find(agent).is_some_and(|profile| login(profile, way).is_some())
}

fn login<'a>(profile: &'a Profile, way: &str) -> Option<&'a Login> {
    match account::way(profile, way).map(|way| &way.kind) {
        Some(Kind::Login(login)) => Some(login),
        Some(Kind::Key(_) | Kind::Gone) | None => None,
    }
}

/// Lets the vendor's program sign in, to its end, and gives what it said. When this returns, nothing of it runs. Whether
/// the account is good then is for [`look`](crate::look) to say.
pub async fn sign_in(
    setup: &Setup,
    wanted: SignIn,
    orders: mpsc::Receiver<Say>,
    shown: &watch::Sender<SignInView>,
) -> Result<String, NotSignedIn> {
    let profile = profile::find(&wanted.agent)
        .ok_or_else(|| failed(format!("there is no agent called `{}`", wanted.agent)))?;
    let login = login(profile, &wanted.way)
        .ok_or_else(|| failed("this way is none that the vendor's program does itself".into()))?;
    let patterns = Patterns::new(&login.reading).map_err(|error| failed(error.to_string()))?;
    // A key that the user gave would be taken for the account.
    let setup = Setup { accounts: Accounts::default(), ..setup.clone() };
    let (tree, streams) = start(&setup, profile, login, &wanted.agent).await.map_err(failed)?;
    let mut desk = Desk {
        before: readiness::mark(&setup, &wanted.agent),
        setup,
        login,
        patterns,
        screen: Screen::new(),
        streams,
        state: SignInState::Starting,
        heard_from: 0,
        pressed_at: 0,
        presses: 0,
        said: false,
        begun: Instant::now(),
        code: None,
        shown,
        wanted,
    };
    let ended = desk.attend(tree, orders).await;
    desk.show();
    ended
}

/// After a restart of the daemon: ends what a sign-in left, and says whether there was one.
pub fn end_sign_in(setup: &Setup, agent: &AgentId) -> std::io::Result<bool> {
    let Ok(id) = AttemptId::new(tree_id(setup, agent)) else { return Ok(false) };
    let was = supervise::is_recorded(setup, id.as_str());
    kill_leftovers(setup, &id)?;
    Ok(was)
}

/// The same after a restart of this daemon, and another one's for another daemon of this machine.
fn tree_id(setup: &Setup, agent: &AgentId) -> String {
    let hash = Sha512::digest(setup.runtime.as_os_str().as_encoded_bytes());
    let hex = protocol::hex(hash.get(..6).unwrap_or(&hash));
    format!("sign-in.{agent}.{hex}")
}

fn failed(reason: String) -> NotSignedIn {
    NotSignedIn { reason, next: "begin again, or choose another way".into() }
}

async fn start(
    setup: &Setup,
    profile: &Profile,
    login: &Login,
    agent: &AgentId,
) -> Result<(Tree, Streams), String> {
    let id = tree_id(setup, agent);
    let tmp =
        supervise::prepare(setup, profile, &id).map_err(|e| format!("its folders cannot be made: {e}"))?;
    let mut launch = launch::cli(setup, profile, login.args, &tmp).map_err(|missing| missing.next)?;
    for (name, value) in login.env {
        launch.env.retain(|(have, _)| have != name);
        if !value.is_empty() {
            launch.env.push(((*name).into(), (*value).into()));
        }
    }
    let cannot = |error: std::io::Error| format!("its program cannot be started: {error}");
    let terminal = if login.terminal { Some(io::terminal(setup).map_err(cannot)?) } else { None };
    let inside = terminal.as_ref().map(|(_, inside)| inside);
    let _one_at_a_time = setup.leases.turnstile(agent).await;
    let mut tree =
        Tree::start_on(setup, &id, launch, &tmp, Walls::default(), inside).await.map_err(cannot)?;
    let streams = match terminal {
        Some((outside, _)) => Streams::terminal(outside).map_err(cannot)?,
        None => Streams::pipes(&mut tree.child),
    };
    Ok((tree, streams))
}

/// One sign-in as it goes on.
struct Desk<'a> {
    setup: Setup,
    wanted: SignIn,
    login: &'a Login,
    patterns: Patterns,
    screen: Screen,
    streams: Streams,
    state: SignInState,
    /// Where in the text the answer to what was typed begins.
    heard_from: usize,
    pressed_at: usize,
    presses: u32,
    said: bool,
    begun: Instant,
    /// The code that it shows, and when it came.
    code: Option<(String, Duration)>,
    before: Mark,
    shown: &'a watch::Sender<SignInView>,
}

/// What to do after an event.
enum Then {
    GoOn,
    End(Result<String, NotSignedIn>),
}

impl Desk<'_> {
    async fn attend(
        &mut self,
        mut tree: Tree,
        mut orders: mpsc::Receiver<Say>,
    ) -> Result<String, NotSignedIn> {
        let deadline = Instant::now() + self.wanted.limit;
        let then = loop {
            self.show();
            let then = tokio::select! { biased;
                order = orders.recv() => {
                    let until = deadline.min(Instant::now() + TAKES);
                    let taken = timeout_at(until, self.order(order)).await;
                    taken.unwrap_or_else(|_| Then::End(Err(failed("its program does not take what was typed".into()))))
                }
                () = sleep_until(deadline) => Then::End(Err(self.too_late())),
                printed = self.streams.read() => match printed {
                    Some(bytes) => self.printed(&bytes).await,
                    None => Then::End(self.ended(tree.child.wait().await.ok())),
                },
                status = tree.child.wait() => {
                    self.last_words().await;
                    Then::End(self.ended(status.ok()))
                }
            };
            if let Then::End(end) = then {
                break end;
            }
        };
        match tree.end(Duration::ZERO).await {
            Ok(_) => then,
            Err(error) => Err(failed(format!("its processes could not be ended: {error}"))),
        }
    }

    async fn order(&mut self, order: Option<Say>) -> Then {
        let Some(Say::Text(text)) = order else {
            return Then::End(Err(NotSignedIn {
                reason: "it was stopped".into(),
                next: "begin again when you like".into(),
            }));
        };
        self.screen.hide(&text);
        let callback = match &self.state {
            SignInState::Yours { callback, .. } => *callback,
            SignInState::Starting
            | SignInState::Working
            | SignInState::Done { .. }
            | SignInState::Failed { .. } => None,
        };
        if let Some(port) = callback {
            self.come_back(port, &text).await;
            return Then::GoOn;
        }
        self.heard_from = self.screen.end();
        self.said = true;
        self.state = SignInState::Working;
        let enter = if self.login.terminal { "\r" } else { "\n" };
        // A program that is gone is told by the end of its output.
        let _ = self.streams.write(format!("{text}{enter}").as_bytes()).await;
        Then::GoOn
    }

    /// The browser ended at an address of the program's own little server: it is asked for in the browser's place.
    async fn come_back(&mut self, port: u16, address: &str) {
        match callback::visit(port, address).await {
            Ok(()) => {
                self.said = true;
                self.state = SignInState::Working;
            }
            Err(why) => {
                if let SignInState::Yours { asks, .. } = &mut self.state {
                    *asks = Some(format!("{why}; paste the address at which the browser ended"));
                }
            }
        }
    }

    async fn printed(&mut self, bytes: &[u8]) -> Then {
        self.screen.take(bytes);
        let found = self.patterns.read(self.screen.text(), self.screen.since(self.heard_from));
        if self.said
            && let Some(reason) = &found.failed
        {
            return Then::End(Err(failed(self.screen.hidden(reason))));
        }
        self.press().await;
        if self.said && self.login.reading.stays && self.has_new_credentials().await {
            return Then::End(Ok("it has new credentials".into()));
        }
        self.understand(found);
        Then::GoOn
    }

    async fn press(&mut self) {
        let Some((_, keys)) = self.login.reading.press else { return };
        if self.presses < MOST_PRESSES && self.patterns.is_menu(self.screen.since(self.pressed_at)) {
            self.presses += 1;
            self.pressed_at = self.screen.end();
            // As above.
            let _ = self.streams.write(keys.as_bytes()).await;
        }
    }

    async fn has_new_credentials(&self) -> bool {
        let (setup, agent) = (self.setup.clone(), self.wanted.agent.clone());
        let now = tokio::task::spawn_blocking(move || readiness::mark(&setup, &agent)).await;
        now.is_ok_and(|now| now != self.before)
    }

    fn understand(&mut self, found: Found) {
        let working = matches!(self.state, SignInState::Working);
        let reading = &self.login.reading;
        let prompt = found.asks.then(|| reading.asks.map(|(_, asks)| asks.to_owned())).flatten();
        let asks = match found.again {
            Some(again) if self.said => Some(again),
            _ => prompt,
        };
        if working && asks.is_none() {
            return;
        }
        if found.url.is_none() && found.code.is_none() && asks.is_none() {
            return;
        }
        let asks = asks.or_else(|| {
            found
                .callback
                .map(|_| "the address at which the browser ended, if it could not come back".to_owned())
        });
        if let Some(code) = &found.code
            && self.code.as_ref().is_none_or(|(known, _)| known != code)
        {
            // Some programs ask for a new one by themselves when the old one is over.
            self.code = Some((code.clone(), self.begun.elapsed()));
        }
        let since = self.code.as_ref().map_or(Duration::ZERO, |(_, since)| *since);
        let expires = reading.lasts.map(|lasts| {
            let after = i64::try_from((since + lasts).as_millis()).unwrap_or(i64::MAX);
            At(self.wanted.started.0.saturating_add(after))
        });
        // A program may print what was typed where we look for an address.
        let shown = |text: Option<String>| text.map(|text| self.screen.hidden(&text));
        let (url, code, asks) = (shown(found.url), shown(found.code), shown(asks));
        self.state = SignInState::Yours { url, code, asks, callback: found.callback, expires };
    }

    async fn last_words(&mut self) {
        let deadline = Instant::now() + LAST_WORDS;
        while let Ok(Some(bytes)) =
            timeout(deadline.saturating_duration_since(Instant::now()), self.streams.read()).await
        {
            self.screen.take(&bytes);
        }
    }

    fn ended(&self, status: Option<ExitStatus>) -> Result<String, NotSignedIn> {
        let said = self.screen.lines().pop().unwrap_or_else(|| "it said nothing".into());
        let said = self.patterns.without_prompt(&said).to_owned();
        match status {
            Some(status) if status.success() && !self.login.reading.stays => Ok(said),
            Some(status) if status.success() => {
                Err(failed(format!("its program ended before anybody was signed in: {said}")))
            }
            _ => Err(failed(said)),
        }
    }

    fn too_late(&self) -> NotSignedIn {
        failed(format!("nobody signed in within {} minutes", self.wanted.limit.as_secs().div_ceil(60)))
    }

    fn show(&self) {
        let view = SignInView {
            way: self.wanted.way.clone(),
            started: self.wanted.started,
            state: self.state.clone(),
            screen: self.screen.lines(),
        };
        self.shown.send_if_modified(|known| {
            let news = *known != view;
            *known = view;
            news
        });
    }
}

#[cfg(test)]
mod tests;
