//! The ACP side of the practice agent: sessions, turns, cancel.

use super::work::{self, Step};
use super::{brief, words};
use agent_client_protocol::v1::schema::{
    AgentCapabilities, CancelNotification, ContentBlock, ContentChunk, Implementation, InitializeRequest,
    InitializeResponse, NewSessionRequest, NewSessionResponse, PromptRequest, PromptResponse, SessionId,
    SessionNotification, SessionUpdate, StopReason, TextContent, ToolCall, ToolCallStatus, ToolCallUpdate,
    ToolCallUpdateFields, ToolKind,
};
use agent_client_protocol::v1::{ConnectionTo, Responder};
use agent_client_protocol::{Agent, ByteStreams, Client, Error};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio_util::compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};

/// Between two steps, so that a person can see the page grow.
const PAUSE: Duration = Duration::from_millis(700);

/// The practice agent over this process's standard streams, until its input ends. `None`: the usual pause.
pub async fn practice_stdio(pause: Option<Duration>) -> Result<(), Error> {
    practice_main(tokio::io::stdin(), tokio::io::stdout(), pause).await
}

/// The practice agent over any two streams.
pub async fn practice_main(
    input: impl AsyncRead + Send + Unpin + 'static,
    output: impl AsyncWrite + Send + Unpin + 'static,
    pause: Option<Duration>,
) -> Result<(), Error> {
    let room = Arc::new(Room { pause: pause.unwrap_or(PAUSE), sessions: Mutex::new(HashMap::new()) });
    let (opening, prompting, cancelling) = (room.clone(), room.clone(), room);
    Agent
        .v1()
        .name("practice")
        .on_receive_request(
            async move |hello: InitializeRequest, responder, _cx| {
                let info = Implementation::new("loopwright-practice", env!("CARGO_PKG_VERSION"));
                let answer = InitializeResponse::new(hello.protocol_version).agent_info(info);
                responder.respond(answer.agent_capabilities(AgentCapabilities::new()))
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_request(
            async move |new: NewSessionRequest, responder, _cx| {
                responder.respond(NewSessionResponse::new(opening.open(new.cwd)))
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_request(
            async move |prompt: PromptRequest, responder, cx: ConnectionTo<Client>| {
                let turn = turn(prompting.clone(), prompt, responder, cx.clone());
                cx.spawn(turn)
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_notification(
            async move |cancel: CancelNotification, _cx| {
                if let Some(session) = cancelling.find(&cancel.session_id) {
                    session.cancel.notify_one();
                }
                Ok(())
            },
            agent_client_protocol::on_receive_notification!(),
        )
        .connect_to(ByteStreams::new(output.compat_write(), input.compat()))
        .await
}

struct Room {
    pause: Duration,
    sessions: Mutex<HashMap<SessionId, Arc<Session>>>,
}

struct Session {
    folder: PathBuf,
    cancel: Notify,
}

impl Room {
    fn open(&self, folder: PathBuf) -> SessionId {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let id = SessionId::new(format!("practice-{}", sessions.len() + 1));
        sessions.insert(id.clone(), Arc::new(Session { folder, cancel: Notify::new() }));
        id
    }

    fn find(&self, id: &SessionId) -> Option<Arc<Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

async fn turn(
    room: Arc<Room>,
    prompt: PromptRequest,
    responder: Responder<PromptResponse>,
    cx: ConnectionTo<Client>,
) -> Result<(), Error> {
    let Some(session) = room.find(&prompt.session_id) else {
        return responder.respond_with_error(Error::invalid_params());
    };
    let telling = Telling { cx, session: prompt.session_id.clone() };
    let words = text_of(&prompt);
    let working = work_on(&telling, &session.folder, &words, room.pause);
    let done = tokio::select! {
        done = working => done,
        () = session.cancel.notified() => return responder.respond(PromptResponse::new(StopReason::Cancelled)),
    };
    match done {
        Ok(()) => responder.respond(PromptResponse::new(StopReason::EndTurn)),
        Err(error) => responder.respond_with_error(Error::new(-32603, error.to_string())),
    }
}

async fn work_on(
    telling: &Telling,
    folder: &std::path::Path,
    prompt: &str,
    pause: Duration,
) -> Result<(), work::Error> {
    let request = brief::task(prompt);
    let site = work::Site::open(folder)?;
    let changes = words::understand(&request, &site.page);
    telling.say("I am the practice agent: no model and no account, only simple rules.\n")?;
    telling.say(&format!("I will {}.\n", work::plan_in_words(&changes)))?;
    let steps = site.steps(&changes);
    for (number, step) in steps.iter().enumerate() {
        if number > 0 {
            tokio::time::sleep(pause).await;
        }
        telling.step(number, step)?;
    }
    telling.say("Done. A real agent can do much more: sign one in to see.\n")?;
    Ok(())
}

fn text_of(prompt: &PromptRequest) -> String {
    let text = |block: &ContentBlock| match block {
        ContentBlock::Text(text) => Some(text.text.clone()),
        _ => None,
    };
    prompt.prompt.iter().filter_map(text).collect::<Vec<_>>().join("\n")
}

/// What the client hears.
struct Telling {
    cx: ConnectionTo<Client>,
    session: SessionId,
}

impl Telling {
    fn say(&self, text: &str) -> Result<(), Error> {
        self.tell(SessionUpdate::AgentMessageChunk(ContentChunk::new(ContentBlock::Text(TextContent::new(
            text,
        )))))
    }

    /// Writes one step's files and says so before and after.
    fn step(&self, number: usize, step: &Step) -> Result<(), work::Error> {
        let id = format!("step-{}", number + 1);
        let call = ToolCall::new(id.clone(), step.title.clone())
            .kind(ToolKind::Edit)
            .status(ToolCallStatus::InProgress);
        self.tell(SessionUpdate::ToolCall(call))?;
        let written = step.write();
        let status = if written.is_ok() { ToolCallStatus::Completed } else { ToolCallStatus::Failed };
        let fields = ToolCallUpdateFields::new().status(status);
        self.tell(SessionUpdate::ToolCallUpdate(ToolCallUpdate::new(id, fields)))?;
        written
    }

    fn tell(&self, update: SessionUpdate) -> Result<(), Error> {
        self.cx.send_notification(SessionNotification::new(self.session.clone(), update))
    }
}
