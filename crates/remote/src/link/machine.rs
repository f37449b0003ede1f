//! The tunnel's states and what moves it from one to the next. Pure: time and chance are passed in.

use protocol::At;
use protocol::desk::{ChangedKey, Link, Route};

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The user wants it, or not.
    Want(bool),
    Connected {
        route: Route,
        why: Option<String>,
    },
    /// A try failed, and trying again may help.
    Failed {
        why: String,
    },
    /// Trying again cannot help.
    Refused {
        why: String,
        next: String,
        host_key: Option<ChangedKey>,
    },
    /// What was up is gone.
    Gone {
        why: String,
    },
    /// The wait is over.
    Due,
    /// Try now: the network changed, this computer woke, the user pressed the button.
    Nudge,
}

/// What is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Todo {
    Nothing,
    Connect,
    /// Milliseconds until [`Input::Due`].
    Wait(u64),
    /// Close what is open, stop what is tried.
    Stop,
}

/// The state, and how many tries have failed since it last held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    link: Link,
    tries: u32,
    /// Since when it does not hold, over all tries.
    lost: Option<At>,
}

const FIRST_WAIT: u64 = 1_000;
const LONGEST_WAIT: u64 = 60_000;
/// A connection that lived shorter than this has not shown that it holds.
const HOLDS: u64 = 10_000;

impl Machine {
    pub fn new() -> Self {
        Self { link: Link::Off, tries: 0, lost: None }
    }

    pub fn link(&self) -> &Link {
        &self.link
    }

    /// `chance` is between 0 and 1. What does not fit the state changes nothing.
    pub fn take(&mut self, input: Input, now: At, chance: f64) -> Todo {
        match (&self.link, input) {
            (Link::Off | Link::Refused { .. }, Input::Want(true)) => {
                self.lost = None;
                self.connect(0)
            }
            (Link::Off, Input::Want(false)) => Todo::Nothing,
            (_, Input::Want(false)) => {
                self.link = Link::Off;
                self.tries = 0;
                Todo::Stop
            }
            (Link::Connecting { .. }, Input::Connected { route, why }) => {
                self.link = Link::Up { since: now, route, why };
                self.lost = None;
                Todo::Nothing
            }
            (Link::Connecting { .. }, Input::Failed { why }) => self.wait(now, why, chance),
            (Link::Connecting { .. } | Link::Up { .. }, Input::Refused { why, next, host_key }) => {
                self.link = Link::Refused { why, next, host_key };
                Todo::Stop
            }
            (Link::Up { since, .. }, Input::Gone { why }) => {
                if now.since(*since) >= HOLDS {
                    self.tries = 0;
                }
                self.wait(now, why, chance)
            }
            (Link::Lost { .. }, Input::Due | Input::Nudge) => self.connect(self.tries),
            (
                Link::Off
                | Link::Refused { .. }
                | Link::Connecting { .. }
                | Link::Up { .. }
                | Link::Lost { .. },
                _,
            ) => Todo::Nothing,
        }
    }

    fn connect(&mut self, tries: u32) -> Todo {
        self.tries = tries;
        self.link = Link::Connecting { attempt: tries.saturating_add(1) };
        Todo::Connect
    }

    fn wait(&mut self, now: At, why: String, chance: f64) -> Todo {
        let wait = wait(self.tries, chance);
        let since = *self.lost.get_or_insert(now);
        self.tries = self.tries.saturating_add(1);
        let retry_at = At(now.0.saturating_add(i64::try_from(wait).unwrap_or(i64::MAX)));
        self.link = Link::Lost { since, why, retry_at };
        Todo::Wait(wait)
    }
}

