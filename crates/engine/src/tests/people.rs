//! What people ask that is not about a running request.

use super::*;

#[test]
fn the_same_client_id_is_one_request_also_after_its_end() {
    let mut w = World::new();
    w.submit("r", None);
    let again = || Input::Submit(RequestReceived { request: id("other"), ..received("r") });
    assert_eq!(w.put(again()), Err(Rejected::Duplicate { request: id("r") }));
    w.put(cancel("r")).unwrap();
    w.put(recorded("r")).unwrap();
    assert_eq!(w.put(again()), Err(Rejected::Duplicate { request: id("r") }));
    let taken = RequestReceived { client: id("new"), ..received("r") };
    assert_eq!(w.put(Input::Submit(taken)), Err(Rejected::Taken { id: "r".into() }));
}

#[test]
fn what_is_not_known_is_said_so() {
    let mut w = World::new();
    let elsewhere = RequestReceived { project: id("nowhere"), ..received("r") };
    assert_eq!(w.put(Input::Submit(elsewhere)), Err(Rejected::UnknownProject { project: id("nowhere") }));
    let unplanned = RequestReceived { step: Some(id("s")), ..received("r") };
    assert_eq!(w.put(Input::Submit(unplanned)), Err(Rejected::UnknownStep { step: id("s") }));
    let long = "r".repeat(61);
    assert_eq!(w.put(Input::Submit(received(&long))), Err(Rejected::BadId { id: long }));
    assert_eq!(w.put(cancel("r")), Err(Rejected::UnknownRequest { request: id("r") }));
    assert_eq!(w.put(recorded("r")), Err(Rejected::UnknownRequest { request: id("r") }));
    let nowhere = Input::Activate { project: id("nowhere") };
    assert_eq!(w.put(nowhere), Err(Rejected::UnknownProject { project: id("nowhere") }));
    assert_eq!(w.put(lost("run/r-a1")), Err(Rejected::Stale { what: "run/r-a1".into() }));
}

#[test]
fn every_id_that_is_derived_from_the_longest_request_id_is_an_id() {
    let request = id(&"r".repeat(60));
    crate::ids::fits(&request).unwrap();
    let attempt = crate::ids::attempt(&request, u32::MAX).unwrap();
    assert_eq!(crate::ids::request_of(&attempt), Some(request.clone()));
    crate::ids::release(&attempt).unwrap();
    crate::ids::note(&request, 1_000_000).unwrap();
    crate::ids::step(&request).unwrap();
    crate::ids::task(&request, 1_000_000).unwrap();
}

#[test]
fn a_deployment_is_rated_with_one_to_five() {
    let mut w = World::new();
    let rate = |rating| Input::Rate { deployment: id("dep-r"), rating };
    assert_eq!(w.put(rate(3)), Err(Rejected::UnknownDeployment { deployment: id("dep-r") }));
    w.submit("r", None);
    w.put(cancel("r")).unwrap();
    w.put(recorded("r")).unwrap();
    for rating in [0, 6, 255] {
        assert_eq!(w.put(rate(rating)), Err(Rejected::BadRating { rating }));
    }
    for rating in 1..=5 {
        assert_eq!(w.kinds(rate(rating)), ["deployment.rated"]);
    }
}

#[test]
fn projects_steps_instructions_and_roll_backs() {
    let mut w = World::new();
    assert_eq!(w.state.active(), Some(&id("bakery")), "the first project is active");
    assert_eq!(w.kinds(Input::ProjectCreated(project("shop"))), ["project.created"]);
    assert_eq!(w.put(Input::ProjectCreated(project("shop"))), Err(Rejected::Taken { id: "shop".into() }));
    assert_eq!(w.kinds(Input::Activate { project: id("shop") }), ["project.activated"]);
    assert!(w.kinds(Input::Activate { project: id("shop") }).is_empty());
    let step = StepPlanned { project: id("shop"), step: id("s"), title: "t".into(), text: blob("t") };
    assert_eq!(w.kinds(Input::PlanStep(step.clone())), ["step.planned"]);
    assert_eq!(w.put(Input::PlanStep(step)), Err(Rejected::Taken { id: "s".into() }));
    let in_bakery = RequestReceived { step: Some(id("s")), ..received("r") };
    assert_eq!(w.put(Input::Submit(in_bakery)), Err(Rejected::UnknownStep { step: id("s") }));
    assert_eq!(w.kinds(Input::DropStep { step: id("s") }), ["step.dropped"]);
    let edit = InstructionEdited { project: id("shop"), path: "SOUL.md".into(), commit: id("c5") };
    assert_eq!(w.kinds(Input::InstructionEdited(edit)), ["instruction.edited"]);
    let (from, to) = (id("rel-b"), id("rel-a"));
    let back = ReleaseRolledBack { project: id("shop"), from, to, why: "you asked".into(), request: None };
    assert_eq!(w.kinds(Input::RolledBack(back.clone())), ["release.rolled_back"]);
    assert_eq!(w.put(Input::RolledBack(back)), Err(Rejected::AlreadyLive { release: id("rel-a") }));
}
