//! What a request's rows and page say at each fact of a whole request.

use crate::script::*;
use protocol::fact::*;
use protocol::view::{Stage, StageView, Status};
use protocol::*;

fn stage_of(home: &Home) -> Status {
    home.reader.request(&id("r1")).unwrap().unwrap().status
}

/// The status after each fact of the whole request, by the fact's kind.
#[test]
fn the_status_follows_the_facts() {
    let mut home = Home::new();
    let running = |stage| Status::Running { stage };
    let mut at: Vec<(&'static str, Status)> = Vec::new();
    for (fact, blob) in whole_request() {
        let kind = fact.kind();
        home.append_with(fact, blob.into_iter().collect());
        if home.reader.request(&id("r1")).unwrap().is_some() {
            let status = stage_of(&home);
            if at.last().is_none_or(|(_, last)| *last != status) {
                at.push((kind, status));
            }
        }
    }
    let wanted = [
        ("request.received", Status::Queued),
        ("request.oriented", running(Stage::Choose)),
        ("agent.chosen", running(Stage::Brief)),
        ("task.declared", running(Stage::Code)),
        ("attempt.finished", running(Stage::Deploy)),
        ("attempt.diagnosed", running(Stage::Choose)),
        ("agent.chosen", running(Stage::Brief)),
        ("task.declared", running(Stage::Code)),
        ("attempt.finished", running(Stage::Deploy)),
        ("release.live", running(Stage::Record)),
        ("request.closed", Status::Closed { outcome: Outcome::Live, why: "the checks passed".into() }),
    ];
    assert_eq!(at, wanted);
}

#[test]
fn waiting_resuming_and_cancelling() {
    let mut home = Home::new();
    let (received, text) = intake(1);
    home.append_with(received, vec![text]);
    let waiting = Waiting::Agent { reason: "codex is signed out".into() };
    home.append(RequestWaiting { request: id("r1"), task: None, waiting: waiting.clone() });
    assert_eq!(stage_of(&home), Status::Waiting { waiting });
    let page = home.reader.show(&id("r1")).unwrap().unwrap();
    assert_eq!(page.now, "waiting for an agent: codex is signed out");
    home.append(RequestResumed { request: id("r1"), task: None, because: "codex was signed in".into() });
    assert_eq!(stage_of(&home), Status::Running { stage: Stage::Wake });
    home.append(chosen(1, "codex"));
    home.append(CancelAsked { request: id("r1") });
    assert_eq!(stage_of(&home), Status::Cancelling);
    home.append(finished(1, AttemptEnd::Cancelled));
    assert_eq!(stage_of(&home), Status::Cancelling, "it stays so until it is closed");
    home.append(RequestClosed {
        request: id("r1"),
        outcome: Outcome::Cancelled,
        why: "you cancelled it".into(),
    });
    assert_eq!(home.reader.show(&id("r1")).unwrap().unwrap().now, "cancelled: you cancelled it");
}

#[test]
fn the_page_of_a_whole_request() {
    let mut home = Home::new();
    for (fact, blob) in whole_request() {
        home.append_with(fact, blob.into_iter().collect());
    }
    let said = blob("make it blue");
    home.append_with(TaskSteered { request: id("r1"), text: said.to_ref() }, vec![said]);
    let page = home.reader.show(&id("r1")).unwrap().unwrap();
    let says: Vec<(&str, bool)> =
        page.stages.iter().map(|stage| (stage.says.as_str(), stage.stumbled)).collect();
    assert_eq!(
        says,
        [
            ("came in from the command line, to carry out the planned step s4, asking for codex", false),
            ("read SOUL.md, AGENTS.md and 2 more; recalled 1 note", false),
            ("practice agent (attempt 2): no coding agent is signed in", false),
            ("about 300 of at most 12000 tokens: task, instructions", false),
            ("the practice agent ended its turn after 12 s: 2 files, +30 −1", false),
            (
                "gate passed in 500 ms, build passed in 500 ms, health check passed in 500 ms, landed; live at http://127.0.0.1:4101/",
                true
            ),
            ("completed step 1: Bakery page, added the row to the deployments, remembered 1 note", false),
        ]
    );
    assert!(page.stages.iter().all(|stage| stage.started <= stage.ended && stage.started.is_some()));
    assert_eq!(page.stages.iter().map(|stage| stage.stage).collect::<Vec<_>>(), Stage::ALL);
    assert_eq!(page.steering, ["make it blue"]);
    assert_eq!((page.sources.len(), page.recalled.len()), (4, 1));
    assert_eq!(page.url.as_deref(), Some("http://127.0.0.1:4101/"));
    assert_eq!(page.row.text.as_deref(), Some("A page for a bakery called Sauerteig"));
    assert_eq!(page.deployment.as_ref().unwrap().rating, Some(4));
    assert_eq!(page.deployment.unwrap().text, page.row.text);
    let [first, second] = page.attempts.as_slice() else { panic!("two attempts") };
    assert_eq!((first.checks.len(), first.checkpoints.len(), first.landed.clone()), (2, 1, None));
    assert_eq!(first.diagnosis.as_ref().unwrap().what, "build");
    assert_eq!((second.checks.len(), second.landed.clone()), (3, Some(id("c1"))));
    assert!(second.practice && second.brief.is_some() && second.finished.is_some());
    assert_eq!(home.reader.show(&id("r404")).unwrap(), None);
}

#[test]
fn a_failure_says_where_and_what_is_done_about_it() {
    let mut home = Home::new();
    for (fact, blob) in whole_request() {
        let stop = matches!(fact, Fact::AttemptDiagnosed(_));
        home.append_with(fact, blob.into_iter().collect());
        if stop {
            break;
        }
    }
    let page = home.reader.show(&id("r1")).unwrap().unwrap();
    assert_eq!(page.now, "build: ';' expected; the practice agent tries again");
    let deploy = &page.stages[5];
    assert!(deploy.stumbled && deploy.ended.is_some());
    assert_eq!(deploy.says, "build: ';' expected");
    assert_eq!(page.stages[2].ended, None, "choosing again");
    assert_eq!(
        page.stages[6],
        StageView { stage: Stage::Record, started: None, ended: None, says: String::new(), stumbled: false }
    );
}

#[test]
fn the_rows_of_a_whole_request() {
    let mut home = Home::new();
    for (fact, blob) in whole_request() {
        home.append_with(fact, blob.into_iter().collect());
    }
    let (reader, bakery) = (&home.reader, id::<ProjectId>("bakery"));
    let projects = reader.projects().unwrap();
    assert_eq!((projects.len(), projects[0].active), (1, true));
    assert_eq!(projects[0].url.as_deref(), Some("http://127.0.0.1:4101/"));
    let (planned, completed) = reader.steps(&bakery).unwrap();
    assert_eq!(planned, [], "the planned step was carried out");
    assert_eq!((completed[0].number, completed[0].text.as_deref()), (Some(1), Some("the step's text")));
    assert_eq!(reader.planned_step(&id("s4")).unwrap(), None);
    assert_eq!(reader.agent_record().unwrap(), [(id("codex"), 1, 0), (id("practice"), 1, 1)]);
    assert!(reader.last_worked(&id("codex")).unwrap() < reader.last_worked(&id("practice")).unwrap());
    assert_eq!(reader.last_worked(&id("gemini-cli")).unwrap(), None);
    assert_eq!(reader.request_of_attempt(&id("r1.1.2")).unwrap(), Some(id("r1")));
    for (filter, rows) in
        [(None, 1), (Some("SAUERTEIG live"), 1), (Some("sauerteig failed"), 0), (Some("practice c1"), 1)]
    {
        assert_eq!(reader.deployments(Some(&bakery), filter, 10).unwrap().len(), rows, "{filter:?}");
    }
    assert_eq!(reader.deployments(Some(&id("garage")), None, 10).unwrap(), []);
    assert_eq!(reader.deployments(None, None, 0).unwrap(), []);
    assert_eq!(reader.deployment(&id("d1")).unwrap().unwrap().rating, Some(4));
}

#[test]
fn a_rollback_makes_the_other_release_live() {
    let mut home = Home::new();
    for release in ["rel1", "rel2"] {
        home.append(ReleaseLive {
            request: id("r1"),
            attempt: id("a1"),
            project: id("bakery"),
            release: id(release),
            commit: id("c1"),
            url: "http://x/".into(),
        });
    }
    let live = |home: &Home| {
        let rows = home.reader.releases(&id("bakery")).unwrap();
        rows.iter().filter(|row| row.live).map(|row| row.release.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(live(&home), ["rel2"]);
    let back = ReleaseRolledBack {
        project: id("bakery"),
        from: id("rel2"),
        to: id("rel1"),
        why: "you".into(),
        request: None,
    };
    home.append(back);
    assert_eq!(live(&home), ["rel1"]);
}
