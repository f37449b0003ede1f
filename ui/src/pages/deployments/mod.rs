//! Deployments: the Product Loop table. What was asked, what came of it, what it took.

mod detail;
mod releases;

use crate::app::{App, Load, Memo, RwSignal, Views, each, memo, part, read};
use crate::backend::Answer;
use crate::parts::attempt::practice_badge;
use crate::parts::plain::{self, click, pressed, typed};
use crate::parts::stars::Stars;
use crate::parts::states;
use crate::parts::time::ago;
use crate::words::route::{Route, View};
use crate::words::{figures, stages, time};
use leptos::prelude::*;
use protocol::Request;
use protocol::view::DeploymentRow;

type Rows = Memo<Vec<DeploymentRow>>;

#[component]
pub fn Deployments() -> impl IntoView {
    let app = App::here();
    let filter = RwSignal::new(String::new());
    let load = read(app, move || {
        app.head.track();
        let words = filter.get();
        let filter = Some(words.trim().to_owned()).filter(|w| !w.is_empty());
        Some(Request::Deployments { project: app.active(), filter, limit: Some(200) })
    });
    let rows = memo(move || match load.get() {
        Load::Ready(Answer::Deployments { rows }) => rows,
        _ => Vec::new(),
    });
    let state = memo(move || match load.get() {
        Load::Loading => Err(None),
        Load::Failed(why) => Err(Some(why)),
        Load::Ready(_) => Ok(rows.look(Vec::is_empty)),
    });
    let body = part(move || match state.get() {
        Err(None) => states::loading(6),
        Err(Some(why)) => states::failed(&why),
        Ok(true) if filter.look(|f| !f.trim().is_empty()) => {
            states::empty("No row has these words", "Clear the filter to see all rows.")
        }
        Ok(true) => states::empty(
            "Nothing was deployed yet",
            "Ask Hermes for something on Home: its row appears here once it has ended, live or not.",
        ),
        Ok(false) => view! { <Table rows=rows/> }.into_any(),
    });
    view! {
        <div class="sheet">
            <header class="sheet-head">
                <h1>"Deployments"</h1>
                <span class="grow"></span>
                <input
                    type="search"
                    data-focus
                    data-testid="filter"
                    placeholder="Filter: words, agent, commit ( / )"
                    aria-label="Filter the rows"
                    prop:value=filter.shown()
                    on:input=typed(filter)
                />
                <p class="muted">"The Product Loop: every request that ended, with what it took. Figures are observed by the daemon; the rating is yours."</p>
            </header>
            <div class="card">{body}</div>
            <releases::Releases of=rows/>
        </div>
        <detail::Detail rows=rows/>
    }
}

#[component]
fn Table(rows: Rows) -> impl IntoView {
    view! {
        <div class="table-holder">
            <table>
                <thead>
                    <tr>
                        {["Result and rating", "Created", "Step", "Commit", "Status", "Duration", "Agent", "Model", "Tokens", "Cost"]
                            .map(|title| view! { <th scope="col">{title}</th> })
                            .into_iter()
                            .views()}
                    </tr>
                </thead>
                <tbody>
                    {each(move || rows.get(), |r| format!("{} {}", r.deployment, r.text.is_some()), move |row| table_row(row, rows))}
                </tbody>
            </table>
        </div>
    }
}

fn table_row(row: DeploymentRow, rows: Rows) -> AnyView {
    let app = App::here();
    let id = row.deployment.to_string();
    let route = Route::open(View::Deployments, id.clone());
    let (on_click, on_key) = (route.clone(), route);
    let open = move || app.route.look(|r| r.open.as_deref() == Some(id.as_str()));
    let text = row.text.clone().unwrap_or_else(|| "(forgotten)".to_owned());
    let (word, label) = stages::outcome_word(row.outcome);
    let cost = figures::cost(&row.cost, row.practice);
    let commit = row.commit.as_ref().map(|c| c.to_string());
    let short = commit.as_ref().map_or("–".to_owned(), |c| figures::commit(c));
    let attempts = crate::words::counted(u64::from(row.attempts), "attempt", "attempts");
    view! {
        <tr
            class="row"
            class:open=open
            tabindex="0"
            data-row
            data-testid="deployments-row"
            data-status=word
            on:click=click(move |_| app.go(on_click.clone()))
            on:keydown=pressed(move |e| if e.key() == "Enter" { app.go(on_key.clone()) })
        >
            <td>
                <span class="cell-text" dir="auto">{text}</span>
                <Stars deployment=row.deployment.clone() rating=rating(rows, &row)/>
            </td>
            <td class="figure">{ago(app, row.created)}</td>
            <td class="figure">{row.step.map_or("–".to_owned(), |n| n.to_string())}</td>
            <td class="code" title=commit.clone()>{short}</td>
            <td><span class="badge" data-status=word>{label}</span></td>
            <td class="figure">{time::duration(row.duration_ms)}<span class="sub">{attempts}</span></td>
            <td>{agent_cell(app, &row)}</td>
            <td class="small">{model(&row)}</td>
            <td class="small tokens" title=figures::tokens_in_words(&row.usage, row.practice)>{figures::tokens_in_cell(&row.usage, row.practice)}</td>
            <td class="figure" title=cost.found data-testid="cost">{cost.figure}<span class="sub">{cost.short}</span>{cost.paid.map(|paid| plain::span("sub", format!("paid: {paid}")))}</td>
        </tr>
    }
    .into_any()
}

/// A row's rating, followed in place: the row itself stays, and so does the focus.
fn rating(rows: Rows, row: &DeploymentRow) -> Memo<Option<u8>> {
    let id = row.deployment.clone();
    memo(move || rows.look(|rows| rows.iter().find(|r| r.deployment == id).and_then(|r| r.rating)))
}

fn model(row: &DeploymentRow) -> String {
    match (&row.model, row.practice) {
        (Some(model), _) => model.clone(),
        (None, true) => "none".to_owned(),
        (None, false) => "unknown".to_owned(),
    }
}

fn agent_cell(app: App, row: &DeploymentRow) -> AnyView {
    let name = row.agent.as_ref().map_or_else(|| "none".to_owned(), |a| app.agent_title(a));
    view! { <span>{name}" "</span>{row.practice.then(practice_badge)} }.into_any()
}
