//! The tools as clients see them: names, what they take and what they give. The shapes are told to clients as JSON schemas,
//! so a field's comment is written for whoever reads those: mostly a model.

use super::schema::of;
use rmcp::model::{Tool as Told, ToolAnnotations};
use rmcp::schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// The longest wait. Clients give up on a call after about a minute.
pub const MOST_WAIT_S: u64 = 45;

/// One tool of a bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    RunTask,
    WaitRun,
    RunStatus,
    AnswerRun,
    CancelRun,
    RunResult,
    AgentStatus,
}

impl Tool {
    const ALL: [(Tool, &str); 7] = [
        (Tool::RunTask, "run_task"),
        (Tool::WaitRun, "wait_run"),
        (Tool::RunStatus, "run_status"),
        (Tool::AnswerRun, "answer_run"),
        (Tool::CancelRun, "cancel_run"),
        (Tool::RunResult, "run_result"),
        (Tool::AgentStatus, "agent_status"),
    ];

    pub fn named(name: &str) -> Option<Tool> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(tool, _)| *tool)
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub struct RunTask {
    /// What to build or change, in plain words.
    pub task: String,
    /// Id of the project; the active one if left out.
    #[serde(default)]
    pub project: Option<String>,
    /// Any text of yours. The same key again gives the same run instead of a second one.
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub struct OneRun {
    pub run_id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(crate = "rmcp::schemars")]
pub enum Until {
    /// As soon as anything happens.
    #[default]
    Event,
    /// Only when the run has ended or needs an answer.
    End,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub struct WaitRun {
    pub run_id: String,
    /// `next_seq` of the answer before; 0 or left out: from the run's beginning.
    #[serde(default)]
    pub after_seq: u64,
    /// Seconds to wait at most, up to 45 (the default).
    #[serde(default)]
    #[schemars(range(max = 45))]
    pub max_wait_s: Option<u64>,
    /// What to wait for; `event` if left out.
    #[serde(default)]
    pub until: Until,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub struct AnswerRun {
    pub run_id: String,
    /// Which question: `ask` of the run's status. May be left out if there is only one.
    #[serde(default)]
    pub ask: Option<String>,
    /// Id of one of the question's options.
    #[serde(default)]
    pub option: Option<String>,
    /// The answer in words.
    #[serde(default)]
    pub text: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub struct CancelRun {
    pub run_id: String,
    /// Why, for the daemon's log.
    #[serde(default)]
    pub reason: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub struct Nothing {}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(crate = "rmcp::schemars")]
pub enum RunState {
    Queued,
    Working,
    /// The agent asks something: see `asks` of the run's status, then `answer_run`.
    NeedsAnswer,
    /// It waits for something that is not yours to answer here, such as a quota or an agent; `now` says what.
    Waiting,
    Cancelling,
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(crate = "rmcp::schemars")]
pub enum RunOutcome {
    /// All checks passed and the release is live.
    Live,
    /// Some of its parts are live.
    Partly,
    Failed,
    Cancelled,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct RunStarted {
    pub run_id: String,
    pub state: RunState,
    /// False: this key was used before, and this is that run. Null in the result of a Task.
    pub new: Option<bool>,
    /// What it came to, where it has ended.
    pub result: Option<RunEnded>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct RunEvent {
    pub seq: u64,
    /// RFC 3339, UTC.
    pub at: String,
    pub kind: String,
    pub says: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct RunWaited {
    pub run_id: String,
    pub state: RunState,
    /// What happens now, and why; or how it ended.
    pub now: String,
    /// Oldest first.
    pub events: Vec<RunEvent>,
    /// Give this as `after_seq` next time.
    pub next_seq: u64,
    /// There are more events already: ask again at once.
    pub more: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct AskChoice {
    pub id: String,
    pub label: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct RunAsk {
    pub ask: String,
    /// `question` (wants words) or `permission` (wants one of the options).
    pub kind: String,
    pub question: String,
    pub options: Vec<AskChoice>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct RunNow {
    pub run_id: String,
    pub project: String,
    pub state: RunState,
    pub outcome: Option<RunOutcome>,
    /// Stage of the loop while it works.
    pub stage: Option<String>,
    /// What happens now, and why; or how it ended.
    pub now: String,
    /// What agents want to know now.
    pub asks: Vec<RunAsk>,
    pub attempts: u32,
    /// Address of the site, once it is live.
    pub url: Option<String>,
    /// Address of the preview of the work in progress.
    pub preview: Option<String>,
    pub next_seq: u64,
    /// Whether it may be answered and cancelled here: only what was started over MCP may.
    pub yours: bool,
}

/// Null means not reported, which is not zero.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct RunTokens {
    /// Input that was not served from a cache.
    pub input: Option<u64>,
    pub cache_read: Option<u64>,
    pub cache_write: Option<u64>,
    pub output: Option<u64>,
    pub reasoning: Option<u64>,
    /// Calls of the model.
    pub requests: Option<u64>,
}

#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct RunCost {
    pub usd: Option<f64>,
    /// `reported`, `list_price` or `unknown`.
    pub basis: String,
    /// Day of the price list.
    pub as_of: Option<String>,
    /// `subscription`, `key` or `own_endpoint`.
    pub paid: Option<String>,
}

#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct RunDiff {
    pub files: u32,
    pub added: u32,
    pub removed: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct RunEnded {
    pub run_id: String,
    pub outcome: RunOutcome,
    pub summary: String,
    pub commit: Option<String>,
    /// Of what landed.
    pub diffstat: Option<RunDiff>,
    pub url: Option<String>,
    /// Agent of the last attempt; it can be another one than was asked for.
    pub agent: Option<String>,
    pub model: Option<String>,
    pub attempts: u32,
    /// Waiting included.
    pub duration_ms: u64,
    pub tokens: RunTokens,
    pub cost: RunCost,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct RunChanged {
    pub run_id: String,
    pub state: RunState,
    pub now: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct Rung {
    /// `installed`, `credentials`, `accepted`, `worked`: the lowest first.
    pub rung: String,
    /// `yes`, `no` or `unknown`.
    pub proven: String,
    pub at: Option<String>,
    pub how: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct AgentNow {
    pub agent: String,
    pub title: String,
    /// Whether work may be given to it now. That this server answers does not mean that the agent is signed in.
    pub ready: bool,
    /// Such as `missing`, `signed_out`, `signed_in`, `worked`, `quota_gone`.
    pub state: String,
    pub version: Option<String>,
    /// Why it is so.
    pub reason: Option<String>,
    /// What to do about it.
    pub next: Option<String>,
    pub until: Option<String>,
    /// When it was looked at.
    pub probed: Option<String>,
    pub ladder: Vec<Rung>,
    /// Runs so far, and how many of them ended live.
    pub runs: u32,
    pub live: u32,
}

/// Made at the first question, once for all bridges.
pub fn all() -> &'static [Told] {
    static TOLD: LazyLock<Vec<Told>> = LazyLock::new(|| Tool::ALL.iter().map(told).collect());
    &TOLD
}

fn told((tool, name): &(Tool, &'static str)) -> Told {
    let reads = ToolAnnotations::new().read_only(true).open_world(false);
    let does = ToolAnnotations::new().read_only(false).destructive(false).open_world(false);
    match tool {
        Tool::RunTask => of::<RunTask, RunStarted>(
            name,
            "Gives this agent a task. Returns at once with a run_id: then use wait_run. The work is tested and put \
             online before the run ends as live. It goes on without you and survives a restart.",
            does.open_world(true).idempotent(false),
        ),
        Tool::WaitRun => of::<WaitRun, RunWaited>(
            name,
            "Waits for a run, at most 45 seconds, and gives what happened since after_seq. With until=end it returns \
             only when the run has ended or needs an answer, or when the time is over: then call it again.",
            reads,
        ),
        Tool::RunStatus => of::<OneRun, RunNow>(name, "Where a run stands, and what its agent asks.", reads),
        Tool::AnswerRun => of::<AnswerRun, RunChanged>(
            name,
            "Answers a question of a run that was started over MCP: one of its options, or words.",
            does,
        ),
        Tool::CancelRun => of::<CancelRun, RunChanged>(
            name,
            "Cancels a run that was started over MCP. What is live stays live.",
            does.destructive(true).idempotent(true),
        ),
        Tool::RunResult => of::<OneRun, RunEnded>(
            name,
            "What a run that has ended came to: outcome, commit, address, tokens and cost.",
            reads,
        ),
        Tool::AgentStatus => of::<Nothing, AgentNow>(
            name,
            "Whether this agent can work: installed, signed in, worked, quota. This server being up says nothing of it.",
            reads,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_says_what_it_takes_and_gives() {
        assert_eq!(all().len(), Tool::ALL.len());
        for told in all() {
            assert!(Tool::named(&told.name).is_some());
            assert_eq!(told.input_schema["type"], "object", "{}", told.name);
            assert_eq!(told.input_schema["additionalProperties"], false, "{}", told.name);
            assert_eq!(told.output_schema.as_ref().unwrap()["type"], "object", "{}", told.name);
        }
        // What a client's model pays for being able to call them, in bytes: about four to a token.
        let inputs = all().iter().map(|told| (&told.name, &told.description, &told.input_schema));
        assert!(serde_json::to_vec(&inputs.collect::<Vec<_>>()).unwrap().len() < 5_000);
    }
}
