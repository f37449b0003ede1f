//! One file: edit and save it, or look at how it was. A file that changed meanwhile is shown, never overwritten.

use crate::app::{App, Load, RwSignal, Views, effect, part, read};
use crate::backend::Answer;
use crate::parts::plain::{click, typed};
use crate::parts::states;
use crate::parts::time::ago;
use crate::words::figures;
use leptos::prelude::*;
use protocol::id::CommitId;
use protocol::view::InstructionEdit;
use protocol::{ApiError, Code, Request};

/// The file as it was read: what a save is based on.
#[derive(Debug, Clone, PartialEq)]
struct Base {
    text: String,
    commit: CommitId,
}

#[derive(Clone, Copy)]
struct File {
    path: StoredValue<String>,
    draft: RwSignal<String>,
    base: RwSignal<Option<Base>>,
    history: RwSignal<Vec<InstructionEdit>>,
    /// An older state that is looked at.
    past: RwSignal<Option<CommitId>>,
    conflict: RwSignal<Option<Base>>,
    failed: RwSignal<Option<ApiError>>,
}

#[component]
pub fn Editor(path: String) -> impl IntoView {
    let app = App::here();
    let file = File {
        path: StoredValue::new(path),
        draft: RwSignal::new(String::new()),
        base: RwSignal::new(None),
        history: RwSignal::new(Vec::new()),
        past: RwSignal::new(None),
        conflict: RwSignal::new(None),
        failed: RwSignal::new(None),
    };
    let load = read(app, move || {
        app.head.track();
        Some(file.reading(app, None))
    });
    effect(move || match load.get() {
        Load::Ready(Answer::Instruction { text, base, history, .. }) => file.take(text, base, history),
        Load::Failed(why) => file.failed.set(Some(why)),
        Load::Loading | Load::Ready(_) => {}
    });
    let ready = crate::app::memo(move || file.base.look(Option::is_some));
    let body = part(move || match (ready.get(), file.failed.get()) {
        (true, _) => view! { <Body file=file/> }.into_any(),
        (false, Some(why)) => states::failed(&why),
        (false, None) => states::loading(6),
    });
    view! {
        <section class="card editor">{body}</section>
        <History file=file/>
    }
}

impl File {
    fn reading(self, app: App, at: Option<CommitId>) -> Request {
        Request::ReadInstruction { project: app.active(), path: self.path.get_value(), at }
    }

    /// A fresh reading. What is being typed stays: then only its base is told apart at the save.
    fn take(self, text: String, commit: CommitId, history: Vec<InstructionEdit>) {
        self.failed.set(None);
        self.history.set(history);
        let untouched = match self.base.get_untracked() {
            None => true,
            Some(base) => self.draft.with_untracked(|d| *d == base.text),
        };
        if untouched {
            self.draft.set(text.clone());
            self.base.set(Some(Base { text, commit }));
        }
    }

    fn changed(self) -> bool {
        self.base.look(|b| b.as_ref().is_some_and(|b| self.draft.look(|d| *d != b.text)))
    }

    fn save(self, app: App) {
        let Some(base) = self.base.get_untracked() else { return };
        let text = self.draft.get_untracked();
        let request = Request::WriteInstruction {
            project: app.active_untracked(),
            path: self.path.get_value(),
            text: text.clone(),
            base: base.commit.clone(),
        };
        leptos::task::spawn_local(async move {
            match app.call(&request).await {
                Ok(_) => {
                    app.tell("Saved.");
                    let _ = self.conflict.try_set(None);
                    // Untouched from here on: the next reading brings the new base.
                    let _ = self.base.try_set(Some(Base { text, commit: base.commit }));
                    app.head.update(|_| {});
                }
                Err(refused) if refused.code == Code::Conflict => {
                    match app.call(&self.reading(app, None)).await {
                        Ok(Answer::Instruction { text, base, .. }) => {
                            let _ = self.conflict.try_set(Some(Base { text, commit: base }));
                        }
                        _ => app.warn(&refused),
                    }
                }
                Err(refused) => app.warn(&refused),
            }
        });
    }
}

