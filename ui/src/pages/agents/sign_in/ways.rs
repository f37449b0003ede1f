//! The ways to give an agent an account, those included that its vendor offers no more.

use super::Signing;
use crate::app::Views;
use crate::parts::plain;
use crate::words::sentence;
use leptos::prelude::*;
use protocol::Request;
use protocol::view::{SignInWay, WayKind};

pub fn choose(signing: Signing) -> AnyView {
    let ways = signing.now(|now| now.ways.clone()).unwrap_or_default();
    if ways.is_empty() {
        return plain::p("muted", "No way is known to sign this agent in.");
    }
    let ways = ways.into_iter().enumerate().map(|(i, way)| offer(signing, i == 0, way)).views();
    view! {
        <div class="stack">
            {plain::p("muted", "Choose a way. Its own, unchanged program signs in; Loopwright does not read its credentials.")}
            <div class="ways">{ways}</div>
        </div>
    }
    .into_any()
}

fn offer(signing: Signing, first: bool, way: SignInWay) -> AnyView {
    let gone = way.way_kind == WayKind::Gone;
    let text = view! {
        <b>{way.title.clone()}{gone.then(|| plain::span("badge", "not offered any more"))}</b>
        {plain::span("muted small", sentence(&way.says))}
    };
    if gone {
        return view! { <div class="way gone" data-testid="way" data-way=way.way data-kind="gone">{text}</div> }.into_any();
    }
    let id = way.way.clone();
    let kind = if way.way_kind == WayKind::Key { "key" } else { "login" };
    let take = plain::clicked(Box::new(move || match way.way_kind {
        WayKind::Key => signing.chosen.set(Some(way.way.clone())),
        WayKind::Login | WayKind::Gone => begin(signing, way.way.clone()),
    }));
    view! {
        <button type="button" class="way" data-first=first.then_some("") data-testid="way" data-way=id data-kind=kind on:click=take>{text}</button>
    }
    .into_any()
}

pub fn begin(signing: Signing, way: String) {
    signing.began.set(true);
    signing.ask(move |agent| Request::SignIn { agent, way }, || {});
}
