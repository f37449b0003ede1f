//! One workspace as it stands now: its link, its daemon while it is reached, and its copy.

use super::{Clock, Tell};
use mirror::{Folder, News, Pulled};
use protocol::desk::{DeskEvent, Link, Mirror, Place, PlaceRow, Target};
use protocol::setup::{Greeting, SetupState};
use remote::Control;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

pub struct Spot {
    pub place: Place,
    target: Option<Target>,
    pub folder: Folder,
    pub clock: Clock,
    tell: Tell,
    want: watch::Sender<Want>,
    now: Mutex<Now>,
}

/// What the user wants: a connection or none; each `turn` is a wish to try at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    pub on: bool,
    pub turn: u64,
}

struct Now {
    name: String,
    link: Link,
    control: Option<Control>,
    version: Option<String>,
    setup: Option<SetupState>,
    mirror: Mirror,
}

impl Spot {
    pub fn new(
        place: Place,
        name: String,
        target: Option<Target>,
        folder: PathBuf,
        clock: Clock,
        tell: Tell,
    ) -> Arc<Self> {
        let folder = Folder::new(folder);
        let state = folder.state();
        let copied = folder.head().unwrap_or_else(|error| {
            tracing::warn!(place, %error, "the copy cannot be read");
            None
        });
        let (journal, head) = copied.map_or((None, 0), |(journal, head)| (Some(journal), head));
        let hello = state.hello;
        let now = Now {
            name: hello.as_ref().map_or(name, |hello| hello.host.clone()),
            link: Link::Off,
            control: None,
            version: hello.map(|hello| hello.daemon),
            setup: None,
            mirror: Mirror { journal, head, at: state.at, warning: state.warning },
        };
        let (want, _) = watch::channel(Want { on: true, turn: 0 });
        Arc::new(Self { place, target, folder, clock, tell, want, now: Mutex::new(now) })
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn row(&self) -> PlaceRow {
        let now = self.now();
        PlaceRow {
            place: self.place.clone(),
            name: now.name.clone(),
            target: self.target.clone(),
            link: now.link.clone(),
            version: now.version.clone(),
            setup: now.setup.clone(),
            mirror: now.mirror.clone(),
        }
    }

    /// The daemon, while it is reached.
    pub fn control(&self) -> Option<Control> {
        self.now().control.clone()
    }

    /// Why its daemon is not asked, as the beginning of a sentence.
    pub fn unreached(&self) -> String {
        let now = self.now();
        let why = match &now.link {
            Link::Off => "you disconnected it".to_owned(),
            Link::Connecting { .. } | Link::Up { .. } => "the connection is being made".to_owned(),
            Link::Lost { why, .. } | Link::Refused { why, .. } => why.clone(),
        };
        format!("{} is not reached ({why})", now.name)
    }

    pub fn want(&self, on: bool) {
        self.want.send_modify(|want| *want = Want { on, turn: want.turn + 1 });
    }
    pub fn wanted(&self) -> watch::Receiver<Want> {
        self.want.subscribe()
    }

    /// A new state of the link; the daemon is reached only while it is up.
    pub fn link(&self, link: Link, control: Option<Control>) {
        {
            let mut now = self.now();
            now.control = control;
            now.link = link.clone();
        }
        self.tell.event(DeskEvent::Link { place: self.place.clone(), link });
    }

    /// What the server's own program said of itself.
    pub fn greeted(&self, greeting: &Greeting) {
        let mut now = self.now();
        now.version = Some(greeting.version.clone());
        now.setup = Some(greeting.setup.clone());
        if now.mirror.journal.is_none() {
            now.name = greeting.host.clone();
        }
    }

    /// The journal has something new, or something that is read live has changed.
    pub fn woke(&self, head: u64) {
        self.tell.event(DeskEvent::Head { place: self.place.clone(), head });
    }

    /// The copy was filled.
    pub fn pulled(&self, pulled: Pulled) {
        let state = self.folder.state();
        {
            let mut now = self.now();
            if let Some(hello) = state.hello {
                now.name = hello.host;
                now.version = Some(hello.daemon);
            }
            now.mirror = Mirror {
                journal: Some(pulled.journal),
                head: pulled.head,
                at: state.at,
                warning: pulled.warning,
            };
        }
        self.tell.event(DeskEvent::Places);
    }

    /// What came since, for a user who does not look.
    pub fn tell(&self, news: &[News]) {
        let name = self.now().name.clone();
        for one in news {
            (self.tell.user)(&name, one);
        }
    }

    /// The copy could not be filled; what it has stays.
    pub fn not_pulled(&self, why: String) {
        self.now().mirror.warning = Some(why);
        self.tell.event(DeskEvent::Places);
    }
}
