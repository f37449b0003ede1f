//! The releases that are kept, and going back to one.

use super::Rows;
use crate::app::{App, Load, Views, part, read};
use crate::backend::Answer;
use crate::parts::confirm::Confirm;
use crate::parts::states;
use crate::parts::time::ago;
use crate::words::figures;
use leptos::prelude::*;
use protocol::Request;
use protocol::view::ReleaseRow;

#[component]
pub fn Releases(of: Rows) -> impl IntoView {
    let app = App::here();
    let load = read(app, move || {
        app.head.track();
        Some(Request::Releases { project: app.active() })
    });
    part(move || match load.get() {
        Load::Loading => states::loading(2),
        Load::Failed(why) => states::failed(&why),
        Load::Ready(Answer::Releases { rows }) if !rows.is_empty() => {
            let rows = rows.into_iter().map(|row| release(app, row, of)).views();
            view! {
                <section class="stack">
                    <h2>"Releases"</h2>
                    <p class="muted small">"The last five are kept and can be live again without a build."</p>
                    <div class="card items">{rows}</div>
                </section>
            }
            .into_any()
        }
        Load::Ready(_) => ().into_any(),
    })
}

fn release(app: App, row: ReleaseRow, of: Rows) -> AnyView {
    // By what was asked; a filter may have taken that row away.
    let release = row.release.clone();
    let asked = move || {
        of.look(|rows| {
            rows.iter().find(|r| r.release.as_ref() == Some(&release)).and_then(|r| r.text.clone())
        })
    };
    let (project, id) = (row.project.clone(), row.release.clone());
    let back = Callback::new(move |()| {
        let request = Request::Rollback { project: Some(project.clone()), release: Some(id.clone()) };
        app.act(request, "That release is live again.", |_| {});
    });
    let action = match (row.live, row.kept) {
        (true, _) => view! { <span class="badge" data-status="live">"Live"</span> }.into_any(),
        (false, true) => view! { <Confirm label="Roll back to this" question="Make this release live again?" testid="rollback" act=back/> }.into_any(),
        (false, false) => view! { <span class="muted small">"no longer kept"</span> }.into_any(),
    };
    view! {
        <div class="item item-head" data-testid="release">
            <code title=row.commit.to_string()>{figures::commit(row.commit.as_str())}</code>
            <span class="clip" dir="auto" title=row.release.to_string()>{asked}</span>
            <span class="muted small">{ago(app, row.at)}</span>
            <span class="grow"></span>
            {action}
        </div>
    }
    .into_any()
}
