//! One request from its intake to its end, as facts: what a journal is full of.

use anyhow::Result;
use journal::{Batch, NewBlob};
use protocol::fact::*;
use protocol::*;

struct Teller<'a> {
    project: &'a ProjectId,
    base: &'a CommitId,
    number: u32,
    request: RequestId,
    task: TaskId,
    attempt: AttemptId,
    commit: CommitId,
    release: ReleaseId,
    agent: AgentId,
    blobs: Vec<NewBlob>,
}

/// The facts of request `number`, which went live at the first attempt.
pub fn story(project: &ProjectId, base: &CommitId, number: u32) -> Result<Batch> {
    let request = format!("r{number:06}");
    let mut teller = Teller {
        project,
        base,
        number,
        task: TaskId::new(format!("{request}-t1"))?,
        attempt: AttemptId::new(format!("{request}-t1-a1"))?,
        release: ReleaseId::new(format!("{request}-t1-a1"))?,
        commit: CommitId::new(format!("{number:040x}"))?,
        agent: ::agents::practice(),
        request: RequestId::new(request)?,
        blobs: Vec::new(),
    };
    let mut facts = teller.before_the_work()?;
    facts.extend(teller.the_work());
    facts.extend(teller.after_the_work()?);
    let at = At(1_790_000_000_000 + i64::from(number) * 60_000);
    Ok(Batch { at, facts, blobs: teller.blobs })
}

