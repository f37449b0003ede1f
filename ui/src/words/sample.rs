//! Requests to test against.

use protocol::At;
use protocol::fact::*;
use protocol::id::*;
use protocol::view::*;

pub fn id<T: std::str::FromStr<Err = BadId>>(text: &str) -> T {
    text.parse().unwrap()
}

fn stage(stage: Stage, started: Option<i64>, ended: Option<i64>) -> StageView {
    StageView { stage, started: started.map(At), ended: ended.map(At), says: "so".into(), stumbled: false }
}

pub fn attempt(number: u32, agent: &str, why: &str) -> AttemptView {
    AttemptView {
        attempt: AttemptId::new(format!("a-{number}")).unwrap(),
        task: TaskId::new("t-1").unwrap(),
        number,
        agent: AgentId::new(agent).unwrap(),
        practice: agent == "practice",
        why: why.into(),
        goes_on: None,
        started: Some(At(2_000)),
        version: Some("2.1.0".into()),
        asked: None,
        finished: None,
        cost: Cost::default(),
        brief: None,
        parts: vec![],
        checkpoints: vec![],
        checks: vec![],
        diagnosis: None,
        landed: None,
    }
}

pub fn task(number: u32, title: &str) -> TaskView {
    TaskView {
        task: TaskId::new(format!("t-{number}")).unwrap(),
        number,
        title: title.into(),
        text: None,
        agents: vec![],
        status: TaskStatus::Running { stage: Stage::Code },
        now: "Codex is writing app/index.html".into(),
        judged: None,
    }
}

pub fn running() -> RequestView {
    let reached = |s: Stage| if s < Stage::Code { (Some(1), Some(2)) } else { (None, None) };
    let stages = Stage::ALL.map(|s| {
        let (started, ended) = if s == Stage::Code { (Some(3), None) } else { reached(s) };
        stage(s, started, ended)
    });
    RequestView {
        row: RequestRow {
            request: RequestId::new("r-1").unwrap(),
            project: ProjectId::new("bakery").unwrap(),
            channel: Channel::Dashboard,
            created: At(1_000),
            text: Some("a page for a bakery".into()),
            status: Status::Running { stage: Stage::Code },
            head: 9,
        },
        stages: stages.to_vec(),
        now: "Codex is writing app/index.html".into(),
        sources: ["SOUL.md", "AGENTS.md"]
            .map(|path| SourceRead { path: path.into(), hash: "00".into(), bytes: 10 })
            .to_vec(),
        recalled: vec![Recalled {
            note: NoteId::new("n-1").unwrap(),
            score: 1.0,
            why: "words: opening, hours".into(),
        }],
        tasks: vec![task(1, "a page for a bakery")],
        attempts: vec![attempt(1, "codex", "it is signed in")],
        deployment: None,
        url: None,
        preview: None,
        steering: vec![],
    }
}

pub fn live() -> RequestView {
    let mut view = running();
    view.stages = Stage::ALL.map(|s| stage(s, Some(1), Some(2))).to_vec();
    for row in &mut view.stages {
        row.stumbled = row.stage == Stage::Deploy;
    }
    view.row.status = Status::Closed { outcome: Outcome::Live, why: "all checks passed".into() };
    let mut first = attempt(1, "practice", "no real agent is ready");
    first.diagnosis = Some(AttemptDiagnosed {
        request: view.row.request.clone(),
        attempt: first.attempt.clone(),
        what: "build".into(),
        summary: "missing bracket".into(),
        lines: vec![],
        next: "the same agent tries once more".into(),
    });
    let mut second = attempt(2, "codex", "it is signed in");
    second.checks = [CheckKind::Gate, CheckKind::Build]
        .map(|check| CheckView { check, result: CheckResult::Passed, log: None, duration_ms: 10 })
        .to_vec();
    view.attempts = vec![first, second];
    view.deployment = Some(DeploymentRow {
        deployment: DeploymentId::new("d-1").unwrap(),
        request: view.row.request.clone(),
        project: view.row.project.clone(),
        text: view.row.text.clone(),
        outcome: Outcome::Live,
        rating: None,
        created: At(80_000),
        step: Some(1),
        commit: None,
        release: None,
        url: Some("http://127.0.0.1:4000/".into()),
        duration_ms: 72_000,
        attempts: 2,
        agent: Some(AgentId::new("codex").unwrap()),
        practice: false,
        model: None,
        usage: Usage::default(),
        by_agent: vec![],
        cost: Cost::default(),
        summary: "all checks passed".into(),
    });
    view.url = Some("http://127.0.0.1:4000/".into());
    view
}

