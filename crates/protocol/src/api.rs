//! What may be asked of the daemon, and what it answers. One pair of enums, so that every face (unix socket, dashboard,
//! desktop, command line) is an exhaustive match over the same list.
//!
//! On the wire: `POST /api/request` with a [`Request`] as JSON; 200 with a [`Response`], else an
//! [`ApiError`](crate::ApiError) with a fitting HTTP status. `GET /api/head` is a server-sent event stream that
//! carries only the number of the newest entry. `GET /api/blob/ID` gives a blob's bytes.

use crate::At;
use crate::fact::{Channel, Entry, NoteKind};
use crate::id::*;
use crate::note::{GraphEdit, RecallMode};
use crate::setup::Certificate;
use crate::view::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Request {
    /// Who are you? Answered by [`Response::Hello`].
    Hello,
    /// Everything that the home screen shows, in one read.
    Home,
    /// A request in plain words. The same `client` again answers with the same request.
    Ask {
        client: ClientId,
        text: String,
        #[serde(default)]
        project: Option<ProjectId>,
        #[serde(default)]
        agent: Option<AgentId>,
        /// Two or three agents that make it at the same time; the best one lands.
        #[serde(default)]
        race: Vec<AgentId>,
        /// Parts that are done at the same time. `text` then says what is common to them.
        #[serde(default)]
        parts: Vec<Part>,
        #[serde(default)]
        step: Option<StepId>,
        channel: Channel,
    },
    /// Newest first.
    Requests {
        #[serde(default)]
        project: Option<ProjectId>,
        #[serde(default)]
        limit: Option<u32>,
    },
    /// One request, whole.
    Show {
        request: RequestId,
    },
    Cancel {
        request: RequestId,
    },
    Steer {
        request: RequestId,
        text: String,
    },
    /// Stop waiting and look again (an agent was signed in, for example).
    Retry {
        request: RequestId,
    },
    /// To an agent that asked: one of its options, or words.
    Answer {
        request: RequestId,
        attempt: AttemptId,
        /// Which question: its [`AskView::ask`].
        asked: String,
        #[serde(default)]
        option: Option<String>,
        #[serde(default)]
        text: Option<String>,
    },
    /// Another agent goes on with this attempt's work, in its worktree.
    HandOver {
        request: RequestId,
        attempt: AttemptId,
        #[serde(default)]
        to: Option<AgentId>,
    },
    /// Takes this attempt of a race.
    Pick {
        request: RequestId,
        attempt: AttemptId,
    },
    Journal {
        #[serde(default)]
        after: u64,
        #[serde(default)]
        limit: Option<u32>,
    },
    VerifyJournal,
    /// The Product Loop table, newest first.
    Deployments {
        #[serde(default)]
        project: Option<ProjectId>,
        /// Words that must occur in a row.
        #[serde(default)]
        filter: Option<String>,
        #[serde(default)]
        limit: Option<u32>,
    },
    Rate {
        deployment: DeploymentId,
        rating: u8,
    },
    /// Starts an earlier release again and switches to it. Without a release: the one before the live one.
    Rollback {
        #[serde(default)]
        project: Option<ProjectId>,
        #[serde(default)]
        release: Option<ReleaseId>,
    },
    Releases {
        #[serde(default)]
        project: Option<ProjectId>,
    },
    Steps {
        #[serde(default)]
        project: Option<ProjectId>,
    },
    PlanStep {
        #[serde(default)]
        project: Option<ProjectId>,
        title: String,
        text: String,
    },
    DropStep {
        step: StepId,
    },
    /// Newest first. Superseded ones only with `superseded`.
    Notes {
        #[serde(default)]
        project: Option<ProjectId>,
        #[serde(default)]
        limit: Option<u32>,
        #[serde(default)]
        superseded: bool,
    },
    Recall(Box<RecallAsk>),
    Push {
        #[serde(default)]
        project: Option<ProjectId>,
        #[serde(flatten)]
        note: NewNote,
    },
    /// Up to 100 notes in one transaction.
    PushMany {
        #[serde(default)]
        project: Option<ProjectId>,
        notes: Vec<NewNote>,
    },
    /// `by` says it better than `note`.
    Supersede {
        note: NoteId,
        by: NoteId,
    },
    Forget {
        note: NoteId,
    },
    /// One note with where it comes from and who recalled it.
    Note {
        note: NoteId,
    },
    /// How the memory stands: sizes, model, enrichment, what recalls cost.
    Memory {
        #[serde(default)]
        project: Option<ProjectId>,
    },
    /// The graph, or what is around one entity.
    Graph(Box<GraphAsk>),
    /// The shortest way from one entity to another.
    GraphPath {
        #[serde(default)]
        project: Option<ProjectId>,
        from: String,
        to: String,
    },
    EditGraph {
        #[serde(default)]
        project: Option<ProjectId>,
        edits: Vec<GraphEdit>,
    },
    /// What an attempt was told of the memory: in its brief, and when it asked.
    Knew {
        attempt: AttemptId,
    },
    /// Fetches an embedding model and uses it; `none` goes back to words alone. Goes on in the background, shown in
    /// [`MemoryView::model`].
    UseModel {
        model: String,
    },
    /// Notes after entry `after`, oldest first, as lines of JSON; then the graph's edits by hand.
    ExportMemory {
        #[serde(default)]
        project: Option<ProjectId>,
        #[serde(default)]
        after: u64,
    },
    /// Builds the memory anew from the journal, beside the one in use, and compares the two.
    VerifyMemory,
    /// `fresh`: probe again now instead of answering from the last probe.
    Agents {
        #[serde(default)]
        fresh: bool,
    },
    /// Begins to install the tested version; goes on in the background, shown in [`AgentNow::job`](crate::view::AgentNow).
    InstallAgent {
        agent: AgentId,
    },
    /// The conformance run, against a scripted service; in the background.
    CheckAgent {
        agent: AgentId,
    },
    /// Begins a way of kind `login`; goes on in the background, shown in [`AgentNow::sign_in`](crate::view::AgentNow).
    SignIn {
        agent: AgentId,
        way: String,
    },
    /// What the program asked for: a code, or the address at which the browser ended.
    SignInSay {
        agent: AgentId,
        text: String,
    },
    SignInStop {
        agent: AgentId,
    },
    /// Keeps the fields of a way of kind `key` in the secret store.
    SetKey {
        agent: AgentId,
        way: String,
        fields: BTreeMap<String, String>,
    },
    /// Forgets a stored key, and lets the program sign out by itself.
    SignOut {
        agent: AgentId,
    },
    /// How MCP clients reach the bridges: address by address, with the token.
    Bridges,
    Instructions {
        #[serde(default)]
        project: Option<ProjectId>,
    },
    /// One of the four files; `at` a commit of its history.
    ReadInstruction {
        #[serde(default)]
        project: Option<ProjectId>,
        path: String,
        #[serde(default)]
        at: Option<CommitId>,
    },
    /// `base`: the commit that was read; refused if the file has changed since.
    WriteInstruction {
        #[serde(default)]
        project: Option<ProjectId>,
        path: String,
        text: String,
        base: CommitId,
    },
    Projects,
    CreateProject {
        name: String,
        starter: String,
    },
    ActivateProject {
        project: ProjectId,
    },
    /// The sites' own domains, and how their certificates stand.
    Domains,
    /// Gives a site a name of the user's own, and gets it a certificate; no domain takes the name away. The same name again:
    /// its certificate is looked at now.
    SetDomain {
        /// None: the project that the world sees first.
        #[serde(default)]
        project: Option<ProjectId>,
        domain: Option<String>,
        /// To the terms of service of the authority that gives the certificate; what was agreed to stays so for this name.
        #[serde(default)]
        agreed: bool,
        /// Where that authority may write to: an e-mail address.
        #[serde(default)]
        contact: Option<String>,
    },
    /// What an agent printed, in normalised form.
    Transcript {
        attempt: AttemptId,
        #[serde(default)]
        after: u64,
        #[serde(default)]
        limit: Option<u32>,
    },
    /// A blob as text (the brief, a log, a diff).
    Text {
        blob: BlobId,
    },
    /// The change of an attempt as a unified diff.
    Diff {
        attempt: AttemptId,
    },
    Doctor,
}

