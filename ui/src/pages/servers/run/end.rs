//! What comes after a run: the next thing to do, going on after a cut, what was left as it is, and the log.

use super::Run;
use crate::app::desk::tell;
use crate::app::{RwSignal, Views, part};
use crate::backend::desk;
use crate::pages::servers::show;
use crate::parts::plain::{self, click};
use crate::words::route::{Route, View};
use crate::words::servers::{link, progress};
use crate::words::time;
use leptos::prelude::*;
use protocol::desk::DeskRequest;
use protocol::setup::{SetupEntry, SetupState, Work};

impl Run {
    /// What comes after it: the next thing to do, or going on.
    pub fn after(self) -> Option<AnyView> {
        let end = self.now.look(|now| now.end.zip(now.work));
        match (end, self.state.get()) {
            (Some((end, Work::Apply | Work::Begin)), _) if end.ok => Some(self.ready()),
            (Some((end, Work::Remove)), _) if end.ok => Some(self.removed()),
            // Where a step says what stopped it, that is where one goes on.
            (_, Some(SetupState::Unfinished { work, .. }))
                if self.now.look(|now| now.stopped().is_none()) =>
            {
                Some(self.cut(work))
            }
            _ => None,
        }
    }

    fn ready(self) -> AnyView {
        let open = move |hash: &'static str| {
            let place = self.place;
            move || desk::open(&place.get_value(), hash)
        };
        view! {
            <section class="card card-body" data-testid="ready">
                <h2>"Two things are left, and both are yours"</h2>
                <ol class="how">
                    <li><b>"Sign in one agent. "</b>"Its own program signs in, on your server, with your account."
                        <p>{plain::button("Sign in an agent", "primary", "to-agents", open("#/agents"))}</p></li>
                    <li><b>"Ask for something. "</b>"The practice agent answers without any account, if you want to see the loop first."
                        <p>{plain::button("Make the first request", "", "to-home", open("#/home"))}</p></li>
                </ol>
            </section>
        }
        .into_any()
    }

    fn removed(self) -> AnyView {
        let forget = plain::button("Forget it on this computer", "", "forget", move || {
            let app = self.app;
            tell(app, DeskRequest::Forget { place: self.place.get_value() }, move |_| {
                app.desk.look();
                app.go(Route::to(View::Servers));
            });
        });
        view! {
            <section class="card card-body" data-testid="removed">
                {plain::p("", "The server is as it was before, but for what is listed below. The copy of its journal on this computer is still here.")}
                <div>{forget}</div>
            </section>
        }
        .into_any()
    }

    fn cut(self, work: Work) -> AnyView {
        let go = plain::button("Go on", "small-button primary", "go-on", move || self.again(Vec::new()));
        let cause = format!("{} was cut short", link::name(work).to_lowercase());
        show::obstacle(
            &cause,
            "go on: it continues after what is done; after a restart of the server it does so by itself",
            view! { <div>{go}</div> }.into_any(),
        )
    }

    pub fn kept(self) -> Option<AnyView> {
        let kept = self.now.look(|now| now.kept.clone());
        if kept.is_empty() {
            return None;
        }
        Some(
            view! { <section class="card card-body"><h2>"Left as it is"</h2>{left(kept)}</section> }
                .into_any(),
        )
    }

    /// One click away, and only made when it is looked at.
    pub fn log(self) -> AnyView {
        let open = RwSignal::new(false);
        let toggle = click(move |_| open.update(|o| *o = !*o));
        let lines = part(move || {
            open.get().then(|| {
                let text = self.entries.look(|entries| {
                    let line = |e: &SetupEntry| {
                        format!(
                            "{}  {:>4}  {}",
                            time::exact(e.at, self.app.zone),
                            e.seq,
                            progress::log(&e.event)
                        )
                    };
                    entries.iter().map(line).collect::<Vec<_>>().join("\n")
                });
                view! { <pre class="text" tabindex="0" data-testid="log-lines">{text}</pre> }
            })
        });
        let label = move || if open.get() { "Hide the log" } else { "Show the log" };
        view! {
            <section class="stack">
                <div><button class="small-button" data-testid="log" aria-expanded=move || open.get().to_string() on:click=toggle>{label}</button></div>
                {lines}
            </section>
        }
        .into_any()
    }
}

/// What stays on the server, and why.
pub fn left(kept: Vec<(String, String)>) -> AnyView {
    let rows = kept
        .into_iter()
        .map(|(what, why)| view! { <li><span class="code clip-any">{what}</span>" "<span class="muted small">{why}</span></li> })
        .views();
    view! { <ul class="lines" data-testid="left">{rows}</ul> }.into_any()
}
