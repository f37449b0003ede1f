//! The power of a server: whether it is to be on, and a thread that starts it whenever it is and does not run.

use std::process::Child;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How nspawn ends when its guest has asked for a restart.
const RESTART: i32 = 133;

#[derive(Default)]
pub struct Power {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// It is to be on. A guest that ends of itself (`poweroff`) takes it back.
    on: bool,
    /// It goes on once more although it did not ask for it.
    again: bool,
    /// The thread is to end.
    over: bool,
    ended: bool,
    running: Option<u32>,
    starts: u64,
    /// So many starts there must have been for the server to be back.
    awaited: u64,
}

impl Power {
    /// The process that runs it, if it runs.
    pub fn process(&self) -> Option<u32> {
        self.state().running
    }

    pub fn is_on(&self) -> bool {
        self.state().on
    }

    pub fn on(&self) {
        let mut state = self.state();
        state.on = true;
        state.awaited = state.starts + 1;
        self.changed.notify_all();
    }

    /// It is not started again; what runs goes on.
    pub fn off(&self) {
        self.state().on = false;
    }

    /// A restart is on its way.
    pub fn expect_restart(&self) {
        let mut state = self.state();
        state.awaited = state.starts + 1;
    }

    /// The same, and not by the guest's own will.
    pub fn expect_cut(&self) {
        let mut state = self.state();
        state.awaited = state.starts + 1;
        state.again = true;
    }

    /// For good.
    pub fn over(&self) {
        let mut state = self.state();
        state.on = false;
        state.over = true;
        self.changed.notify_all();
    }

    /// Whether every restart that is expected has begun within this time.
    pub fn started(&self, within: Duration) -> bool {
        self.reached(within, |state| state.starts >= state.awaited)
    }

    pub fn stopped(&self, within: Duration) -> bool {
        self.reached(within, |state| state.running.is_none())
    }

    pub fn ended(&self, within: Duration) -> bool {
        self.reached(within, |state| state.ended)
    }

    /// The thread. `start` gives what runs the server, or nothing if it cannot be started; `after` is done when that has ended.
    pub fn supply(&self, start: impl Fn() -> Option<Child>, after: impl Fn()) {
        while self.wait_for_on() {
            let child = start();
            let mut state = self.state();
            state.starts += 1;
            state.running = child.as_ref().map(Child::id);
            self.changed.notify_all();
            drop(state);
            let code = child.and_then(|mut child| child.wait().ok()).and_then(|status| status.code());
            after();
            let mut state = self.state();
            state.running = None;
            if code != Some(RESTART) && !state.again {
                state.on = false;
            }
            state.again = false;
            self.changed.notify_all();
        }
        self.state().ended = true;
        self.changed.notify_all();
    }

    /// False when it is over.
    fn wait_for_on(&self) -> bool {
        let mut state = self.state();
        while !state.on && !state.over {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        !state.over
    }

    fn reached(&self, within: Duration, wanted: impl Fn(&State) -> bool) -> bool {
        let deadline = Instant::now() + within;
        let mut state = self.state();
        while !wanted(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn it_starts_again_when_asked_or_cut_and_stays_off_otherwise() {
        let power = Arc::new(Power::default());
        let starts = Arc::new(AtomicU32::new(0));
        let (own, count) = (power.clone(), starts.clone());
        let thread = std::thread::spawn(move || {
            let script = |n| if n < 2 { "exit 133" } else { "exec sleep 1000" };
            let start = || {
                let run = script(count.fetch_add(1, Ordering::SeqCst));
                Command::new("sh").args(["-c", run]).spawn().ok()
            };
            own.supply(start, || {});
        });
        power.on();
        power.expect_restart();
        assert!(power.reached(SOON, |state| state.starts == 3 && state.running.is_some()));
        let kill = || {
            let pid = power.process().unwrap().to_string();
            assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
        };
        power.expect_cut();
        kill();
        assert!(power.started(SOON) && power.reached(SOON, |state| state.running.is_some()));
        power.off();
        kill();
        assert!(power.stopped(SOON));
        power.over();
        assert!(power.ended(SOON) && !power.is_on());
        thread.join().unwrap();
        assert_eq!(starts.load(Ordering::SeqCst), 4);
    }
}
