//! What a closing leaves behind, also when the machine gets in the way.

use super::*;
use CheckKind::*;

fn row(facts: &[Fact]) -> &DeploymentRecorded {
    facts.iter().find_map(|fact| if let Fact::DeploymentRecorded(f) = fact { Some(f) } else { None }).unwrap()
}

fn to_live(w: &mut World, request: &str) {
    let attempt = w.run(request, &[ready("codex")]).to_string();
    w.put(finished(&attempt, AttemptEnd::TurnEnded, Some("c1"))).unwrap();
    w.pass(&attempt, &[Gate, Build, Test, Health]);
    w.put(landed(&attempt, "c1")).unwrap();
    w.put(switched(&attempt)).unwrap();
}

#[test]
fn the_row_holds_what_was_observed() {
    let mut w = World::new();
    w.submit("r", None);
    to_live(&mut w, "r");
    let facts = w.put(recorded("r")).unwrap();
    let row = row(&facts);
    assert_eq!((row.step, row.attempts, row.practice, row.duration_ms), (Some(1), 1, false, 7));
    assert_eq!((row.commit.clone(), row.release.clone()), (Some(id("c1")), Some(id("rel-r-a1"))));
    assert_eq!((row.usage.input, row.usage.output, row.usage.cost_usd), (Some(10), Some(5), None));
    assert_eq!((row.model.as_deref(), row.url.as_deref()), (Some("m"), Some("http://a/")));
}

#[test]
fn usage_is_summed_and_a_class_that_one_attempt_did_not_report_is_unknown() {
    let mut w = World::new();
    w.submit("r", None);
    w.put(oriented("r", &[ready("codex")])).unwrap();
    w.ends("r", AttemptEnd::TurnEnded, None);
    let attempt = w.begin("r");
    let usage = Usage { input: Some(u64::MAX), cost_usd: Some(0.5), ..Usage::default() };
    let end = AttemptEnd::TurnEnded;
    let ended = Ended { usage, ..Ended::without_a_trace(end) };
    w.put(Input::Finished { attempt, ended }).unwrap();
    let facts = w.put(recorded("r")).unwrap();
    let row = row(&facts);
    assert_eq!((row.attempts, row.usage.input), (2, Some(u64::MAX)), "the sum does not overflow");
    assert_eq!((row.usage.output, row.usage.cost_usd), (None, None));
    assert_eq!(
        (row.step, row.commit.clone(), row.release.clone(), row.model.clone()),
        (None, None, None, None)
    );
}

#[test]
fn no_attempt_means_nothing_is_known_of_an_agent() {
    let mut w = World::new();
    w.submit("r", None);
    w.put(cancel("r")).unwrap();
    let facts = w.put(recorded("r")).unwrap();
    let row = row(&facts);
    assert_eq!((row.outcome, row.attempts, row.agent.clone()), (Outcome::Cancelled, 0, None));
    assert_eq!(row.usage, Usage::default());
}

#[test]
fn steps_are_numbered_within_their_project_and_a_planned_one_is_completed() {
    let mut w = World::new();
    let planned = StepPlanned { project: id("bakery"), step: id("plan"), title: "p".into(), text: blob("p") };
    w.put(Input::PlanStep(planned)).unwrap();
    w.submit("first", None);
    let with_step = RequestReceived { step: Some(id("plan")), ..received("second") };
    w.put(Input::Submit(with_step)).unwrap();
    let mut steps = Vec::new();
    for request in ["first", "second"] {
        to_live(&mut w, request);
        let Fact::StepCompleted(step) = w.put(recorded(request)).unwrap().remove(0) else { panic!() };
        steps.push((step.number, step.step.to_string()));
    }
    assert_eq!(steps, [(1, "step-first".to_owned()), (2, "plan".to_owned())]);
    assert!(matches!(w.put(Input::DropStep { step: id("plan") }), Err(Rejected::UnknownStep { .. })));
}

#[test]
fn an_effect_that_fails_ends_the_request_with_the_reason() {
    let mut w = World::new();
    w.submit("r", None);
    w.run("r", &[ready("codex")]);
    w.put(finished("r-a1", AttemptEnd::TurnEnded, Some("c1"))).unwrap();
    assert_eq!(w.kinds(broken("check/r-a1/gate/c1")), ["attempt.diagnosed"]);
    let Effect::Record { outcome, why, .. } = w.pending().remove(0) else { panic!() };
    assert_eq!(outcome, Outcome::Failed);
    assert_eq!(why, "the request ends: the gate could not be carried out: no space");
}

#[test]
fn a_record_that_cannot_be_written_does_not_spin_and_takes_nothing_back() {
    let mut w = World::new();
    w.submit("r", None);
    to_live(&mut w, "r");
    let facts = w.put(broken("record/r")).unwrap();
    assert_eq!(facts.iter().map(Fact::kind).collect::<Vec<_>>(), ["deployment.recorded", "request.closed"]);
    assert_eq!(row(&facts).outcome, Outcome::Live);
    assert!(row(&facts).summary.ends_with("writing the record failed: no space"));
    assert!(row(&facts).duration_ms > 0);
    assert!(w.effects().is_empty());
}

#[test]
fn a_wake_up_that_cannot_be_carried_out_closes_the_request() {
    let mut w = World::new();
    w.submit("r", None);
    assert_eq!(w.kinds(broken("orient/r")), ["deployment.recorded", "request.closed"]);
    assert_eq!(w.put(cancel("r")), Err(Rejected::Ended { request: id("r") }));
}

#[test]
fn ten_thousand_closed_requests_leave_only_ids() {
    let mut state = State::default();
    let limits = Limits::default();
    let mut bytes = 0;
    let put = |state: &mut State, input| {
        for fact in decide(state, &limits, input).unwrap() {
            state.apply(At(1), &fact);
        }
    };
    put(&mut state, Input::ProjectCreated(project("bakery")));
    for number in 0..10_000 {
        put(&mut state, Input::Submit(received(&format!("r{number}"))));
    }
    assert_eq!(pending(&state, &limits).len(), 2, "only the head of the queue is looked at");
    for number in 0..10_000 {
        put(&mut state, cancel(&format!("r{number}")));
        put(&mut state, recorded(&format!("r{number}")));
    }
    assert!(state.open.is_empty() && state.queue.is_empty() && state.awake.is_empty() && state.busy == 0);
    for (client, request) in &state.clients {
        bytes += client.as_str().len() + request.as_str().len();
    }
    bytes += state.deployments.iter().map(|id| id.as_str().len()).sum::<usize>();
    bytes += state.notes.blobs().map(|(note, blob)| note.as_str().len() + blob.as_str().len()).sum::<usize>();
    let ids = 2 * state.clients.len() + state.deployments.len() + 2 * state.notes.blobs().count();
    assert_eq!(ids, 70_000, "two notes for each, and nothing else");
    assert!(bytes + ids * size_of::<String>() < 4_000_000);
}
