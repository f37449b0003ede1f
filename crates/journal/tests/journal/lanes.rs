//! What the rows and the page say while several tasks run at once, race, or ask.

use crate::script::*;
use protocol::fact::*;
use protocol::view::{CostBasis, Stage, Status, TaskStatus};
use protocol::*;

/// A request whose plan has these tasks, each with the agents that the user wants for it.
fn planned(home: &mut Home, tasks: &[&[&str]]) {
    let (received, text) = intake(1);
    home.append_with(received, vec![text]);
    home.append(RequestOriented {
        request: id("r1"),
        sources: vec![],
        recalled: vec![],
        agents: vec![],
        base: id("c0"),
        memory: None,
    });
    let task = |(n, agents): (usize, &&[&str])| PlannedTask {
        task: id(&format!("r1.{}", n + 1)),
        title: format!("part {}", n + 1),
        text: None,
        agents: agents.iter().map(|agent| id(agent)).collect(),
    };
    let tasks = tasks.iter().enumerate().map(task).collect();
    home.append(PlanMade { request: id("r1"), tasks, why: "as you split it".into() });
}

fn at_work(home: &mut Home, task: usize, number: u32, agent: &str) {
    let attempt: AttemptId = id(&format!("r1.{task}.{number}"));
    let task: TaskId = id(&format!("r1.{task}"));
    let of = chosen(number, agent);
    home.append(AgentChosen { task: task.clone(), attempt: attempt.clone(), ..of });
    let of = declared(number);
    let brief = blob(&format!("brief {number}"));
    home.append_with(TaskDeclared { task, attempt: attempt.clone(), ..of }, vec![brief]);
    home.append(AttemptStarted { attempt, ..started(number, agent) });
}

fn ended(task: usize, number: u32, end: AttemptEnd) -> AttemptFinished {
    AttemptFinished { attempt: id(&format!("r1.{task}.{number}")), ..finished(number, end) }
}

fn page(home: &Home) -> view::RequestView {
    home.reader.show(&id("r1")).unwrap().unwrap()
}

#[test]
fn the_request_is_where_the_last_of_its_open_tasks_is() {
    let mut home = Home::new();
    planned(&mut home, &[&[], &[]]);
    let status = |home: &Home| home.reader.request(&id("r1")).unwrap().unwrap().status;
    at_work(&mut home, 1, 1, "codex");
    assert_eq!(status(&home), Status::Running { stage: Stage::Choose }, "the second part has no agent yet");
    assert_eq!(page(&home).tasks[1].status, TaskStatus::Queued);
    at_work(&mut home, 2, 1, "claude-code");
    assert_eq!(status(&home), Status::Running { stage: Stage::Code });
    home.append(ended(1, 1, AttemptEnd::TurnEnded));
    assert_eq!(status(&home), Status::Running { stage: Stage::Code });
    let view = page(&home);
    assert_eq!(view.tasks[0].status, TaskStatus::Running { stage: Stage::Deploy });
    assert_eq!(view.tasks[1].status, TaskStatus::Running { stage: Stage::Code });
    assert_eq!(
        view.stages[4].says,
        "codex: codex ended its turn after 12 s: 2 files, +30 −1; claude-code: claude-code 2.0 is at work"
    );
    assert_eq!(view.stages[4].ended, None, "one of them goes on");
    let end = TaskEnd::Landed { commit: id("c1") };
    home.append(TaskClosed { request: id("r1"), task: id("r1.1"), end: end.clone() });
    home.append(ended(2, 1, AttemptEnd::TurnEnded));
    assert_eq!(status(&home), Status::Running { stage: Stage::Deploy });
    let end_of_two = TaskEnd::GivenUp { why: "it broke the build".into() };
    home.append(TaskClosed { request: id("r1"), task: id("r1.2"), end: end_of_two });
    let view = page(&home);
    assert_eq!(view.tasks[0].status, TaskStatus::Landed { commit: id("c1") });
    assert_eq!(view.tasks[1].status, TaskStatus::GivenUp { why: "it broke the build".into() });
    assert_eq!(view.now, "claude-code: given up: it broke the build");
}