/// A name of the user's own for a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainRow {
    /// None: the project that the world sees first.
    pub project: Option<ProjectId>,
    /// To the terms of the authority.
    pub agreed: bool,
    /// Where the world reaches the site by this name; none while the name leads elsewhere.
    pub address: Option<String>,
    pub certificate: Certificate,
}

/// What is to be remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewNote {
    pub kind: NoteKind,
    /// Empty: the text's first line.
    #[serde(default)]
    pub title: String,
    pub text: String,
    /// From where, such as a file's path. The newest note of a source supersedes the ones before. None: from you.
    #[serde(default)]
    pub source: Option<String>,
    #[serde(default)]
    pub supersedes: Vec<NoteId>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RecallAsk {
    #[serde(default)]
    pub project: Option<ProjectId>,
    pub query: String,
    #[serde(default)]
    pub mode: RecallMode,
    /// Notes at most.
    #[serde(default)]
    pub limit: Option<u32>,
    /// Tokens of their texts at most.
    #[serde(default)]
    pub tokens: Option<u32>,
    /// Of these kinds only; empty: of all.
    #[serde(default)]
    pub kinds: Vec<NoteKind>,
    #[serde(default)]
    pub since: Option<At>,
    #[serde(default)]
    pub until: Option<At>,
    /// The superseded ones as well.
    #[serde(default)]
    pub superseded: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GraphAsk {
    #[serde(default)]
    pub project: Option<ProjectId>,
    /// The entity in the middle; none: those with the most relations.
    #[serde(default)]
    pub focus: Option<String>,
    /// Relations away from the focus; 1 if not given.
    #[serde(default)]
    pub depth: Option<u32>,
    /// Entities at most.
    #[serde(default)]
    pub limit: Option<u32>,
    /// Entities of these kinds only; empty: of all.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Named by a note of this time.
    #[serde(default)]
    pub since: Option<At>,
    #[serde(default)]
    pub until: Option<At>,
    /// Entities whose names hold these letters.
    #[serde(default)]
    pub find: Option<String>,
}

/// One part of a request that is split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub text: String,
    /// None: Hermes picks. More than one: they race.
    #[serde(default)]
    pub agents: Vec<AgentId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Response {
    Hello(Hello),
    Home(Box<Home>),
    /// `new` is false when this client id was seen before.
    Accepted {
        request: RequestId,
        new: bool,
    },
    Requests {
        rows: Vec<RequestRow>,
    },
    Show(Box<RequestView>),
    Journal {
        entries: Vec<Entry>,
        head: u64,
    },
    Verified {
        journal: JournalId,
        entries: u64,
        head_hash: String,
        problems: Vec<String>,
    },
    Deployments {
        rows: Vec<DeploymentRow>,
    },
    Releases {
        rows: Vec<ReleaseRow>,
    },
    Steps {
        planned: Vec<StepRow>,
        completed: Vec<StepRow>,
    },
    Planned {
        step: StepId,
    },
    Notes {
        rows: Vec<NoteRow>,
    },
    Recalled(Box<RecalledView>),
    /// In the order in which they were given.
    Pushed {
        notes: Vec<PushedNote>,
    },
    Note(Box<NoteView>),
    Memory(Box<MemoryView>),
    Graph(Box<GraphView>),
    Knew {
        rows: Vec<KnewRow>,
    },
    /// `next`: the `after` of the next page, none on the last.
    Exported {
        lines: Vec<String>,
        next: Option<u64>,
    },
    MemoryVerified {
        equal: bool,
        notes: u64,
        /// Hex BLAKE3 of the canonical dump.
        hash: String,
    },
    Agents {
        rows: Vec<AgentRow>,
    },
    Bridges {
        rows: Vec<BridgeView>,
        token: String,
    },
    Instructions {
        rows: Vec<InstructionRow>,
    },
    Instruction {
        path: String,
        text: String,
        base: CommitId,
        history: Vec<InstructionEdit>,
    },
    Projects {
        rows: Vec<ProjectRow>,
    },
    Project {
        project: ProjectId,
    },
    Domains {
        rows: Vec<DomainRow>,
    },
    Transcript {
        lines: Vec<TranscriptLine>,
        head: u64,
    },
    Text {
        text: String,
    },
    Doctor {
        rows: Vec<DoctorRow>,
    },
    Done,
}
