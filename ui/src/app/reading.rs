//! How a page reads: it says what it asks, and gets a signal that is loading, failed or ready. When what it asks
//! depends on a signal (a filter, the head), it is asked again; the old answer stays on the screen until the new one
//! is there. Whom it asks is the caller's affair.

use super::App;
use super::kept::RwSignal;
use super::signals::effect;
use crate::backend::Answer;
use protocol::{ApiError, Request};
use std::cell::RefCell;
use std::rc::Rc;

#[derive(Debug, Clone, PartialEq)]
pub enum Load<A = Answer> {
    Loading,
    Failed(ApiError),
    Ready(A),
}

struct Asking<Q> {
    wanted: Option<Q>,
    /// What the answer on the screen was asked by.
    shown: Option<Q>,
    in_flight: bool,
    again: bool,
}

/// Asks the workspace's daemon.
pub fn read(app: App, ask: impl Fn() -> Option<Request> + 'static) -> RwSignal<Load> {
    asked(app, Box::new(ask), move |request: Request| async move { app.call(&request).await })
}

/// Asks by `call` whenever `ask` changes its mind or one of its signals moves; `None` asks nothing. At most one call is on
/// its way; what moves meanwhile leads to one more.
pub fn asked<Q, A, F>(
    app: App,
    ask: Box<dyn Fn() -> Option<Q>>,
    call: impl Fn(Q) -> F + Copy + 'static,
) -> RwSignal<Load<A>>
where
    Q: Clone + PartialEq + 'static,
    A: PartialEq + Send + Sync + 'static,
    F: Future<Output = Result<A, ApiError>> + 'static,
{
    let load = RwSignal::new(Load::Loading);
    let asking = Rc::new(RefCell::new(Asking { wanted: None, shown: None, in_flight: false, again: false }));
    effect(move || {
        let Some(request) = ask() else { return };
        let start = {
            let mut state = asking.borrow_mut();
            state.wanted = Some(request);
            state.again = state.in_flight;
            !std::mem::replace(&mut state.in_flight, true)
        };
        if start {
            leptos::task::spawn_local(pull(app, Rc::clone(&asking), call, load));
        }
    });
    load
}

async fn pull<Q, A, F>(
    app: App,
    asking: Rc<RefCell<Asking<Q>>>,
    call: impl Fn(Q) -> F,
    load: RwSignal<Load<A>>,
) where
    Q: Clone + PartialEq,
    A: PartialEq + Send + Sync + 'static,
    F: Future<Output = Result<A, ApiError>>,
{
    loop {
        let wanted = {
            let mut state = asking.borrow_mut();
            state.again = false;
            state.wanted.clone()
        };
        let Some(request) = wanted else { break };
        let answer = call(request.clone()).await;
        let (current, shown) = {
            let state = asking.borrow();
            (state.wanted.as_ref() == Some(&request), state.shown.as_ref() == Some(&request))
        };
        if let (true, Err(why)) = (shown, &answer) {
            // What is on the screen was true a moment ago: better than a page that goes away under one's hands.
            app.warn(why);
        } else if current {
            asking.borrow_mut().shown = answer.is_ok().then_some(request);
            // The page may be gone by now; then there is nobody to tell.
            let fresh = answer.map_or_else(Load::Failed, Load::Ready);
            let same = load.try_with_untracked(|old| *old == fresh).unwrap_or(true);
            if !same {
                let _ = load.try_set(fresh);
            }
        }
        if !asking.borrow().again {
            break;
        }
    }
    asking.borrow_mut().in_flight = false;
}