#[test]
fn two_lanes_of_one_agent_are_told_apart_by_their_parts() {
    let mut home = Home::new();
    planned(&mut home, &[&[], &[]]);
    at_work(&mut home, 1, 1, "codex");
    at_work(&mut home, 2, 1, "codex");
    assert_eq!(
        page(&home).stages[4].says,
        "codex (part 1): codex 2.0 is at work; codex (part 2): codex 2.0 is at work"
    );
}

#[test]
fn a_race_shows_each_runner_and_what_was_taken() {
    let mut home = Home::new();
    planned(&mut home, &[&["claude-code", "codex"]]);
    at_work(&mut home, 1, 1, "claude-code");
    at_work(&mut home, 1, 2, "codex");
    home.append(ended(1, 2, AttemptEnd::TurnEnded));
    assert_eq!(
        home.reader.request(&id("r1")).unwrap().unwrap().status,
        Status::Running { stage: Stage::Code }
    );
    home.append(ended(1, 1, AttemptEnd::TurnEnded));
    let judged = RaceJudged {
        request: id("r1"),
        task: id("r1.1"),
        winner: id("r1.1.2"),
        judge: Judge::Checks,
        ranking: vec![],
        why: "the smaller change".into(),
    };
    home.append(judged.clone());
    let view = page(&home);
    assert_eq!(view.tasks[0].judged.as_ref(), Some(&judged));
    assert_eq!(view.stages[5].says, "claude-code: not taken; codex: taken: the smaller change");
    assert_eq!(view.now, "the race is judged: the smaller change");
    // The user may pick another one.
    home.append(RaceJudged { winner: id("r1.1.1"), judge: Judge::You, ..judged });
    let view = page(&home);
    assert_eq!(view.tasks[0].judged.as_ref().unwrap().winner, id("r1.1.1"));
    assert_eq!(view.now, "you picked: the smaller change");
}

#[test]
fn an_open_question_is_what_the_request_waits_for_and_its_words_can_be_forgotten() {
    let mut home = Home::new();
    planned(&mut home, &[&[]]);
    at_work(&mut home, 1, 1, "codex");
    let question = blob("Which colour?");
    let asked = AttemptAsked {
        request: id("r1"),
        attempt: id("r1.1.1"),
        ask: "q1".into(),
        ask_kind: AskKind::Question,
        question: question.to_ref(),
        options: vec![],
    };
    home.append_with(asked.clone(), vec![question]);
    let waiting = |question: &str| Waiting::You { question: question.into() };
    let view = page(&home);
    assert_eq!(view.row.status, Status::Waiting { waiting: waiting("Which colour?") });
    assert_eq!(view.tasks[0].status, TaskStatus::Waiting { waiting: waiting("Which colour?") });
    assert_eq!(view.now, "waiting for you: codex asks: Which colour?");
    let open = view.attempts[0].asked.clone().unwrap();
    assert_eq!((open.ask.as_str(), open.question.as_deref()), ("q1", Some("Which colour?")));
    let answered = AttemptAnswered {
        request: id("r1"),
        attempt: id("r1.1.1"),
        ask: "q1".into(),
        option: None,
        text: None,
    };
    home.append(answered);
    let view = page(&home);
    assert_eq!(view.row.status, Status::Running { stage: Stage::Code });
    assert_eq!(
        (view.attempts[0].asked.clone(), view.now.as_str()),
        (None, "codex has its answer and goes on")
    );
    // A question outlives a run that was lost, until another run begins; one that ended by itself asks nothing.
    home.append_with(AttemptAsked { ask: "q2".into(), ..asked.clone() }, vec![blob("Which colour?")]);
    home.append(ended(1, 1, AttemptEnd::Lost));
    let view = page(&home);
    assert_eq!(view.row.status, Status::Waiting { waiting: waiting("Which colour?") });
    assert_eq!(view.attempts[0].asked.as_ref().map(|asked| asked.ask.as_str()), Some("q2"));
    at_work(&mut home, 1, 2, "codex");
    let view = page(&home);
    assert_eq!(view.row.status, Status::Running { stage: Stage::Code });
    assert_eq!(view.attempts[0].asked, None);
    let of_two = AttemptAsked { attempt: id("r1.1.2"), ask: "q1".into(), ..asked.clone() };
    home.append_with(of_two, vec![blob("Which colour?")]);
    home.append(ended(1, 2, AttemptEnd::TurnEnded));
    assert_eq!(page(&home).row.status, Status::Running { stage: Stage::Deploy });
    // Nor is one that was asked while it was called off.
    home.append(CancelAsked { request: id("r1") });
    home.append_with(AttemptAsked { ask: "q3".into(), ..asked }, vec![blob("Which colour?")]);
    assert_eq!(page(&home).row.status, Status::Cancelling);
}

