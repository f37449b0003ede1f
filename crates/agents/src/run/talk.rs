//! The conversation over ACP: initialize, a session, its mode, the brief as a prompt, then what the user steers.

use super::drive::Ending;
use agent_client_protocol::schema::ProtocolVersion;
use agent_client_protocol::v1::ConnectionTo;
use agent_client_protocol::v1::schema::{
    CancelNotification, ClientCapabilities, ContentBlock, Implementation, InitializeRequest,
    NewSessionRequest, PermissionOptionKind, PromptRequest, RequestPermissionOutcome,
    RequestPermissionRequest, RequestPermissionResponse, SelectedPermissionOutcome, SessionId,
    SetSessionModeRequest, StopReason, TextContent,
};
use agent_client_protocol::{Agent, Error};
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};

/// What is to be said.
pub(super) struct Topic {
    pub worktree: PathBuf,
    pub mode: Option<&'static str>,
    pub brief: String,
}

/// The line to the one who drives.
pub(super) struct Line {
    /// Words of the user for the next turn.
    pub steering: mpsc::UnboundedReceiver<String>,
    pub cancel: Arc<Notify>,
    pub remarks: mpsc::UnboundedSender<Remark>,
}

pub(super) enum Remark {
    /// For the transcript.
    Say(String),
    /// A prompt was sent.
    Prompted,
}

pub(super) async fn talk(cx: ConnectionTo<Agent>, topic: Topic, mut line: Line) -> Ending {
    let session = match unless_cancelled(&line.cancel, open(&cx, &topic, &line)).await {
        Some(Ok(session)) => session,
        Some(Err(error)) => return refused(&error),
        None => return Ending::Cancelled,
    };
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
            _ if cancelled => return Ending::Cancelled,
            Err(error) => return refused(&error),
            Ok(response) => match response.stop_reason {
                StopReason::EndTurn => {}
                StopReason::Cancelled => return Ending::Broken("it cancelled its turn by itself".into()),
                other => {
                    line.tell(Remark::Say(format!("it stopped before it was done: {}", stop_word(other))))
                }
            },
        }
        match line.steering.try_recv() {
            Ok(steered) => prompt = steered,
            Err(_) => return Ending::TurnEnded,
        }
    }
}

/// The daemon's answer to every question: yes, this once. The walls are the other user and the landing gate.
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

async fn open(cx: &ConnectionTo<Agent>, topic: &Topic, line: &Line) -> Result<SessionId, Error> {
    // No file system and no terminal of ours are offered: the agent is on this machine and uses its own.
    let hello = InitializeRequest::new(ProtocolVersion::V1)
        .client_capabilities(ClientCapabilities::new())
        .client_info(Implementation::new("loopwright", env!("CARGO_PKG_VERSION")));
    let answer = cx.send_request(hello).block_task().await?;
    if let Some(info) = answer.agent_info {
        line.tell(Remark::Say(format!("{} {} answers", info.name, info.version)));
    }
    let session =
        cx.send_request(NewSessionRequest::new(topic.worktree.clone())).block_task().await?.session_id;
    if let Some(mode) = topic.mode {
        let set = SetSessionModeRequest::new(session.clone(), mode);
        if let Err(error) = cx.send_request(set).block_task().await {
            // It will ask for each permission instead, and is allowed each.
            line.tell(Remark::Say(format!("it does not take the mode {mode}: {}", error.message)));
        }
    }
    Ok(session)
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
    fn tell(&self, remark: Remark) {
        // Nobody listens once the run is over.
        let _ = self.remarks.send(remark);
    }
}