/// An agent in the middle of everything at once, so that each field is there.
pub fn now() -> AgentNow {
    let rung = |rung, proven, how: &str| RungRow { rung, proven, at: Some(At(5)), how: how.into() };
    AgentNow {
        ladder: vec![
            rung(Rung::Installed, Proven::Yes, "codex --version: 0.169.0"),
            rung(Rung::Credentials, Proven::No, "no credentials were found"),
            rung(Rung::Accepted, Proven::Unknown, ""),
            rung(Rung::Worked, Proven::Unknown, ""),
        ],
        pinned: Some("0.169.0".into()),
        ways: vec![SignInWay {
            way: "api-key".into(),
            title: "API key".into(),
            says: "paid by the token".into(),
            way_kind: WayKind::Key,
            fields: vec![KeyField {
                name: "key".into(),
                title: "Key".into(),
                secret: true,
                optional: false,
                default: None,
            }],
        }],
        sign_in: Some(SignInView {
            way: "device".into(),
            started: At(4),
            state: SignInState::Yours {
                url: Some("https://example.test/device".into()),
                code: Some("ABCD-1234".into()),
                asks: None,
                callback: Some(1455),
                expires: Some(At(900_000)),
            },
            screen: vec!["Open this address".into()],
        }),
        job: Some(AgentJob {
            what: "check".into(),
            started: At(4),
            says: vec!["edit: as expected".into()],
            state: JobState::Failed { reason: "it did not stop".into(), next: "install it again".into() },
        }),
        account: AccountView {
            paid: Some(Paid::Key),
            way: Some("api-key".into()),
            set: Some(At(3)),
            fields: vec![("base_url".into(), "http://127.0.0.1:9/v1".into())],
        },
        running: 1,
        cap: 2,
        bridge: Some(BridgeView {
            url: "http://127.0.0.1:3211/mcp".into(),
            up: true,
            says: "listening".into(),
        }),
    }
}

/// Every state of readiness.
pub fn states() -> Vec<Readiness> {
    let (version, at) = ("2.1.0".to_owned(), At(5));
    let text = |text: &str| text.to_owned();
    vec![
        Readiness::Missing { next: text("install it") },
        Readiness::SignedOut { version: version.clone(), next: text("sign in") },
        Readiness::Stale {
            version: version.clone(),
            reason: text("the token is too old"),
            next: text("sign in again"),
        },
        Readiness::SignedIn { version: version.clone() },
        Readiness::Refused { version: version.clone(), at, reason: text("401"), next: text("sign in again") },
        Readiness::Worked { version: version.clone(), at },
        Readiness::QuotaGone { version: version.clone(), until: Some(At(9)) },
        Readiness::QuotaGone { version: version.clone(), until: None },
        Readiness::Busy { version },
        Readiness::Broken { reason: text("it exits at once"), next: text("install it again") },
        Readiness::Practice,
    ]
}

/// Every state of a sign-in.
pub fn sign_ins() -> Vec<SignInState> {
    let text = |text: &str| text.to_owned();
    vec![
        SignInState::Starting,
        SignInState::Yours {
            url: Some(text("https://example.test")),
            code: None,
            asks: Some(text("the code")),
            callback: None,
            expires: None,
        },
        SignInState::Working,
        SignInState::Done { says: text("signed in") },
        SignInState::Failed { reason: text("the code was wrong"), next: text("try again") },
    ]
}

/// Every end of a run.
pub fn ends() -> Vec<AttemptEnd> {
    let text = || "x".to_owned();
    vec![
        AttemptEnd::TurnEnded,
        AttemptEnd::Cancelled,
        AttemptEnd::Silent { ms: 1 },
        AttemptEnd::TooLong { ms: 1 },
        AttemptEnd::QuotaGone { until: Some(At(3)) },
        AttemptEnd::SignedOut { reason: text() },
        AttemptEnd::Asked { question: text() },
        AttemptEnd::Stuck { what: text() },
        AttemptEnd::OverLimit { what: text() },
        AttemptEnd::HandedOver,
        AttemptEnd::Failed { reason: text() },
        AttemptEnd::Lost,
    ]
}

/// Three parts: one runs, one asks, one has not begun.
pub fn split() -> RequestView {
    let mut view = running();
    view.tasks = vec![task(1, "opening hours"), task(2, "order form"), task(3, "map")];
    view.tasks[2].status = TaskStatus::Queued;
    let mut second = attempt(2, "claude-code", "you asked for it");
    second.task = id("t-2");
    second.asked = Some(AskView {
        ask: "q-1".into(),
        ask_kind: AskKind::Question,
        question: Some("Which colour?".into()),
        options: vec![],
        at: At(3_000),
    });
    view.attempts = vec![attempt(1, "codex", "it is signed in"), second];
    view
}

/// Two agents at the same task; the second one was better.
pub fn race() -> RequestView {
    let mut view = running();
    view.tasks[0].agents = vec![id("codex"), id("claude-code")];
    let mut both = vec![attempt(1, "codex", "it races"), attempt(2, "claude-code", "it races")];
    for one in &mut both {
        one.finished = Some(AttemptFinished {
            request: view.row.request.clone(),
            attempt: one.attempt.clone(),
            end: AttemptEnd::TurnEnded,
            commit: Some(id("c0ffee")),
            diff: DiffStat { files: 1, added: 9, removed: 0 },
            model: None,
            usage: Usage::default(),
            duration_ms: Some(9_000),
            session: None,
            unknown_events: Some(0),
        });
    }
    let ranked = |attempt: &AttemptView, passed| Ranked {
        attempt: attempt.attempt.clone(),
        passed,
        diff: DiffStat { files: 1, added: 9, removed: 0 },
        duration_ms: Some(9_000),
    };
    view.tasks[0].judged = Some(RaceJudged {
        request: view.row.request.clone(),
        task: id("t-1"),
        winner: both[1].attempt.clone(),
        judge: Judge::Checks,
        ranking: vec![ranked(&both[1], true), ranked(&both[0], false)],
        why: "its checks passed".into(),
    });
    view.attempts = both;
    view
}
