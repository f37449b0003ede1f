//! A server's upkeep: repair, upgrade, export, remove, forget.

use super::Row;
use crate::app::desk::tell;
use crate::app::{App, RwSignal, memo, part};
use crate::backend::desk;
use crate::pages::servers::{at, show};
use crate::parts::confirm::Confirm;
use crate::parts::plain;
use crate::words::figures;
use crate::words::route::{Route, View};
use crate::words::servers::link;
use leptos::prelude::*;
use protocol::desk::{DeskAnswer, DeskRequest, HERE};

pub fn upkeep(app: App, row: Row) -> AnyView {
    let Some(place) = row.look_untracked(|row| row.as_ref().map(|row| row.place.clone())) else {
        return ().into_any();
    };
    let id = StoredValue::new(place);
    let up = memo(move || row.look(|row| row.as_ref().is_some_and(link::is_up)));
    let watched =
        move |request: DeskRequest| tell(app, request, move |_| app.go(at("setup", &id.get_value())));
    let folder = RwSignal::new(String::new());
    let (exporting, exported) = (RwSignal::new(false), RwSignal::new(None::<String>));
    let export = move || {
        exporting.set(true);
        exported.set(None);
        let request =
            DeskRequest::Export { place: id.get_value(), to: folder.get_untracked().trim().to_owned() };
        leptos::task::spawn_local(async move {
            let answer = desk::desk(request).await;
            let _ = exporting.try_set(false);
            match answer {
                Ok(DeskAnswer::Exported { path, bytes }) => {
                    let _ = exported.try_set(Some(format!("Saved as {path}, {}.", figures::bytes(bytes))));
                }
                Ok(_) => {}
                Err(why) => app.warn(&why),
            }
        });
    };
    let forget = Callback::new(move |()| {
        tell(app, DeskRequest::Forget { place: id.get_value() }, move |_| {
            app.desk.look();
            if desk::place() == id.get_value() { desk::go_to(HERE) } else { app.go(Route::to(View::Servers)) }
        });
    });
    let act = move |label: &'static str, testid: &'static str, run: Box<dyn Fn()>| {
        let run = StoredValue::new_local(run);
        let push = plain::clicked(Box::new(move || run.with_value(|run| run())));
        view! { <button class="small-button" data-testid=testid disabled=move || !up.get() on:click=push>{label}</button> }.into_any()
    };
    view! {
        <section class="card items" data-testid="upkeep" aria-label="Upkeep">
            {upkept("Repair", "Looks at every step again and does what is missing or was changed. Where all is well: 0 changes.",
                act("Repair", "repair", Box::new(move || watched(DeskRequest::Repair { place: id.get_value() }))))}
            {upkept("Upgrade", "Puts the version that this window brings beside the one there, and goes back by itself if it is not healthy. The sites stay up.",
                act("Upgrade", "upgrade", Box::new(move || watched(DeskRequest::Upgrade { place: id.get_value() }))))}
            {upkept("Export", "Projects, journal and memory in one file on this computer.", view! {
                <span class="actions">
                    {plain::line(folder, "export-to".to_owned(), "Folder on this computer".to_owned(), "your downloads".to_owned(), false)}
                    {act("Export", "export", Box::new(export))}
                </span>
            }.into_any())}
            {part(move || exporting.get().then(|| view! { <div class="item">{show::busy("the export is being made and fetched", None, None)}</div> }))}
            {part(move || exported.get().map(|says| view! { <p class="item say good" role="status" data-testid="exported">{says}</p> }))}
            {upkept("Remove", "Takes Loopwright off the server, step by step backwards. First you see what would go.",
                part(move || if up.get() {
                    plain::link("See what would go", at("remove", &id.get_value()).hash(), "button small-button danger", "remove")
                } else {
                    plain::span("muted small", "once it is connected")
                }).into_any())}
            {upkept("Forget", "Only on this computer: its key, its address and the copy. The server is not touched.",
                view! { <Confirm label="Forget" question="Forget this server on this computer?" testid="forget" danger=true act=forget/> }.into_any())}
        </section>
    }
    .into_any()
}

fn upkept(title: &'static str, says: &'static str, action: AnyView) -> AnyView {
    view! {
        <div class="item upkept"><div><b>{title}</b>{plain::p("muted small", says)}</div>{action}</div>
    }
    .into_any()
}
