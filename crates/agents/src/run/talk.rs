//! The conversation over ACP: a session, the brief as a prompt, then whatever comes next.

use super::asks::Next;
use super::ending::Ending;
use super::open;
use crate::McpServer;
use crate::profile::Profile;
use agent_client_protocol::v1::schema::{
    CancelNotification, ContentBlock, CreateElicitationRequest, CreateElicitationResponse,
    PermissionOptionKind, PromptRequest, RequestPermissionOutcome, RequestPermissionRequest,
    RequestPermissionResponse, SelectedPermissionOutcome, StopReason, TextContent,
};
use agent_client_protocol::v1::{ConnectionTo, Responder};
use agent_client_protocol::{Agent, Error};
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc, oneshot};

/// What is to be said.
pub(super) struct Topic {
    pub profile: &'static Profile,
    pub mode: Option<&'static str>,
    pub worktree: PathBuf,
    pub brief: String,
    pub mcp: Vec<McpServer>,
    pub resume: Option<String>,
    /// What the session is called, where we name it.
    pub name: String,
}

/// The line to the one who drives.
pub(super) struct Line {
    pub cancel: Arc<Notify>,
    pub remarks: mpsc::UnboundedSender<Remark>,
}

pub(super) enum Remark {
    /// For the transcript.
    Say(String),
    /// An earlier conversation is about to be said again.
    Replaying,
    /// The session that is open is an earlier one.
    Resumed,
    Opened(String),
    /// A prompt was sent.
    Prompted,
    /// A turn is over: what comes next?
    TurnOver(Next),
    Permission(RequestPermissionRequest, Responder<RequestPermissionResponse>),
    Form(CreateElicitationRequest, Responder<CreateElicitationResponse>),
}

pub(super) async fn talk(cx: ConnectionTo<Agent>, topic: Topic, line: Line) -> Ending {
    let session = match unless_cancelled(&line.cancel, open::open(&cx, &topic, &line)).await {
        Some(Ok(session)) => session,
        Some(Err(error)) => return refused(&error),
        None => return Ending::Stopped { forced: false },
    };
    line.tell(Remark::Opened(session.0.to_string()));
    let mut prompt = topic.brief;
    loop {
        line.tell(Remark::Prompted);
        let words = vec![ContentBlock::Text(TextContent::new(prompt))];
        let turn = cx.send_request(PromptRequest::new(session.clone(), words)).block_task();
        let mut turn = std::pin::pin!(turn);
        let (result, cancelled) = tokio::select! {
            result = &mut turn => (result, false),
            () = line.cancel.notified() => {
                // If it cannot be sent, the driver's own deadline ends the run.
                let _ = cx.send_notification(CancelNotification::new(session.clone()));
                (turn.await, true)
            }
        };
        match result {
            _ if cancelled => return Ending::Stopped { forced: false },
            Err(error) => return refused(&error),
            Ok(response) => match response.stop_reason {
                StopReason::EndTurn => {}
                StopReason::Cancelled => return Ending::Broken("it cancelled its turn by itself".into()),
                other => {
                    line.tell(Remark::Say(format!("it stopped before it was done: {}", stop_word(other))))
                }
            },
        }
        let (next, said) = oneshot::channel();
        line.tell(Remark::TurnOver(next));
        match unless_cancelled(&line.cancel, said).await {
            Some(Ok(Some(words))) => prompt = words,
            Some(Ok(None) | Err(_)) => return Ending::TurnEnded,
            None => return Ending::Stopped { forced: false },
        }
    }
}

/// Yes, this once.
pub(super) fn allow(request: &RequestPermissionRequest) -> RequestPermissionResponse {
    let by_kind = |kind| request.options.iter().find(move |option| option.kind == kind);
    let option =
        by_kind(PermissionOptionKind::AllowOnce).or_else(|| by_kind(PermissionOptionKind::AllowAlways));
    RequestPermissionResponse::new(match option {
        Some(option) => {
            RequestPermissionOutcome::Selected(SelectedPermissionOutcome::new(option.option_id.clone()))
        }
        None => RequestPermissionOutcome::Cancelled,
    })
}

async fn unless_cancelled<T>(cancel: &Notify, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        () = cancel.notified() => None,
    }
}

fn refused(error: &Error) -> Ending {
    let mut text = error.message.clone();
    if let Some(data) = error.data.as_ref().filter(|data| !data.is_null()) {
        text.push_str(": ");
        match data {
            serde_json::Value::String(words) => text.push_str(words),
            other => text.push_str(&other.to_string()),
        }
    }
    Ending::Refused { code: i64::from(i32::from(error.code)), text }
}

fn stop_word(reason: StopReason) -> &'static str {
    match reason {
        StopReason::MaxTokens => "the most tokens of one turn were reached",
        StopReason::MaxTurnRequests => "the most requests of one turn were reached",
        StopReason::Refusal => "the model refused",
        _ => "for a reason that we do not know",
    }
}

impl Line {
    pub fn tell(&self, remark: Remark) {
        // Nobody listens once the run is over.
        let _ = self.remarks.send(remark);
    }
}
