//! How each row and word of the protocol is read. The compiler refuses a field or a variant that is not here; the tests
//! hold the words to what the daemon writes.

use super::json::{rows, tagged, words};
use protocol::fact::*;
use protocol::view::*;
use protocol::{ApiError, Code};

rows! {
    ApiError { code, message, next }
    Hello { daemon, api, journal, head, host, local }
    Home { hello, projects, active, requests, current, agents, disk_full }
    ProjectRow { project, name, starter, active, created, url }
    RequestRow { request, project, channel, created, text, status, head }
    RequestView {
        row, stages, now, sources, recalled, tasks, attempts, deployment, url, preview, steering
    }
    StageView { stage, started, ended, says, stumbled }
    SourceRead { path, hash, bytes }
    Recalled { note, score, why }
    TaskView { task, number, title, text, agents, status, now, judged }
    RaceJudged { request, task, winner, judge, ranking, why }
    Ranked { attempt, passed, diff, duration_ms }
    AttemptView {
        attempt, task, number, agent, practice, why, goes_on, started, version, asked, finished, cost, brief, parts,
        checkpoints, checks, diagnosis, landed
    }
    AskView { ask, ask_kind, question, options, at }
    AskOption { id, label }
    AttemptFinished {
        request, attempt, end, commit, diff, model, usage, duration_ms, session, unknown_events
    }
    AttemptDiagnosed { request, attempt, what, summary, lines, next }
    BriefPart { part, source, tokens, cut }
    BlobRef { blob, bytes }
    CheckpointView { attempt, number, at, commit, diff, says, screenshot }
    CheckView { check, log, duration_ms; flat result }
    DiffStat { files, added, removed }
    Usage { input, cache_read, cache_write, output, reasoning, requests, cost_usd, models, raw }
    ModelUsage { model, requests, input, cache_read, cache_write, output, reasoning }
    Cost { usd, basis, as_of, paid }
    DeploymentRow {
        deployment, request, project, text, outcome, rating, created, step, commit, release, url, duration_ms, attempts,
        agent, practice, model, usage, by_agent, cost, summary
    }
    AgentShare { agent, attempts, model, usage }
    ReleaseRow { release, project, commit, at, live, kept }
    StepRow { step, project, number, title, text, at, request, commit, errors }
    NoteRow {
        note, project, note_kind, title, text, source, request, agent, at, confidence, superseded_by, tokens, score, why
    }
    RecalledView { rows, entities, relations, tokens, of_tokens, model }
    EntityRow { name, kind, description, notes }
    RelationRow { source, target, kind, description, weight, notes }
    PushedNote { note, superseded }
    NoteView { row, supersedes, entities, recalled_by, readings }
    RecalledBy { request, attempt, at, score, why }
    ReadingRow { by, at, usage, why }
    KnewRow { note, title, note_kind, via, score, why }
    MemoryView {
        notes, superseded, entities, relations, tokens, bytes, model, models, enrichment, address, address_why, elsewhere,
        meter
    }
    ModelView { name, dim, waiting, says, failed }
    ModelChoice { name, what, fetch_bytes, disk_bytes, here }
    EnrichmentView { by, waiting, used, budget, failed }
    MeterRow { request, at, tokens, of_tokens }
    GraphView { nodes, edges, of }
    GraphNode { name, kind, degree, notes, first, last }
    GraphEdge { a, b, kind, weight }
    AgentRow { agent, title, readiness, probed, runs, live, now }
    AgentNow { ladder, pinned, ways, sign_in, job, account, running, cap, bridge }
    RungRow { rung, proven, at, how }
    SignInWay { way, title, says, way_kind, fields }
    KeyField { name, title, secret, optional, default }
    SignInView { way, started, state, screen }
    AccountView { paid, way, set, fields }
    AgentJob { what, started, says, state }
    BridgeView { url, up, says }
    InstructionRow { path, purpose, bytes, commit, at }
    InstructionEdit { commit, at, says }
    TranscriptLine { seq, at, kind, text }
    DoctorRow { what, health, says, next }
}

words! {
    Code {
        "bad_input" BadInput, "not_found" NotFound, "conflict" Conflict, "signed_out" SignedOut, "disk_full" DiskFull,
        "busy" Busy, "version" Version, "internal" Internal,
    }
    Channel {
        "dashboard" Dashboard, "desktop" Desktop, "command_line" CommandLine, "telegram" Telegram, "mcp" Mcp,
    }
    Stage {
        "request" Request, "wake" Wake, "choose" Choose, "brief" Brief, "code" Code, "deploy" Deploy, "record" Record,
    }
    CheckKind { "gate" Gate, "build" Build, "test" Test, "health" Health }
    Outcome { "live" Live, "partly" Partly, "failed" Failed, "cancelled" Cancelled }
    Judge { "checks" Checks, "you" You }
    AskKind { "question" Question, "permission" Permission }
    CostBasis { "reported" Reported, "list_price" ListPrice, "unknown" Unknown }
    Paid { "subscription" Subscription, "key" Key, "own_endpoint" OwnEndpoint }
    Rung { "installed" Installed, "credentials" Credentials, "accepted" Accepted, "worked" Worked }
    Proven { "yes" Yes, "no" No, "unknown" Unknown }
    WayKind { "login" Login, "key" Key, "gone" Gone }
    NoteKind {
        "decision" Decision, "step" Step, "deployment" Deployment, "failure" Failure, "glossary" Glossary,
        "document" Document, "preference" Preference,
    }
    LineKind {
        "text" Text, "thought" Thought, "tool" Tool, "plan" Plan, "daemon" Daemon, "raw" Raw, "stderr" Stderr,
    }
    KnewVia { "brief" Brief, "asked" Asked }
    Health { "good" Good, "warning" Warning, "bad" Bad }
}

