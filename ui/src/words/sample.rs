//! Requests to test against.

use protocol::At;
use protocol::fact::*;
use protocol::id::*;
use protocol::view::*;

fn stage(stage: Stage, started: Option<i64>, ended: Option<i64>) -> StageView {
    StageView { stage, started: started.map(At), ended: ended.map(At), says: "so".into(), stumbled: false }
}

pub fn attempt(number: u32, agent: &str, why: &str) -> AttemptView {
    AttemptView {
        attempt: AttemptId::new(format!("a-{number}")).unwrap(),
        number,
        agent: AgentId::new(agent).unwrap(),
        practice: agent == "practice",
        why: why.into(),
        started: Some(At(2_000)),
        finished: None,
        brief: None,
        parts: vec![],
        checkpoints: vec![],
        checks: vec![],
        diagnosis: None,
        landed: None,
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
        summary: "all checks passed".into(),
    });
    view.url = Some("http://127.0.0.1:4000/".into());
    view
}
