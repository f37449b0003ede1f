//! The protocol side: one session at a time, prompts played act by act, cancelled in between.

use super::disk;
use super::script::{Act, Script, Spent};
use agent_client_protocol::schema::ProtocolVersion;
use agent_client_protocol::v1::schema::*;
use agent_client_protocol::v1::{ConnectionTo, Responder};
use agent_client_protocol::{Agent, ByteStreams, Client, Error, Result};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};

/// In the state folder: the MCP servers that the newest session was given, as ACP has them.
pub const MCP_SERVERS: &str = "mcp-servers.json";

struct Stage {
    script: Script,
    state: Option<PathBuf>,
    sessions: Mutex<HashMap<SessionId, PathBuf>>,
    cancelled: Notify,
}

/// Serves one client on standard input and output until it closes them.
pub async fn serve(script: Script, state: Option<PathBuf>) -> Result<()> {
    let stage = Arc::new(Stage { script, state, sessions: Mutex::default(), cancelled: Notify::new() });
    let (open, play, stop) = (Arc::clone(&stage), Arc::clone(&stage), Arc::clone(&stage));
    Agent
        .v1()
        .name("scripted")
        .on_receive_request(
            async move |_: InitializeRequest, responder: Responder<InitializeResponse>, _| {
                let info = Implementation::new("scripted-acp-agent", env!("CARGO_PKG_VERSION"));
                let can = AgentCapabilities::new().mcp_capabilities(McpCapabilities::new().http(true));
                let told = InitializeResponse::new(ProtocolVersion::V1).agent_info(info);
                responder.respond(told.agent_capabilities(can))
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_request(
            async move |new: NewSessionRequest, responder: Responder<NewSessionResponse>, _| {
                open.open(new, responder)
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_request(
            async move |_: SetSessionModeRequest, responder: Responder<SetSessionModeResponse>, _| {
                responder.respond(SetSessionModeResponse::default())
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_request(
            async move |prompt: PromptRequest, responder, cx: ConnectionTo<Client>| {
                // In a task of its own: a handler that waits would keep `session/cancel` from being read.
                let turn =
                    Turn { stage: Arc::clone(&play), cx: cx.clone(), session: prompt.session_id.clone() };
                cx.spawn(async move { turn.answer(prompt, responder).await })
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_notification(
            async move |_: CancelNotification, _| {
                if !stop.script.deaf {
                    stop.cancelled.notify_waiters();
                }
                Ok(())
            },
            agent_client_protocol::on_receive_notification!(),
        )
        .connect_to(ByteStreams::new(tokio::io::stdout().compat_write(), tokio::io::stdin().compat()))
        .await
}

impl Stage {
    fn open(&self, new: NewSessionRequest, responder: Responder<NewSessionResponse>) -> Result<()> {
        if self.script.signed_out {
            return responder.respond_with_error(Error::auth_required());
        }
        if let Some(state) = &self.state {
            let servers = serde_json::to_vec(&new.mcp_servers).map_err(Error::into_internal_error)?;
            std::fs::write(state.join(MCP_SERVERS), servers).map_err(Error::into_internal_error)?;
        }
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let id = SessionId::new(format!("scripted-{}", sessions.len() + 1));
        sessions.insert(id.clone(), new.cwd);
        responder.respond(NewSessionResponse::new(id))
    }

    fn folder(&self, session: &SessionId) -> PathBuf {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(session).cloned().unwrap_or_default()
    }
}

/// How a turn ended.
enum End {
    Done(Option<Spent>),
    Failed(Error),
}

struct Turn {
    stage: Arc<Stage>,
    cx: ConnectionTo<Client>,
    session: SessionId,
}

impl Turn {
    async fn answer(self, prompt: PromptRequest, responder: Responder<PromptResponse>) -> Result<()> {
        let text = text_of(&prompt.prompt);
        let cancelled = self.stage.cancelled.notified();
        let end = tokio::select! {
            end = self.play(&text) => end?,
            () = cancelled => return responder.respond(PromptResponse::new(StopReason::Cancelled)),
        };
        match end {
            End::Failed(error) => responder.respond_with_error(error),
            End::Done(None) => responder.respond(PromptResponse::new(StopReason::EndTurn)),
            End::Done(Some(spent)) => {
                if let Some(dollars) = spent.cost_usd {
                    let usage = UsageUpdate::new(spent.input, 200_000).cost(Cost::new(dollars, "USD"));
                    self.update(SessionUpdate::UsageUpdate(usage))?;
                }
                responder.respond(PromptResponse::new(StopReason::EndTurn).usage(usage(spent)))
            }
        }
    }

    async fn play(&self, prompt: &str) -> Result<End> {
        let Some(scene) = self.stage.script.scene(prompt) else {
            self.say("no scene of the scenario matches")?;
            return Ok(End::Done(None));
        };
        let acts = match scene.acts(prompt, self.stage.state.as_deref()) {
            Ok(acts) => acts,
            Err(error) => return Ok(End::Failed(Error::new(-32603, format!("count attempts: {error}")))),
        };
        let cwd = self.stage.folder(&self.session);
        let mut spent = None;
        for (place, act) in acts.iter().enumerate() {
            match act {
                Act::Sleep { ms } => tokio::time::sleep(Duration::from_millis(*ms)).await,
                Act::Await { path } => there(&cwd.join(path)).await,
                Act::Hang => std::future::pending().await,
                Act::Print { text } => self.say(text)?,
                Act::Stderr { text } => to_stderr(text),
                Act::Ask { title } => self.ask(title, place).await?,
                Act::Usage(reported) => spent = Some(*reported),
                Act::Exit { code } => std::process::exit(*code),
                Act::Fail { code, message } => return Ok(End::Failed(Error::new(*code, message.clone()))),
                Act::Write { .. }
                | Act::Append { .. }
                | Act::Replace { .. }
                | Act::Delete { .. }
                | Act::Symlink { .. }
                | Act::Chmod { .. }
                | Act::GitHook { .. }
                | Act::Shell { .. }
                | Act::Child { .. } => self.perform(act, &cwd, place).await?,
            }
        }
        Ok(End::Done(spent))
    }

    /// One act on disk, shown as a tool call.
    async fn perform(&self, act: &Act, cwd: &Path, place: usize) -> Result<()> {
        let id = format!("call-{place}");
        let (kind, title) = shown(act);
        let begun = ToolCall::new(id.clone(), title).kind(kind).status(ToolCallStatus::InProgress);
        self.update(SessionUpdate::ToolCall(begun))?;
        let (what, folder) = (act.clone(), cwd.to_owned());
        // Off the loop, so that a command that takes long can be cancelled.
        let done = tokio::task::spawn_blocking(move || disk::perform(&what, &folder)).await;
        let status = match done.unwrap_or_else(|lost| Err(std::io::Error::other(lost))) {
            Ok(said) => {
                if let Some(text) = said {
                    self.say(&text)?;
                }
                ToolCallStatus::Completed
            }
            Err(error) => {
                self.say(&format!("could not: {error}"))?;
                ToolCallStatus::Failed
            }
        };
        let fields = ToolCallUpdateFields::new().status(status);
        self.update(SessionUpdate::ToolCallUpdate(ToolCallUpdate::new(id, fields)))
    }

    async fn ask(&self, title: &str, place: usize) -> Result<()> {
        let call =
            ToolCallUpdate::new(format!("ask-{place}"), ToolCallUpdateFields::new().title(title.to_owned()));
        let options = vec![
            PermissionOption::new("yes", "Yes", PermissionOptionKind::AllowOnce),
            PermissionOption::new("no", "No", PermissionOptionKind::RejectOnce),
        ];
        let request = RequestPermissionRequest::new(self.session.clone(), call, options);
        let answer = self.cx.send_request(request).block_task().await?;
        self.say(&format!("permission: {:?}", answer.outcome))
    }

    fn say(&self, text: &str) -> Result<()> {
        let chunk = ContentChunk::new(ContentBlock::Text(TextContent::new(text.to_owned())));
        self.update(SessionUpdate::AgentMessageChunk(chunk))
    }

    fn update(&self, update: SessionUpdate) -> Result<()> {
        self.cx.send_notification(SessionNotification::new(self.session.clone(), update))
    }
}

fn shown(act: &Act) -> (ToolKind, String) {
    match act {
        Act::Write { path, .. } | Act::Append { path, .. } | Act::Replace { path, .. } => {
            (ToolKind::Edit, format!("Write {path}"))
        }
        Act::Delete { path } => (ToolKind::Delete, format!("Delete {path}")),
        Act::Shell { command } => (ToolKind::Execute, command.clone()),
        other => (ToolKind::Other, format!("{other:?}").chars().take(80).collect()),
    }
}

fn text_of(prompt: &[ContentBlock]) -> String {
    let mut all = String::new();
    for block in prompt {
        if let ContentBlock::Text(text) = block {
            all.push_str(&text.text);
            all.push('\n');
        }
    }
    all
}

fn usage(spent: Spent) -> Usage {
    let total = spent.input + spent.cache_read + spent.cache_write + spent.output;
    Usage::new(total, spent.input, spent.output)
        .thought_tokens(spent.reasoning)
        .cached_read_tokens(spent.cache_read)
        .cached_write_tokens(spent.cache_write)
}

/// A test's go-ahead may come from another user's process on any file system; looking again is the one way that always
/// works.
async fn there(path: &Path) {
    while !path.exists() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn to_stderr(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{text}");
}
