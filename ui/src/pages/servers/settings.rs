//! What the window itself does: starting with the system, notices, closing to the tray.

use crate::app::desk::{Got, ask, tell};
use crate::app::{App, RwSignal, part};
use crate::parts::plain::changed;
use leptos::prelude::*;
use protocol::desk::{DeskAnswer, DeskRequest, DeskSettings};

pub fn card(app: App) -> AnyView {
    let asked = RwSignal::new(0u32);
    let got = ask(app, move || {
        asked.track();
        Some(DeskRequest::Settings)
    });
    let shown = part(move || match got.get() {
        Got::Ready(DeskAnswer::Settings { settings }) => form(app, settings, asked),
        Got::Loading | Got::Failed(_) | Got::Ready(_) => ().into_any(),
    });
    view! { {shown} }.into_any()
}

fn form(app: App, now: DeskSettings, asked: RwSignal<u32>) -> AnyView {
    let kept = now.clone();
    let tick = move |label: &'static str,
                     testid: &'static str,
                     on: bool,
                     with: fn(&mut DeskSettings, bool)| {
        let before = kept.clone();
        let change = changed(move |event| {
            let mut settings = before.clone();
            with(&mut settings, event_target_checked(&event));
            tell(app, DeskRequest::SetSettings { settings }, move |_| {
                let _ = asked.try_update(|n| *n += 1);
            });
        });
        view! { <label class="tick"><input type="checkbox" data-testid=testid prop:checked=on on:change=change/><span>{label}</span></label> }
    };
    view! {
        <section class="card card-body" data-testid="settings">
            <h2>"This window"</h2>
            {tick("Start with the system", "start-with-system", now.start_with_system, |s, on| s.start_with_system = on)}
            {tick("Tell me when something needs me or is live", "notify", now.notify, |s, on| s.notify = on)}
            {tick("Keep running in the tray when the window is closed", "close-to-tray", now.close_to_tray, |s, on| s.close_to_tray = on)}
        </section>
    }
    .into_any()
}
