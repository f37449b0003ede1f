//! Opening a session: who is there, a session of its own or an earlier one, the tool servers, the mode, a name.

use super::talk::{Line, Remark, Topic};
use agent_client_protocol::schema::ProtocolVersion;
use agent_client_protocol::v1::ConnectionTo;
use agent_client_protocol::v1::schema::{
    ClientCapabilities, ElicitationCapabilities, ElicitationFormCapabilities, HttpHeader, Implementation,
    InitializeRequest, InitializeResponse, LoadSessionRequest, McpServer, McpServerHttp, Meta,
    NewSessionRequest, ResumeSessionRequest, SessionId, SetSessionModeRequest,
};
use agent_client_protocol::{Agent, Error, UntypedMessage};

use crate::profile::Resumes;

pub(super) async fn open(cx: &ConnectionTo<Agent>, topic: &Topic, line: &Line) -> Result<SessionId, Error> {
    let answer = cx.send_request(hello()).block_task().await?;
    if let Some(info) = &answer.agent_info {
        line.tell(Remark::Say(format!("{} {} answers", info.name, info.version)));
    }
    let servers = tool_servers(topic, &answer, line);
    let session = match earlier(cx, topic, &answer, line, &servers).await {
        Some(session) => session,
        None => {
            let new = NewSessionRequest::new(topic.worktree.clone()).mcp_servers(servers).meta(meta(topic));
            cx.send_request(new).block_task().await?.session_id
        }
    };
    if let Some(mode) = topic.mode {
        let set = SetSessionModeRequest::new(session.clone(), mode);
        if let Err(error) = cx.send_request(set).block_task().await {
            // It will ask for each permission instead.
            line.tell(Remark::Say(format!("it does not take the mode {mode}: {}", error.message)));
        }
    }
    if topic.profile.named_by_us {
        name(cx, topic, &session).await;
    }
    Ok(session)
}

/// No file system and no terminal of ours are offered: the agent is on this machine and uses its own.
fn hello() -> InitializeRequest {
    let asks = ElicitationCapabilities::new().form(ElicitationFormCapabilities::new());
    InitializeRequest::new(ProtocolVersion::V1)
        .client_capabilities(ClientCapabilities::new().elicitation(asks))
        .client_info(Implementation::new("loopwright", env!("CARGO_PKG_VERSION")))
}

fn tool_servers(topic: &Topic, agent: &InitializeResponse, line: &Line) -> Vec<McpServer> {
    if !topic.mcp.is_empty() && !agent.agent_capabilities.mcp_capabilities.http {
        line.tell(Remark::Say("it cannot use tool servers over HTTP, and goes on without them".to_owned()));
        return Vec::new();
    }
    let server = |server: &crate::McpServer| {
        let headers = server.headers.iter().map(|(name, value)| HttpHeader::new(name, value)).collect();
        McpServer::Http(McpServerHttp::new(&server.name, &server.url).headers(headers))
    };
    topic.mcp.iter().map(server).collect()
}

/// The session to go on with, if there is to be one and it still is.
async fn earlier(
    cx: &ConnectionTo<Agent>,
    topic: &Topic,
    agent: &InitializeResponse,
    line: &Line,
    servers: &[McpServer],
) -> Option<SessionId> {
    let id = SessionId::new(topic.resume.clone()?);
    let can = &agent.agent_capabilities;
    let quietly = topic.profile.resumes == Resumes::Quietly && can.session_capabilities.resume.is_some();
    let (cwd, servers) = (topic.worktree.clone(), servers.to_vec());
    let done = if quietly {
        let resume = ResumeSessionRequest::new(id.clone(), cwd).mcp_servers(servers).meta(meta(topic));
        cx.send_request(resume).block_task().await.map(drop)
    } else if topic.profile.resumes != Resumes::No && can.load_session {
        line.tell(Remark::Replaying);
        let load = LoadSessionRequest::new(id.clone(), cwd).mcp_servers(servers).meta(meta(topic));
        cx.send_request(load).block_task().await.map(drop)
    } else {
        Err(Error::new(-32601, "it cannot go on with a session"))
    };
    match done {
        Ok(()) => {
            line.tell(Remark::Say("it goes on with its earlier session".to_owned()));
            line.tell(Remark::Resumed);
            Some(id)
        }
        Err(error) => {
            let why = error.message;
            line.tell(Remark::Say(format!("its earlier session is gone, and a new one begins: {why}")));
            None
        }
    }
}

fn meta(topic: &Topic) -> Option<Meta> {
    let mut meta: serde_json::Value = serde_json::from_str(topic.profile.session_meta?).ok()?;
    fill_in(&mut meta, &topic.name);
    serde_json::from_value(meta).ok()
}

fn fill_in(value: &mut serde_json::Value, name: &str) {
    match value {
        serde_json::Value::String(text) if text == "{name}" => name.clone_into(text),
        serde_json::Value::Object(fields) => fields.values_mut().for_each(|field| fill_in(field, name)),
        _ => {}
    }
}

async fn name(cx: &ConnectionTo<Agent>, topic: &Topic, session: &SessionId) {
    let named = serde_json::json!({ "sessionId": session, "title": topic.name });
    if let Ok(request) = UntypedMessage::new("session/set_title", named) {
        // Without it the session has the name that it gives itself.
        let _ = cx.send_request(request).block_task().await;
    }
}