#[component]
fn Body(file: File) -> impl IntoView {
    let app = App::here();
    let conflict =
        part(move || file.conflict.get().map(|newest| view! { <Conflict file=file newest=newest/> }));
    let past = part(move || file.past.get().map(|commit| view! { <Past file=file commit=commit/> }));
    view! {
        <header>
            <b class="code">{file.path.get_value()}</b>
            <span class="muted small">{move || if file.changed() { "changed, not saved" } else { "as saved" }}</span>
        </header>
        {conflict}
        {past}
        <textarea
            spellcheck="false"
            dir="auto"
            aria-label="The file's text"
            data-focus
            data-testid="instruction-text"
            hidden=move || file.past.look(Option::is_some)
            prop:value=file.draft.shown()
            on:input=typed(file.draft)
        ></textarea>
        <footer>
            <button class="primary" data-testid="instruction-save" disabled=move || !file.changed() on:click=click(move |_| file.save(app))>"Save"</button>
            <button
                disabled=move || !file.changed()
                on:click=click(move |_| if let Some(base) = file.base.get_untracked() { file.draft.set(base.text) })
            >
                "Undo my changes"
            </button>
            <span class="muted small">"Saved as a commit on the project's main branch."</span>
        </footer>
    }
}

#[component]
fn Conflict(file: File, newest: Base) -> impl IntoView {
    let text = newest.text.clone();
    let (theirs, mine) = (newest.clone(), newest);
    view! {
        <div class="conflict" role="alert" data-testid="conflict">
            <p><b>"The file has changed since you opened it."</b>" This is its newest text; yours is still in the box below."</p>
            <pre class="text">{text}</pre>
            <div class="actions">
                <button class="small-button" on:click=click(move |_| {
                    file.draft.set(theirs.text.clone());
                    file.base.set(Some(theirs.clone()));
                    file.conflict.set(None);
                })>"Take the newest"</button>
                <button class="small-button" on:click=click(move |_| {
                    file.base.set(Some(mine.clone()));
                    file.conflict.set(None);
                })>"Keep mine; I will save over it"</button>
            </div>
        </div>
    }
}

/// How the file was at a commit, to look at or to take back.
#[component]
fn Past(file: File, commit: CommitId) -> impl IntoView {
    let app = App::here();
    let short = figures::commit(commit.as_str());
    let load = read(app, move || Some(file.reading(app, Some(commit.clone()))));
    let body = part(move || match load.get() {
        Load::Loading => states::loading(3),
        Load::Failed(why) => states::failed(&why),
        Load::Ready(Answer::Instruction { text, .. }) => {
            let taken = text.clone();
            view! {
                <pre class="text">{text}</pre>
                <div class="actions">
                    <button class="small-button" on:click=click(move |_| {
                        file.draft.set(taken.clone());
                        file.past.set(None);
                    })>"Edit from this text"</button>
                    <button class="small-button" on:click=click(move |_| file.past.set(None))>"Back to the newest"</button>
                </div>
            }
            .into_any()
        }
        Load::Ready(_) => ().into_any(),
    });
    view! { <div class="card-body"><p class="muted small">"As it was at "<code>{short}</code></p>{body}</div> }
}

#[component]
fn History(file: File) -> impl IntoView {
    let app = App::here();
    let rows = part(move || {
        let edits = file.history.get();
        if edits.is_empty() {
            return view! { <p class="card-body muted small">"No saves yet."</p> }.into_any();
        }
        edits.into_iter().map(|edit| entry(app, file, edit)).views().into_any()
    });
    view! { <aside class="card items" aria-label="History" data-testid="history">{rows}</aside> }
}

fn entry(app: App, file: File, edit: InstructionEdit) -> AnyView {
    let commit = edit.commit.clone();
    let same = edit.commit.clone();
    view! {
        <button
            class="item"
            class:open=move || file.past.look(|p| p.as_ref() == Some(&same))
            on:click=click(move |_| file.past.set(Some(commit.clone())))
        >
            <span>{edit.says}</span>
            <span class="muted small"><code>{figures::commit(edit.commit.as_str())}</code>" · "{ago(app, edit.at)}</span>
        </button>
    }
    .into_any()
}
