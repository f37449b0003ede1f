//! What is proven of an agent, as rungs: each one by itself, when, and by what.

use crate::app::{App, Views};
use crate::parts::plain;
use crate::parts::time::ago;
use crate::words::agents;
use leptos::prelude::*;
use protocol::view::RungRow;

/// The highest rung stands at the top, as on a ladder.
pub fn ladder(app: App, mut rungs: Vec<RungRow>) -> AnyView {
    rungs.sort_by_key(|r| std::cmp::Reverse(r.rung));
    let rungs = rungs.into_iter().map(|row| rung(app, row)).views();
    view! { <ol class="ladder" data-testid="ladder" aria-label="What is proven">{rungs}</ol> }.into_any()
}

fn rung(app: App, row: RungRow) -> AnyView {
    let (word, mark, read_out) = agents::proven(row.proven);
    let (slug, name) = agents::rung(row.rung);
    let at = row.at.map(|at| ago(app, at));
    view! {
        <li data-proven=word data-testid=slug>
            <span class="rung-mark" role="img" aria-label=read_out>{mark}</span>
            <b>{name}</b>
            <span class="muted small figure">{at}</span>
            {plain::span("rung-how muted small", row.how)}
        </li>
    }
    .into_any()
}
