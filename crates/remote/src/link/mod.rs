//! The tunnel: keeps a server connected, says how it stands and why, and comes back by itself. [`machine`] decides, the
//! driver here does.

mod driver;
mod machine;

use crate::connect::{Local, Session, SignIn};
use crate::control::Control;
use crate::key::OurKey;
use driver::Order;
use protocol::desk::{Link, Target};
use protocol::setup::Greeting;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, watch};

/// Which server, and by what.
#[derive(Debug, Clone)]
pub struct TunnelTo {
    /// With the user that was made at first contact.
    pub target: Target,
    pub key: OurKey,
    /// For the hosts on the way, nearest to this computer first.
    pub jumps: Vec<SignIn>,
    /// A loopback port of the server on which its daemon listens too, where there is one.
    pub loopback: Option<u16>,
}

/// Cheap to clone; ends with its last clone.
#[derive(Debug, Clone)]
pub struct Tunnel {
    orders: mpsc::UnboundedSender<Order>,
    states: watch::Receiver<Link>,
    open: Open,
}

/// What is open at the moment. The session may be there when the daemon is not: then it can be repaired over it.
#[derive(Debug, Clone, Default)]
struct Open(Arc<Mutex<Lines>>);

#[derive(Debug, Clone, Default)]
struct Lines {
    session: Option<Session>,
    greeting: Option<Greeting>,
    control: Option<Control>,
}

impl Open {
    fn get(&self) -> Lines {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, lines: Lines) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = lines;
    }
}

impl Tunnel {
    /// Wanted from the start.
    pub fn start(local: Local, to: TunnelTo) -> Self {
        Self::with(local, to, None)
    }

    /// On a session that is open already, as after the first contact.
    pub fn on(local: Local, to: TunnelTo, session: Session) -> Self {
        Self::with(local, to, Some(session))
    }

    fn with(local: Local, to: TunnelTo, session: Option<Session>) -> Self {
        let (orders, taken) = mpsc::unbounded_channel();
        let (said, states) = watch::channel(Link::Off);
        let open = Open::default();
        open.set(Lines { session, ..Lines::default() });
        tokio::spawn(driver::drive(local, to, open.clone(), taken, said));
        let tunnel = Self { orders, states, open };
        tunnel.want(true);
        tunnel
    }

    /// How it stands, each change.
    pub fn states(&self) -> watch::Receiver<Link> {
        self.states.clone()
    }

    pub fn link(&self) -> Link {
        self.states.borrow().clone()
    }

    pub fn session(&self) -> Option<Session> {
        self.open.get().session.filter(|session| !session.is_closed())
    }

    pub fn greeting(&self) -> Option<Greeting> {
        self.open.get().greeting
    }

    /// None while it is not up.
    pub fn control(&self) -> Option<Control> {
        self.open.get().control.filter(|_| matches!(*self.states.borrow(), Link::Up { .. }))
    }

    /// Waits until it is up; the state that it is in when that will not come by itself.
    pub async fn up(&self) -> Result<Control, Link> {
        let mut states = self.states.clone();
        loop {
            let link = states.borrow_and_update().clone();
            match (&link, self.open.get().control) {
                (Link::Up { .. }, Some(control)) => return Ok(control),
                (Link::Refused { .. }, _) => return Err(link),
                _ => {}
            }
            if states.changed().await.is_err() {
                return Err(link);
            }
        }
    }

    /// Try now: the network changed, or the user says so.
    pub fn nudge(&self) {
        let _ = self.orders.send(Order::Nudge);
    }

    pub fn want(&self, wanted: bool) {
        let _ = self.orders.send(Order::Want(wanted));
    }
}
