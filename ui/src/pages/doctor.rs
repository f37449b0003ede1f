//! Doctor: is everything in order, and what to do where it is not.

use crate::app::{App, Load, RwSignal, Views, part, read};
use crate::backend::Answer;
use crate::parts::plain::click;
use crate::parts::states;
use leptos::prelude::*;
use protocol::Request;
use protocol::view::{DoctorRow, Health};

#[component]
pub fn Doctor() -> impl IntoView {
    let app = App::here();
    let again = RwSignal::new(0u32);
    let load = read(app, move || {
        again.track();
        Some(Request::Doctor)
    });
    let body = part(move || match load.get() {
        Load::Loading => states::loading(4),
        Load::Failed(why) => states::failed(&why),
        Load::Ready(Answer::Doctor { rows }) if rows.is_empty() => {
            states::empty("Nothing was checked", "Check again.")
        }
        Load::Ready(Answer::Doctor { rows }) => rows.into_iter().map(check).views().into_any(),
        Load::Ready(_) => ().into_any(),
    });
    let who = move || {
        app.home_with(|h| {
            let place = if h.hello.local { "a local workspace on" } else { "the server" };
            format!(
                "loopwrightd {}, {place} {}, journal {} at entry {}",
                h.hello.daemon, h.hello.host, h.hello.journal, h.hello.head
            )
        })
        .unwrap_or_default()
    };
    view! {
        <div class="sheet narrow">
            <header class="sheet-head">
                <h1>"Doctor"</h1>
                <span class="grow"></span>
                <button on:click=click(move |_| again.update(|n| *n += 1))>"Check again"</button>
                <p class="muted">{who}</p>
            </header>
            <div class="card items">{body}</div>
        </div>
    }
}

fn check(row: DoctorRow) -> AnyView {
    let (light, word) = match row.health {
        Health::Good => ("light green", "good"),
        Health::Warning => ("light amber", "warning"),
        Health::Bad => ("light red", "bad"),
    };
    view! {
        <div class="item" data-testid="doctor-row" data-health=word>
            <p class="item-head"><i class=light title=word></i><b>{row.what}</b><span>{row.says}</span></p>
            {row.next.map(|n| view! { <p class="muted small">"Next: "{crate::words::begun(&n)}</p> })}
        </div>
    }
    .into_any()
}