tagged! {
    Status by "status" {
        "queued" Queued {}, "running" Running { stage }, "waiting" Waiting { waiting }, "cancelling" Cancelling {},
        "closed" Closed { outcome, why },
    }
    TaskStatus by "status" {
        "queued" Queued {}, "running" Running { stage }, "waiting" Waiting { waiting }, "landed" Landed { commit },
        "given_up" GivenUp { why }, "cancelled" Cancelled {},
    }
    Waiting by "on" { "you" You { question }, "quota" Quota { agent, until }, "agent" Agent { reason } }
    CheckResult by "result" { "passed" Passed {}, "failed" Failed { summary, lines } }
    Readiness by "state" {
        "missing" Missing { next }, "signed_out" SignedOut { version, next },
        "stale" Stale { version, reason, next }, "signed_in" SignedIn { version },
        "refused" Refused { version, at, reason, next }, "worked" Worked { version, at },
        "quota_gone" QuotaGone { version, until }, "busy" Busy { version }, "broken" Broken { reason, next },
        "practice" Practice {},
    }
    SignInState by "is" {
        "starting" Starting {}, "yours" Yours { url, code, asks, callback, expires }, "working" Working {},
        "done" Done { says }, "failed" Failed { reason, next },
    }
    JobState by "is" { "running" Running {}, "done" Done { says }, "failed" Failed { reason, next } }
    AttemptEnd by "end" {
        "turn_ended" TurnEnded {}, "cancelled" Cancelled {}, "silent" Silent { ms }, "too_long" TooLong { ms },
        "quota_gone" QuotaGone { until }, "signed_out" SignedOut { reason }, "asked" Asked { question },
        "stuck" Stuck { what }, "over_limit" OverLimit { what }, "handed_over" HandedOver {},
        "failed" Failed { reason }, "lost" Lost {},
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::json::{FromJson, parse, whole};
    use super::*;
    use crate::words::sample;
    use protocol::At;
    use serde::Serialize;
    use serde::de::DeserializeOwned;
    use std::fmt::Debug;

    pub trait Every: Sized {
        fn every() -> Vec<Self>;
    }

    fn same<T: FromJson + Serialize + DeserializeOwned + PartialEq + Debug>(
        all: impl IntoIterator<Item = T>,
    ) {
        for one in all {
            let written = serde_json::to_string(&one).unwrap();
            assert_eq!(whole::<T>(&parse(&written).unwrap()).unwrap(), one, "{written}");
        }
    }

    #[test]
    fn every_word_is_read_as_the_daemon_writes_it() {
        macro_rules! every { ($($kind:ident)+) => {$( same($kind::every()); )+}; }
        every!(Code Channel Stage CheckKind Outcome Judge AskKind CostBasis Paid Rung Proven WayKind NoteKind LineKind KnewVia Health);
    }

    #[test]
    fn every_state_is_read_as_the_daemon_writes_it() {
        let text = || "x".to_owned();
        let until = Some(At(5));
        let waits = [
            Waiting::You { question: text() },
            Waiting::Quota { agent: sample::id("a"), until },
            Waiting::Agent { reason: text() },
        ];
        same(waits.clone());
        same([Status::Queued, Status::Cancelling, Status::Running { stage: Stage::Wake }]);
        same(waits.clone().map(|waiting| Status::Waiting { waiting }));
        same([Status::Closed { outcome: Outcome::Partly, why: text() }]);
        same([TaskStatus::Queued, TaskStatus::Running { stage: Stage::Code }, TaskStatus::Cancelled]);
        same(waits.map(|waiting| TaskStatus::Waiting { waiting }));
        same([TaskStatus::Landed { commit: sample::id("c") }, TaskStatus::GivenUp { why: text() }]);
        same([CheckResult::Passed, CheckResult::Failed { summary: text(), lines: vec![text()] }]);
        same(sample::states());
        same(sample::sign_ins());
        same([
            JobState::Running,
            JobState::Done { says: text() },
            JobState::Failed { reason: text(), next: text() },
        ]);
        same(sample::ends());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |text: &str| whole::<DiffStat>(&parse(text).unwrap()).unwrap_err().to_string();
        assert_eq!(wrong(r#"{"files":1,"added":-1,"removed":0}"#), "added is not a whole number");
        assert_eq!(wrong(r#"{"files":1,"removed":0}"#), "added is not a whole number");
        assert_eq!(wrong("[]"), "files is not a whole number");
    }
}
