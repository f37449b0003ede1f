//! The names of the user's own under which a server's sites answer, and their certificates.

use super::Row;
use crate::app::desk::{Got, ask};
use crate::app::{App, RwSignal, Views, memo, part};
use crate::backend::desk;
use crate::pages::servers::show;
use crate::parts::confirm::Confirm;
use crate::parts::plain;
use crate::parts::states;
use crate::words::servers::{health as words, link};
use leptos::prelude::*;
use protocol::api::DomainRow;
use protocol::desk::{DeskAnswer, DeskRequest};
use protocol::{ApiError, ProjectId, Request, Response};

/// What is done about a name, for as long as the card is there.
#[derive(Clone, Copy)]
struct Names {
    place: crate::app::Memo<Option<String>>,
    /// Counts what is to be read anew.
    asked: RwSignal<u32>,
    busy: RwSignal<bool>,
    refused: RwSignal<Option<ApiError>>,
}

pub fn domains(app: App, row: Row) -> AnyView {
    let place = memo(move || {
        row.look(|row| row.as_ref().filter(|row| link::is_up(row)).map(|row| row.place.clone()))
    });
    let names =
        Names { place, asked: RwSignal::new(0), busy: RwSignal::new(false), refused: RwSignal::new(None) };
    let got = ask(app, move || {
        names.asked.track();
        Some(DeskRequest::Loop { place: place.get()?, request: Request::Domains })
    });
    let shown = part(move || {
        match got.get() {
        _ if place.look(Option::is_none) => {
            plain::p("muted", "The server is not reached, so its names cannot be read or changed now.")
        }
        Got::Loading => states::loading(1),
        Got::Failed(why) => states::failed(&why),
        Got::Ready(DeskAnswer::Loop { response: Response::Domains { rows }, .. }) => view! {
            {rows.is_empty().then(|| plain::p("muted", "None: the sites answer by plain HTTP at the server's address. A domain brings a certificate."))}
            {rows.into_iter().map(|row| name(app, names, row)).views()}
            {form(names)}
        }
        .into_any(),
        Got::Ready(_) => ().into_any(),
    }
    });
    let again = part(move || {
        place.look(Option::is_some).then(|| {
            plain::button("Look again", "small-button", "domains-again", move || {
                names.asked.update(|n| *n += 1)
            })
        })
    });
    view! {
        <section class="card card-body" data-testid="domains">
            <header class="item-head"><h2>"Domains and certificates"</h2><span class="grow"></span>{again}</header>
            {shown}
        </section>
    }
    .into_any()
}

fn name(app: App, names: Names, row: DomainRow) -> AnyView {
    let DomainRow { project, address, certificate, .. } = row;
    let whose = match &project {
        Some(project) => format!("for {project}"),
        None => "for the first project".to_owned(),
    };
    let site = address.map(|address| plain::link(address.clone(), address, "", "domain-site"));
    let question = format!("Should {} no longer lead to the site?", certificate.name);
    let lines = words::certificates(&[certificate], app.now.get_untracked(), app.zone);
    let away = Callback::new(move |()| names.set(project.clone(), None, false, || ()));
    view! {
        {show::lines("certificates", lines)}
        <p class="actions"><span class="muted small">{whose}</span>{site}<span class="grow"></span>
            <Confirm label="Take it away" question testid="domain-away" danger=true act=away/>
        </p>
    }
    .into_any()
}

fn form(names: Names) -> AnyView {
    let (typed, agreed) = (RwSignal::new(String::new()), RwSignal::new(false));
    let send = plain::sent(move || {
        let name = typed.get_untracked().trim().to_owned();
        if !name.is_empty() {
            names.set(None, Some(name), agreed.get_untracked(), move || {
                let _ = typed.try_set(String::new());
            });
        }
    });
    let agree = plain::changed(move |event| agreed.set(event_target_checked(&event)));
    view! {
        <form class="stack" on:submit=send>
            <label class="field"><span>"A name for the first project's site; set its A or AAAA record to this server's address first"</span>
                {plain::line(typed, "domain-name".to_owned(), "Domain".to_owned(), "bakery.example".to_owned(), false)}
            </label>
            <label class="choice">
                <input type="checkbox" data-testid="domain-terms" prop:checked=move || agreed.get() on:change=agree/>
                <span>{words::CERTIFICATE}<br/><span class="muted small">{words::TERMS}</span></span>
            </label>
            {part(move || names.refused.get().map(|why| show::refused(&why)))}
            <div class="actions"><button class="small-button" data-testid="domain-set" disabled=move || names.busy.get()>
                {move || if names.busy.get() { "Setting it…" } else { "Use this name" }}
            </button></div>
        </form>
    }
    .into_any()
}

impl Names {
    /// No domain takes the project's away.
    fn set(
        self,
        project: Option<ProjectId>,
        domain: Option<String>,
        agreed: bool,
        then: impl FnOnce() + 'static,
    ) {
        let Some(place) = self.place.get_untracked() else { return };
        self.busy.set(true);
        self.refused.set(None);
        let request = Request::SetDomain { project, domain, agreed, contact: None };
        leptos::task::spawn_local(async move {
            let answer = desk::desk(DeskRequest::Loop { place, request }).await;
            let _ = self.busy.try_set(false);
            match answer {
                Ok(_) => {
                    then();
                    let _ = self.asked.try_update(|n| *n += 1);
                }
                Err(why) => {
                    let _ = self.refused.try_set(Some(why));
                }
            }
        });
    }
}