/// Twice as long after each failure, up to a minute; between half of that and all of it by chance, so that many desktops
/// do not come back in step.
fn wait(tries: u32, chance: f64) -> u64 {
    let whole = FIRST_WAIT.saturating_mul(1_u64.checked_shl(tries.min(16)).unwrap_or(1)).min(LONGEST_WAIT);
    let half = whole / 2;
    let thousandths = (chance.clamp(0.0, 1.0) * 1000.0) as u64;
    half + half * thousandths / 1000
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn up() -> Input {
        Input::Connected { route: Route::Streamlocal, why: None }
    }

    fn gone() -> Input {
        Input::Gone { why: "cut".into() }
    }

    #[test]
    fn it_waits_longer_after_each_failure_and_at_most_a_minute() {
        let mut machine = Machine::new();
        assert_eq!(machine.take(Input::Want(true), At(0), 1.0), Todo::Connect);
        let mut waits = Vec::new();
        for _ in 0..8 {
            let failed = Input::Failed { why: "x".into() };
            let Todo::Wait(wait) = machine.take(failed, At(0), 1.0) else { panic!("no wait") };
            waits.push(wait);
            assert_eq!(machine.take(Input::Due, At(0), 1.0), Todo::Connect);
        }
        assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
        assert_eq!(machine.link(), &Link::Connecting { attempt: 9 });
    }

    #[test]
    fn what_held_comes_back_at_once_and_what_flaps_is_given_time() {
        for (lived, expected) in [(60_000, 1_000), (100, 8_000)] {
            let mut machine = Machine::new();
            machine.take(Input::Want(true), At(0), 1.0);
            for _ in 0..3 {
                machine.take(Input::Failed { why: "x".into() }, At(0), 1.0);
                machine.take(Input::Due, At(0), 1.0);
            }
            machine.take(up(), At(1_000), 1.0);
            assert_eq!(machine.take(gone(), At(1_000 + lived), 1.0), Todo::Wait(expected));
        }
    }

    #[test]
    fn a_refusal_is_left_only_by_the_user() {
        let refused = Input::Refused { why: "another key".into(), next: "stop".into(), host_key: None };
        let mut machine = Machine::new();
        machine.take(Input::Want(true), At(0), 0.0);
        assert_eq!(machine.take(refused, At(0), 0.0), Todo::Stop);
        for input in [Input::Due, Input::Nudge, gone(), up(), Input::Failed { why: "x".into() }] {
            let before = machine.clone();
            assert_eq!(machine.take(input, At(1), 0.0), Todo::Nothing);
            assert_eq!(machine, before);
        }
        assert_eq!(machine.take(Input::Want(true), At(0), 0.0), Todo::Connect);
    }

    fn any_input() -> impl Strategy<Value = Input> {
        prop_oneof![
            any::<bool>().prop_map(Input::Want),
            Just(up()),
            Just(Input::Failed { why: "x".into() }),
            Just(Input::Refused { why: "x".into(), next: "y".into(), host_key: None }),
            Just(gone()),
            Just(Input::Due),
            Just(Input::Nudge),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_the_state_and_what_is_done_fit(
            inputs in proptest::collection::vec((any_input(), 0..5_000_i64, any::<f64>()), 0..40),
        ) {
            let mut machine = Machine::new();
            let mut now = 0;
            let mut wanted = false;
            for (input, passed, chance) in inputs {
                now += passed;
                if let Input::Want(want) = input { wanted = want }
                let before = machine.link().clone();
                let todo = machine.take(input, At(now), chance);
                let link = machine.link();
                let fits = match todo {
                    Todo::Connect => matches!(link, Link::Connecting { .. }),
                    Todo::Wait(wait) => {
                        let until = now + i64::try_from(wait).unwrap();
                        (500..=60_000).contains(&wait)
                            && matches!(link, Link::Lost { retry_at, .. } if retry_at.0 == until)
                    }
                    Todo::Stop => matches!(link, Link::Off | Link::Refused { .. }),
                    Todo::Nothing => link == &before || matches!(link, Link::Up { .. }),
                };
                prop_assert!(fits, "{:?} after {:?}", todo, link);
                prop_assert_eq!(matches!(machine.link(), Link::Off), !wanted);
            }
        }
    }
}
