//! One bridge as an MCP server: its address, its doors, and which tool leads where.

use super::tools::{self, Nothing, OneRun, Tool};
use super::{door, memory, run, tasks, wait};
use crate::context::Daemon;
use axum::Router;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response as HttpResponse;
use protocol::{AgentId, ApiError, Code};
use rmcp::model::*;
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

pub fn address(port: u16) -> String {
    format!("http://127.0.0.1:{port}/mcp")
}

/// Where an agent at work asks its project's memory.
pub fn memory_address(port: u16) -> String {
    format!("http://127.0.0.1:{port}/memory")
}

pub fn router(daemon: Arc<Daemon>, agent: AgentId, port: u16) -> Router {
    let (for_bridge, for_attempts, for_people) = (daemon.clone(), daemon.clone(), daemon.clone());
    let bridge = service(&daemon, move || Bridge { daemon: for_bridge.clone(), agent: agent.clone() });
    let attempts = service(&daemon, move || memory::Attempt { daemon: for_attempts.clone() });
    let people = service(&daemon, move || memory::People { daemon: for_people.clone() });
    let with_token = from_fn_with_state(daemon.clone(), door::with_token);
    let with_attempt = from_fn_with_state(daemon, door::with_attempt);
    Router::new()
        .merge(
            Router::new()
                .route_service("/mcp", bridge)
                .route_service("/notes", people)
                .route_layer(with_token),
        )
        .merge(Router::new().route_service("/memory", attempts).route_layer(with_attempt))
        .layer(from_fn_with_state(port, door::from_here))
        .layer(map_response(private))
}

/// Answers are of one moment and for one client.
async fn private(mut response: HttpResponse) -> HttpResponse {
    let never = axum::http::HeaderValue::from_static("no-store");
    response.headers_mut().entry(axum::http::header::CACHE_CONTROL).or_insert(never);
    response
}

/// Without sessions: each call stands for itself, so there is nothing to bound, to let expire, or to lose at a restart.
fn service<S: ServerHandler>(
    daemon: &Daemon,
    make: impl Fn() -> S + Send + Sync + 'static,
) -> StreamableHttpService<S, NeverSessionManager> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_cancellation_token(daemon.stop.child_token());
    StreamableHttpService::new(move || Ok(make()), Arc::default(), config)
}

/// The bridge to one agent.
struct Bridge {
    daemon: Arc<Daemon>,
    agent: AgentId,
}

impl ServerHandler for Bridge {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_tasks().build();
        let mut info = ServerConfig::new(capabilities);
        info.server_info =
            Implementation::new(format!("loopwright-{}", self.agent), env!("CARGO_PKG_VERSION"));
        info.instructions = Some(
            "Gives work on the user's web apps to one coding agent. run_task starts a run and returns at once; \
             wait_run with until=end waits for it, 45 seconds at a time; run_result tells what it came to."
                .into(),
        );
        info
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::all().to_vec()))
    }

    fn get_tool(&self, name: &str) -> Option<rmcp::model::Tool> {
        tools::all().iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = Tool::named(&request.name) else { return Err(no_tool(&request.name)) };
        let given = request.arguments.unwrap_or_default();
        if tool == Tool::RunTask && context.client_capabilities().is_some_and(|can| can.supports_tasks()) {
            return Ok(match self.begin_task(given).await {
                Ok(task) => task.into(),
                Err(e) => failed(&e).into(),
            });
        }
        Ok(self.call(tool, given, &context).await.unwrap_or_else(|e| failed(&e)).into())
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        let answers = context.client_capabilities().is_some_and(|can| can.elicitation.is_some());
        tasks::get(&self.daemon, &self.agent, &request.task_id, answers).await
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        tasks::update(&self.daemon, &self.agent, &request.task_id, request.input_responses).await
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        tasks::cancel(&self.daemon, &self.agent, &request.task_id).await
    }
}

impl Bridge {
    async fn call(
        &self,
        tool: Tool,
        given: JsonObject,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ApiError> {
        let (daemon, agent) = (&self.daemon, &self.agent);
        Ok(match tool {
            Tool::RunTask => told(&run::start(daemon, agent, read(given)?).await?),
            Tool::WaitRun => told(&wait::wait(daemon, agent, read(given)?, context).await?),
            Tool::RunStatus => {
                let OneRun { run_id } = read(given)?;
                told(&run::find(daemon, agent, &run_id).await?.now())
            }
            Tool::AnswerRun => told(&run::reply(daemon, agent, read(given)?).await?),
            Tool::CancelRun => told(&run::cancel(daemon, agent, read(given)?).await?),
            Tool::RunResult => {
                let OneRun { run_id } = read(given)?;
                told(&run::find(daemon, agent, &run_id).await?.ended()?)
            }
            Tool::AgentStatus => {
                let Nothing {} = read(given)?;
                told(&run::agent(daemon, agent).await?)
            }
        })
    }

    async fn begin_task(&self, given: JsonObject) -> Result<CreateTaskResult, ApiError> {
        let started = run::start(&self.daemon, &self.agent, read(given)?).await?;
        tasks::handle(&self.daemon, &self.agent, &started.run_id).await
    }
}

pub(super) fn no_tool(name: &str) -> ErrorData {
    let name = protocol::clean::line(name, 80);
    ErrorData::invalid_params(format!("there is no tool {name:?} (see tools/list)"), None)
}

/// A tool's arguments. What is wrong with them is a tool's error, since a model can mend it.
pub(super) fn read<T: DeserializeOwned>(given: JsonObject) -> Result<T, ApiError> {
    serde_json::from_value(serde_json::Value::Object(given)).map_err(|e| {
        ApiError::new(Code::BadInput, format!("the arguments are wrong: {e}"))
            .next("see the tool's input schema")
    })
}

pub(super) fn told(value: &impl Serialize) -> CallToolResult {
    match serde_json::to_value(value) {
        Ok(value) => CallToolResult::structured(value),
        Err(e) => {
            CallToolResult::error(vec![ContentBlock::text(format!("the answer cannot be written: {e}"))])
        }
    }
}

/// What went wrong, with its code and the next step. Not structured: that shape is for answers.
pub(super) fn failed(e: &ApiError) -> CallToolResult {
    let next = e.next.as_deref().map(|next| format!("\nnext: {next}")).unwrap_or_default();
    let code = run::word(&e.code);
    CallToolResult::error(vec![ContentBlock::text(format!("{code}: {}{next}", e.message))])
}
