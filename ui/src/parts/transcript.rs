//! What an agent printed, in normalised form. Follows a run that is going on, unless one scrolled up.

use crate::app::{App, RwSignal, each, effect};
use crate::backend::Answer;
use leptos::prelude::*;
use protocol::At;
use protocol::Request;
use protocol::id::AttemptId;
use protocol::view::{LineKind, TranscriptLine};

/// Lines kept on the page; the journal has all of them.
const MOST: usize = 400;
const AT_ONCE: u32 = 200;

#[component]
pub fn Transcript(
    attempt: AttemptId,
    /// Told when the agent was last heard.
    #[prop(optional_no_strip)]
    heard: Option<RwSignal<Option<At>>>,
) -> impl IntoView {
    let app = App::here();
    let lines = RwSignal::new(Vec::<TranscriptLine>::new());
    let read_once = RwSignal::new(false);
    let reading = StoredValue::new(false);
    let holder = NodeRef::<leptos::html::Div>::new();
    effect(move || {
        // New lines are no facts: the same head again says that there are some.
        app.head.track();
        if reading.get_value() {
            return;
        }
        reading.set_value(true);
        let attempt = attempt.clone();
        leptos::task::spawn_local(async move {
            pull(app, &attempt, lines).await;
            let _ = read_once.try_set(true);
            let _ = reading.try_update_value(|r| *r = false);
        });
    });
    effect(move || {
        let last = lines.look(|lines| lines.last().map(|line| line.at));
        if let Some(heard) = heard {
            let _ = heard.try_set(last);
        }
        let Some(element) = holder.get() else { return };
        let below = element.scroll_height() - element.scroll_top() - element.client_height();
        if below < 160 {
            request_animation_frame(move || element.set_scroll_top(element.scroll_height()));
        }
    });
    view! {
        <div class="transcript" node_ref=holder tabindex="0" role="log" aria-label="Transcript">
            {each(move || lines.get(), |l| l.seq.to_string(), |line| view! {
                <p class=class(line.kind)><span class="who">{who(line.kind)}</span><span>{line.text}</span></p>
            }.into_any())}
            <Show when=move || read_once.get() && lines.look(Vec::is_empty)>
                <p class="muted">"Nothing was printed yet."</p>
            </Show>
        </div>
    }
}

async fn pull(app: App, attempt: &AttemptId, lines: RwSignal<Vec<TranscriptLine>>) {
    loop {
        let after = lines.try_with_untracked(|l| l.last().map_or(0, |x| x.seq)).unwrap_or(u64::MAX);
        let request = Request::Transcript { attempt: attempt.clone(), after, limit: Some(AT_ONCE) };
        let Ok(Answer::Transcript { lines: more, head }) = app.call(&request).await else { return };
        let Some(last) = more.last().map(|l| l.seq) else { return };
        let told = lines.try_update(|all| {
            all.extend(more);
            let surplus = all.len().saturating_sub(MOST);
            all.drain(..surplus);
        });
        if told.is_none() || last >= head {
            return;
        }
    }
}

fn class(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Text => "t-text",
        LineKind::Thought => "t-thought",
        LineKind::Tool => "t-tool",
        LineKind::Plan => "t-plan",
        LineKind::Daemon => "t-daemon",
        LineKind::Raw => "t-raw",
        LineKind::Stderr => "t-stderr",
    }
}

fn who(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Text => "says",
        LineKind::Thought => "thinks",
        LineKind::Tool => "does",
        LineKind::Plan => "plans",
        LineKind::Daemon => "Hermes",
        LineKind::Raw => "raw",
        LineKind::Stderr => "stderr",
    }
}