#[test]
fn dollars_are_derived_with_their_basis() {
    let mut home = Home::new();
    planned(&mut home, &[&[]]);
    at_work(&mut home, 1, 1, "codex");
    let usage = Usage { input: Some(1_000_000), cache_read: Some(0), output: Some(0), ..Usage::default() };
    let end = ended(1, 1, AttemptEnd::TurnEnded);
    home.append(AttemptFinished { model: Some("gpt-5.3-codex".into()), usage: usage.clone(), ..end });
    let cost = page(&home).attempts[0].cost.clone();
    assert_eq!((cost.usd, cost.basis), (Some(1.75), CostBasis::ListPrice));
    assert!(cost.as_of.is_some());
    let share = |agent: &str, usage: Usage, model: &str| AgentShare {
        agent: id(agent),
        attempts: 1,
        model: Some(model.into()),
        usage,
    };
    let reported = Usage { cost_usd: Some(0.25), ..Usage::default() };
    home.append(DeploymentRecorded {
        by_agent: vec![share("codex", usage, "gpt-5.3-codex"), share("claude-code", reported, "x")],
        paid: Some(Paid::Key),
        ..recorded(Outcome::Partly)
    });
    let row = home.reader.deployment(&id("d1")).unwrap().unwrap();
    assert_eq!(
        (row.cost.usd, row.cost.basis, row.cost.paid),
        (Some(2.0), CostBasis::ListPrice, Some(Paid::Key))
    );
    assert_eq!(row.by_agent.len(), 2);
    assert_eq!(home.reader.deployments(None, Some("partly"), 9).unwrap().len(), 1);
}

#[test]
fn one_task_may_wait_while_the_others_go_on() {
    let mut home = Home::new();
    planned(&mut home, &[&[], &[]]);
    at_work(&mut home, 1, 1, "codex");
    let waiting = Waiting::Quota { agent: id("claude-code"), until: None };
    let of_two = |task: Option<TaskId>| RequestWaiting { request: id("r1"), task, waiting: waiting.clone() };
    home.append(of_two(Some(id("r1.2"))));
    let view = page(&home);
    assert_eq!(view.tasks[1].status, TaskStatus::Waiting { waiting: waiting.clone() });
    assert_eq!(view.row.status, Status::Running { stage: Stage::Choose });
    home.append(ended(1, 1, AttemptEnd::TurnEnded));
    let view = page(&home);
    assert_eq!(
        view.row.status,
        Status::Running { stage: Stage::Deploy },
        "the one that waits does not hold it back"
    );
    assert_eq!(view.stages[2].ended, None, "one is not chosen for yet");
    home.append(of_two(None));
    assert_eq!(page(&home).row.status, Status::Waiting { waiting: waiting.clone() });
    home.append(RequestResumed { request: id("r1"), task: Some(id("r1.2")), because: "it is back".into() });
    at_work(&mut home, 2, 1, "claude-code");
    let view = page(&home);
    assert_eq!(view.row.status, Status::Running { stage: Stage::Code });
    assert_eq!(view.tasks[1].status, TaskStatus::Running { stage: Stage::Code });
}
