//! The choice of the agent: who, and what the user is told.

use super::*;
use crate::policy::*;
use crate::state::{TrackRecord, Trouble};
use std::collections::BTreeMap;

type Past = [(&'static str, Option<Trouble>)];

/// Asks with a track record of (agent, live, runs). `looked`: attempts that were made before the look at the agents.
fn asked<T>(
    agents: &[AgentState],
    wish: Option<&str>,
    past: &Past,
    looked: usize,
    record: &[(&str, u32, u32)],
    ask: impl FnOnce(&Question) -> T,
) -> T {
    let names: Vec<AgentId> = past.iter().map(|(agent, _)| id(agent)).collect();
    let wish: Option<AgentId> = wish.map(id);
    let is_out = |t: &Option<Trouble>| matches!(t, Some(Trouble::Quota { .. } | Trouble::SignedOut));
    let out = past.iter().skip(looked).filter(|(_, t)| is_out(t)).map(|(agent, _)| id(agent)).collect();
    let real = past.iter().any(|(agent, _)| *agent != "practice");
    let past: Vec<Try> = names
        .iter()
        .zip(past)
        .map(|(agent, (name, trouble))| Try {
            agent,
            practice: *name == "practice",
            trouble: trouble.as_ref(),
            checkpoints: 0,
        })
        .collect();
    let record: BTreeMap<AgentId, TrackRecord> = record
        .iter()
        .map(|(agent, live, runs)| (id(agent), TrackRecord { live: *live, runs: *runs }))
        .collect();
    let (limits, now) = (Limits::default(), At(1_000));
    ask(&Question {
        agents,
        wish: wish.as_ref(),
        past: &past,
        out: &out,
        beside: &[],
        real,
        record: &record,
        limits: &limits,
        now,
    })
}

fn first_of(
    agents: &[AgentState],
    wish: Option<&str>,
    record: &[(&str, u32, u32)],
) -> Result<(String, String), Waiting> {
    asked(agents, wish, &[], 0, record, first).map(|pick| (pick.agent.to_string(), pick.why))
}

fn next_of(agents: &[AgentState], wish: Option<&str>, past: &Past) -> Next {
    asked(agents, wish, past, 0, &[], next)
}

fn takes(next: Next) -> String {
    match next {
        Next::Take(pick) => pick.agent.to_string(),
        Next::Wait(waiting) => panic!("{waiting:?}"),
        Next::GiveUp(why) => panic!("{why}"),
    }
}

const MECHANICAL: Option<Trouble> = Some(Trouble::Check(CheckKind::Test));
const AGENT: Option<Trouble> = Some(Trouble::Agent);
const LOST: Option<Trouble> = Some(Trouble::Lost);
const SIGNED_OUT: Option<Trouble> = Some(Trouble::SignedOut);

#[test]
fn the_first_choice_by_record_then_by_catalogue() {
    let both = [ready("claude"), ready("codex"), practice()];
    for (record, agent) in [
        (vec![], "claude"),
        (vec![("codex", 1, 1)], "codex"),
        (vec![("claude", 0, 1)], "codex"),
        (vec![("claude", 3, 4), ("codex", 3, 4)], "claude"),
        (vec![("claude", 1, 1), ("codex", 9, 10)], "codex"),
        (vec![("practice", 50, 50)], "claude"),
    ] {
        assert_eq!(first_of(&both, None, &record).unwrap().0, agent, "{record:?}");
    }
}

#[test]
fn the_reason_names_why_the_others_were_passed_over() {
    let agents =
        [signed_out("claude"), ready("codex"), ready("gemini"), quota_gone("qwen", None), practice()];
    let (agent, why) = first_of(&agents, None, &[("codex", 3, 4), ("gemini", 1, 4)]).unwrap();
    assert_eq!(agent, "codex");
    assert_eq!(
        why,
        "best record of the ready agents (3 of 4 runs went live); claude is signed out (run claude login); \
         gemini has 1 of 4 runs that went live; qwen has used up its quota"
    );
    let (_, why) = first_of(&[signed_out("claude"), practice()], None, &[]).unwrap();
    assert_eq!(why, "practice, because no real agent is ready: claude is signed out");
}

#[test]
fn a_wish_is_kept_or_waited_for_with_the_next_step() {
    let agents = [ready("claude"), signed_out("codex"), quota_gone("qwen", Some(5_000)), practice()];
    assert_eq!(first_of(&agents, Some("claude"), &[]).unwrap().1, "you asked for it");
    assert_eq!(first_of(&agents, Some("practice"), &[]).unwrap().0, "practice");
    let reason = "you asked for codex, which is signed out (run codex login)".to_owned();
    assert_eq!(first_of(&agents, Some("codex"), &[]), Err(Waiting::Agent { reason }));
    let quota = Waiting::Quota { agent: id("qwen"), until: Some(At(5_000)) };
    assert_eq!(first_of(&agents, Some("qwen"), &[]), Err(quota));
    let reason =
        "you asked for kimi, which is not known here; known are: claude, codex, qwen, practice".to_owned();
    assert_eq!(first_of(&agents, Some("kimi"), &[]), Err(Waiting::Agent { reason }));
}

#[test]
fn nobody_ready_waits_for_the_first_quota_or_for_the_user() {
    let quotas =
        [quota_gone("claude", Some(9_000)), quota_gone("codex", Some(5_000)), quota_gone("old", Some(9))];
    let waiting = Waiting::Quota { agent: id("codex"), until: Some(At(5_000)) };
    assert_eq!(first_of(&quotas, None, &[]), Err(waiting));
    let others = [
        state_of("a", Readiness::Missing { next: "install it".into() }),
        state_of("b", Readiness::Broken { reason: "no node".into(), next: "run doctor".into() }),
        state_of("c", Readiness::Busy { version: "1".into() }),
    ];
    let reason = "no agent is ready: a is not installed (install it); b does not work: no node (run doctor); c is busy";
    assert_eq!(first_of(&others, None, &[]), Err(Waiting::Agent { reason: reason.into() }));
    assert!(matches!(first_of(&[], None, &[]), Err(Waiting::Agent { .. })));
}

#[test]
fn a_retry_by_what_went_wrong() {
    let both = [ready("claude"), ready("codex"), practice()];
    assert_eq!(takes(next_of(&both, None, &[("claude", MECHANICAL)])), "claude");
    assert_eq!(takes(next_of(&both, None, &[("claude", MECHANICAL), ("claude", MECHANICAL)])), "codex");
    assert_eq!(takes(next_of(&both, None, &[("claude", AGENT)])), "codex");
    assert_eq!(takes(next_of(&both, None, &[("claude", AGENT), ("codex", AGENT)])), "claude");
    assert_eq!(takes(next_of(&both, None, &[("claude", SIGNED_OUT)])), "codex");
    assert_eq!(
        takes(next_of(&both, None, &[("claude", LOST), ("claude", LOST), ("claude", LOST)])),
        "claude"
    );
    assert_eq!(
        takes(next_of(&both, Some("claude"), &[("claude", AGENT)])),
        "codex",
        "a wish was tried first"
    );
    let lost = [("claude", LOST), ("claude", LOST), ("claude", LOST), ("claude", LOST)];
    assert!(matches!(next_of(&both, None, &lost), Next::GiveUp(why) if why.contains("4 runs were lost")));
    let spent = [("claude", SIGNED_OUT), ("codex", SIGNED_OUT), ("claude", LOST), ("codex", SIGNED_OUT)];
    assert!(matches!(next_of(&both, None, &spent), Next::Wait(Waiting::Agent { .. })));
}

#[test]
fn an_agent_that_is_out_is_not_taken_again_before_a_fresh_look() {
    let both = [ready("claude"), ready("codex")];
    let quota = Some(Trouble::Quota { until: Some(At(9_000)) });
    let past = [("claude", quota), ("codex", SIGNED_OUT)];
    assert!(matches!(next_of(&both, None, &past), Next::Wait(Waiting::Agent { .. })));
    assert_eq!(asked(&both, None, &past, 2, &[], first).unwrap().agent, id("claude"));
}

#[test]
fn practice_never_follows_a_real_agent_and_a_real_one_never_follows_a_wish_for_practice() {
    let alone = [ready("claude"), practice()];
    let past = [("claude", MECHANICAL), ("claude", MECHANICAL)];
    let Next::GiveUp(why) = next_of(&alone, None, &past) else { panic!() };
    assert_eq!(
        why,
        "given up after 2 attempts, no other agent can take it: claude failed 2 times at this request"
    );
    assert!(
        asked(&[signed_out("claude"), practice()], None, &[("claude", SIGNED_OUT)], 1, &[], first).is_err()
    );
    assert_eq!(
        takes(next_of(&[signed_out("claude"), practice()], None, &[("practice", MECHANICAL)])),
        "practice"
    );
    let past = [("practice", AGENT), ("practice", AGENT)];
    assert!(matches!(next_of(&alone, Some("practice"), &past), Next::GiveUp(_)));
    assert_eq!(takes(next_of(&alone, Some("practice"), &past[..1])), "practice");
}
