//! Taking Loopwright off a server: first what would go and what would stay, then a copy of everything, then the button.

use super::{at, run, show};
use crate::app::desk::{Got, ask, tell};
use crate::app::{App, RwSignal, part};
use crate::parts::confirm::Confirm;
use crate::parts::plain::{self, changed};
use crate::parts::states;
use crate::words::servers::plan::taken;
use crate::words::servers::removal;
use leptos::prelude::*;
use protocol::desk::{DeskAnswer, DeskRequest};

pub fn page(app: App, place: &str) -> AnyView {
    let place = StoredValue::new(place.to_owned());
    let name = move || app.desk.row(&place.get_value()).map_or_else(|| place.get_value(), |row| row.name);
    let (keep_data, export, folder) =
        (RwSignal::new(false), RwSignal::new(true), RwSignal::new(String::new()));
    let got = ask(app, move || {
        let keep_data = keep_data.get();
        Some(DeskRequest::Remove { place: place.get_value(), dry: true, keep_data, export: None })
    });
    let list = part(move || match got.get() {
        Got::Loading => states::loading(6),
        Got::Failed(why) => states::failed(&why),
        Got::Ready(DeskAnswer::Removal { removes, keeps }) => {
            let summary = removal::summary(&removes, &keeps);
            let stays = (!keeps.is_empty())
                .then(|| view! { <h3>"Stays"</h3>{run::left(keeps.iter().map(removal::left).collect())} });
            view! {
                <div class="card-body" data-testid="removal">
                    <p><b>{summary}</b></p>
                    <h3>"Goes"</h3>
                    {show::grouped(taken(&removes))}
                    {stays}
                </div>
            }
            .into_any()
        }
        Got::Ready(_) => ().into_any(),
    });
    let remove = Callback::new(move |()| {
        let export = export.get_untracked().then(|| folder.get_untracked().trim().to_owned());
        let request = DeskRequest::Remove {
            place: place.get_value(),
            dry: false,
            keep_data: keep_data.get_untracked(),
            export,
        };
        tell(app, request, move |_| app.go(at("setup", &place.get_value())));
    });
    let button = part(move || {
        let known = matches!(got.get(), Got::Ready(DeskAnswer::Removal { .. }));
        known.then(|| {
            let question = format!("Take Loopwright off {} now?", name());
            view! { <Confirm label="Remove Loopwright" question=question testid="remove-now" danger=true act=remove/> }
        })
    });
    view! {
        <div class="sheet narrow" data-testid="remove-page">
            <header class="sheet-head">
                <h1>"Remove Loopwright from "{name}</h1>
                <p class="muted">"This is only a list: nothing has been touched. Everything that was made is taken back in reverse order; what changed since is left."</p>
            </header>
            <section class="card card-body">
                <h2>"Before it goes"</h2>
                {tick("Export everything to this computer first", "export-first", export)}
                {part(move || export.get().then(|| {
                    let input = plain::line(folder, "export-folder".to_owned(), "Folder on this computer".to_owned(), "your downloads".to_owned(), false);
                    view! { <label class="field"><span>"Folder on this computer; empty is your downloads"</span>{input}</label> }
                }))}
                {tick("Leave projects, journal and memory on the server", "keep-data", keep_data)}
            </section>
            <section class="card">{list}</section>
            <div class="actions">
                {button}
                {plain::link("Leave it as it is", at("at", &place.get_value()).hash(), "button", "keep")}
            </div>
        </div>
    }
    .into_any()
}

fn tick(label: &'static str, testid: &'static str, value: RwSignal<bool>) -> AnyView {
    let change = changed(move |event| value.set(event_target_checked(&event)));
    view! { <label class="tick"><input type="checkbox" data-testid=testid prop:checked=move || value.get() on:change=change/><span>{label}</span></label> }
        .into_any()
}