impl Teller<'_> {
    fn blob(&mut self, text: String) -> BlobRef {
        let mut salt = [0; 16];
        let place = (u64::from(self.number) << 8) + self.blobs.len() as u64;
        salt[..8].copy_from_slice(&place.to_le_bytes());
        let blob = NewBlob::new(salt, text);
        let named = blob.to_ref();
        self.blobs.push(blob);
        named
    }

    fn before_the_work(&mut self) -> Result<Vec<Fact>> {
        let text = self.blob(format!("Change the opening hours of the bakery to variant {}", self.number));
        let brief = self.blob(format!(
            "# Task\nChange the opening hours, variant {}\n{}",
            self.number,
            "x".repeat(800)
        ));
        let request = &self.request;
        let source = |path: &str| SourceRead { path: path.into(), hash: "a".repeat(64), bytes: 900 };
        let states = vec![AgentState { agent: self.agent.clone(), readiness: Readiness::Practice }];
        let planned = PlannedTask {
            task: self.task.clone(),
            title: "Change the opening hours".into(),
            text: None,
            agents: vec![],
        };
        let part = |part: &str, source: &str| BriefPart {
            part: part.into(),
            source: source.into(),
            tokens: 120,
            cut: false,
        };
        Ok(vec![
            RequestReceived {
                request: request.clone(),
                client: ClientId::new(format!("story-{}", self.number))?,
                project: self.project.clone(),
                channel: Channel::Dashboard,
                text,
                agent: None,
                race: vec![],
                parts: vec![],
                step: None,
            }
            .into(),
            RequestOriented {
                request: request.clone(),
                sources: ["SOUL.md", "AGENTS.md", "CLAUDE.md", "GLOSSARY.md"].map(source).into(),
                recalled: vec![],
                agents: states,
                base: self.base.clone(),
                memory: None,
            }
            .into(),
            PlanMade { request: request.clone(), tasks: vec![planned], why: "one task is enough".into() }
                .into(),
            AgentChosen {
                request: request.clone(),
                task: self.task.clone(),
                attempt: self.attempt.clone(),
                number: 1,
                agent: self.agent.clone(),
                practice: true,
                why: "no real agent is ready".into(),
                goes_on: None,
            }
            .into(),
            TaskDeclared {
                request: request.clone(),
                task: self.task.clone(),
                attempt: self.attempt.clone(),
                brief,
                parts: vec![
                    part("task", "the request"),
                    part("instructions", "AGENTS.md"),
                    part("memory", "n1"),
                ],
                budget: 12_000,
            }
            .into(),
        ])
    }

    fn the_work(&self) -> Vec<Fact> {
        let (request, attempt) = (&self.request, &self.attempt);
        let diff = DiffStat { files: 2, added: 30, removed: 4 };
        let checkpoint = |number| {
            let (commit, says) = (self.commit.clone(), "wrote the opening hours".into());
            let (request, attempt) = (request.clone(), attempt.clone());
            AttemptCheckpoint { request, attempt, number, commit, diff, says, screenshot: None }.into()
        };
        let check = |kind| {
            CheckFinished {
                request: request.clone(),
                attempt: attempt.clone(),
                check: kind,
                result: CheckResult::Passed,
                log: None,
                duration_ms: 40,
                release: (kind == CheckKind::Health).then(|| self.release.clone()),
                commit: (kind == CheckKind::Gate).then(|| self.commit.clone()),
                diff: (kind == CheckKind::Gate).then_some(diff),
            }
            .into()
        };
        let mut facts: Vec<Fact> = vec![
            AttemptStarted {
                request: request.clone(),
                attempt: attempt.clone(),
                agent: self.agent.clone(),
                version: None,
                base: self.base.clone(),
                paid: None,
            }
            .into(),
            checkpoint(1),
            checkpoint(2),
            AttemptFinished {
                request: request.clone(),
                attempt: attempt.clone(),
                end: AttemptEnd::TurnEnded,
                commit: Some(self.commit.clone()),
                diff,
                model: None,
                usage: Usage::default(),
                duration_ms: Some(4200),
                session: None,
                unknown_events: None,
            }
            .into(),
        ];
        facts.extend(CheckKind::ORDER.map(check));
        facts
    }

    fn after_the_work(&mut self) -> Result<Vec<Fact>> {
        let step = self.blob(format!("# Step {}\nThe opening hours were changed.\n", self.number));
        let note = self.blob(format!("The opening hours of the bakery are variant {} now.", self.number));
        let (request, project) = (self.request.clone(), self.project.clone());
        let url = "http://127.0.0.1:4300/".to_owned();
        let (commit, release) = (self.commit.clone(), self.release.clone());
        Ok(vec![
            AttemptLanded { request: request.clone(), attempt: self.attempt.clone(), commit: commit.clone() }
                .into(),
            ReleaseLive {
                request: request.clone(),
                attempt: self.attempt.clone(),
                project: project.clone(),
                release: release.clone(),
                commit: commit.clone(),
                url: url.clone(),
            }
            .into(),
            StepCompleted {
                request: request.clone(),
                project: project.clone(),
                step: StepId::new(format!("s{:06}", self.number))?,
                number: self.number,
                title: "Change the opening hours".into(),
                commit: commit.clone(),
                text: step,
                errors: vec![],
            }
            .into(),
            DeploymentRecorded {
                request: request.clone(),
                deployment: DeploymentId::new(format!("d{:06}", self.number))?,
                project: project.clone(),
                outcome: Outcome::Live,
                step: Some(self.number),
                commit: Some(commit),
                release: Some(release),
                url: Some(url),
                duration_ms: 5100,
                attempts: 1,
                agent: Some(self.agent.clone()),
                practice: true,
                model: None,
                usage: Usage::default(),
                by_agent: vec![],
                paid: None,
                summary: "all checks passed".into(),
            }
            .into(),
            MemoryPushed {
                note: NoteId::new(format!("n{:06}", self.number))?,
                project,
                note_kind: NoteKind::Deployment,
                title: "Opening hours".into(),
                text: note,
                source: format!("request {request}"),
                request: Some(request.clone()),
                agent: Some(self.agent.clone()),
                confidence: None,
                batch: None,
            }
            .into(),
            RequestClosed { request, outcome: Outcome::Live, why: "all checks passed".into() }.into(),
        ])
    }
}
