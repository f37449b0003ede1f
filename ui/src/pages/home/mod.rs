//! Home: talk with Hermes on the left, the live loop in the middle, what comes of it on the right.

mod asks;
mod chat;
mod composer;
mod controls;
mod lanes;
mod live;
mod preview;
mod side;
mod strip;
mod turn;

use crate::app::{App, Load, Memo, Views, memo, read};
use crate::backend::Answer;
use crate::parts::states;
use leptos::prelude::*;
use protocol::Request;
use protocol::id::RequestId;
use protocol::view::RequestView;

#[component]
pub fn Home() -> impl IntoView {
    let app = App::here();
    let ready = memo(move || match app.home.get() {
        Load::Loading => None,
        Load::Failed(why) => Some(Err(why)),
        Load::Ready(_) => Some(Ok(())),
    });
    move || {
        match ready.get() {
        None => view! { <div class="home">{(0..3).map(|_| view! { <section class="pane">{states::loading(5)}</section> }).views()}</div> }.into_any(),
        Some(Err(why)) => states::failed(&why),
        Some(Ok(())) => view! { <Panes/> }.into_any(),
    }
    }
}

#[component]
fn Panes() -> impl IntoView {
    let app = App::here();
    let focus = focus(app);
    view! {
        <div class="home">
            <chat::Chat/>
            <live::Live focus=focus/>
            <preview::Preview focus=focus/>
        </div>
    }
}

/// The request that the loop and the preview show: the one in the address, else the current one.
fn focus(app: App) -> Memo<Option<RequestView>> {
    let current = memo(move || app.home_with(|h| h.current.clone()).flatten());
    let wanted = memo(move || {
        let open = app.route.look(|r| r.open.clone())?;
        let request = RequestId::new(open).ok()?;
        let is_current = current.look(|c| c.as_ref().is_some_and(|c| c.row.request == request));
        (!is_current).then_some(request)
    });
    let other = read(app, move || {
        let request = wanted.get()?;
        app.head.track();
        Some(Request::Show { request })
    });
    memo(move || match (wanted.get(), other.get()) {
        (Some(request), Load::Ready(Answer::Show(view))) if view.row.request == request => Some(*view),
        (Some(_), _) => None,
        (None, _) => current.get(),
    })
}
