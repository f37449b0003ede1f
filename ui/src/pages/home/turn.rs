//! One turn: the request as it was asked, and Hermes' reply made from its facts.

use super::{asks, controls};
use crate::app::{App, Load, Memo, RwSignal, each, memo, read};
use crate::backend::Answer;
use crate::parts::plain::click;
use crate::parts::stars::Stars;
use crate::parts::time::ago;
use crate::words::reply::{self, Said, Tone};
use crate::words::route::{Route, View};
use crate::words::stages;
use leptos::prelude::*;
use protocol::Request;
use protocol::fact::Channel;
use protocol::id::{AgentId, RequestId};
use protocol::view::{RequestRow, RequestView};

#[component]
pub fn Turn(first: RequestRow, newest: bool) -> impl IntoView {
    let app = App::here();
    let id = first.request.clone();
    let (created, channel) = (first.created, first.channel);
    let expanded = RwSignal::new(newest);
    let row = {
        let id = id.clone();
        memo(move || {
            app.home_with(|h| h.requests.iter().find(|r| r.request == id).cloned())
                .flatten()
                .unwrap_or_else(|| first.clone())
        })
    };
    let view = story(app, id.clone(), row, expanded);
    let words = memo(move || {
        view.look(|v| {
            v.as_ref().map(|v| reply::reply(v, &|a: &AgentId| app.agent_title(a))).unwrap_or_default()
        })
    });
    let looked_at = {
        let id = id.clone();
        move || app.route.look(|r| r.open.as_deref() == Some(id.as_str()))
    };
    // Not for the one that the loop shows already.
    let elsewhere = {
        let id = id.clone();
        memo(move || match app.route.look(|r| r.open.clone()) {
            Some(open) => open != id.as_str(),
            None => app.home_with(|h| h.current.as_ref().is_none_or(|c| c.row.request != id)).unwrap_or(true),
        })
    };
    let look = {
        let id = id.clone();
        move |_| app.go(Route::open(View::Home, id.to_string()))
    };
    let text = move || row.look(|r| r.text.clone()).unwrap_or_else(|| "This text was forgotten.".to_owned());
    view! {
        <article class="turn" class:looked=looked_at data-testid="turn">
            <div class="asked">
                <p class="asked-text" dir="auto">{text}</p>
                <p class="small muted">{by(channel)}{ago(app, created)}</p>
            </div>
            <div class="reply">
                {each(
                    move || words.get().into_iter().enumerate().collect(),
                    |(place, said)| format!("{place}{}{}", said.tone.class(), said.text),
                    |(_, said)| line(said),
                )}
                <Show when=move || !expanded.get()>
                    <p class="small">
                        {move || row.look(|r| stages::status_word(&r.status).1)} " · "
                        <button class="link" on:click=click(move |_| expanded.set(true))>"What happened?"</button>
                    </p>
                </Show>
                <Site view=view/>
                {asks::asks(app, id.clone(), view)}
                    {controls::controls(app, id, row, view)}
                <Show when=move || elsewhere.get()>
                    <p class="small"><button class="link" on:click=look.clone()>"Show in the loop"</button></p>
                </Show>
            </div>
        </article>
    }
}

/// The whole request, read again whenever it has a new fact.
fn story(
    app: App,
    id: RequestId,
    row: Memo<RequestRow>,
    expanded: RwSignal<bool>,
) -> Memo<Option<RequestView>> {
    let current = {
        let id = id.clone();
        memo(move || app.home_with(|h| h.current.clone().filter(|c| c.row.request == id)).flatten())
    };
    let is_current = memo(move || current.look(Option::is_some));
    let head = memo(move || row.look(|r| r.head));
    let other = read(app, move || {
        head.track();
        (expanded.get() && !is_current.get()).then(|| Request::Show { request: id.clone() })
    });
    memo(move || match (current.get(), other.get()) {
        (Some(view), _) => Some(view),
        (None, Load::Ready(Answer::Show(view))) => Some(*view),
        (None, _) => None,
    })
}

fn by(channel: Channel) -> &'static str {
    match channel {
        Channel::Dashboard => "You, ",
        Channel::Desktop => "You, on the desktop, ",
        Channel::CommandLine => "You, on the command line, ",
        Channel::Telegram => "You, by Telegram, ",
        Channel::Mcp => "By MCP, ",
    }
}

fn line(said: Said) -> AnyView {
    let mark = match said.tone {
        Tone::Plain => "",
        Tone::Stumble => "!",
        Tone::Now => "●",
        Tone::Ask => "?",
        Tone::Good => "✓",
        Tone::Bad => "✕",
    };
    view! { <p class=said.tone.class() dir="auto"><span class="say-mark" aria-hidden="true">{mark}</span>{said.text}</p> }.into_any()
}

/// The site's link and, once it is recorded, the rating.
#[component]
fn Site(view: Memo<Option<RequestView>>) -> impl IntoView {
    let url = memo(move || {
        view.look(|v| v.as_ref().filter(|v| !stages::is_open(&v.row.status)).and_then(|v| v.url.clone()))
    });
    let deployment = memo(move || view.look(|v| v.as_ref().and_then(|v| v.deployment.clone())));
    let id = memo(move || deployment.look(|d| d.as_ref().map(|d| d.deployment.clone())));
    let rating = memo(move || deployment.look(|d| d.as_ref().and_then(|d| d.rating)));
    view! {
        {move || url.get().map(|url| view! {
            <p><a class="site-link" data-testid="site-link" href=url.clone() target="_blank" rel="noopener">{url.clone()}" ↗"</a></p>
        })}
        {move || id.get().map(|id| {
            let row = Route::open(View::Deployments, id.to_string()).hash();
            view! { <p class="small rate-line"><span class="muted">"Your rating"</span><Stars deployment=id rating=rating/><a href=row>"Details"</a></p> }
        })}
    }
}
