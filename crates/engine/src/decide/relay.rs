//! From one agent to another in the middle of a task, and from an agent to the user and back.

use super::draft::Draft;
use super::{Look, run, stale};
use crate::policy;
use crate::rejected::Rejected;
use crate::state::{Open, Stand, Trouble};
use protocol::fact::*;
use protocol::*;

type Facts = Result<Vec<Fact>, Rejected>;

/// The run is stopped first; its end says what there is to go on with.
pub fn hand_over(look: Look, request: &RequestId, attempt: AttemptId, to: Option<AgentId>) -> Facts {
    look.open(request)?;
    let (open, lane) = look.open_at(&attempt, "the hand-over")?;
    if open.lanes.get(lane).and_then(|lane| lane.at.run()) != Some(None) {
        return Err(Rejected::NotRunning { attempt });
    }
    if let Some(to) = &to {
        if open.current(lane).is_some_and(|now| now.agent == *to) {
            return Err(Rejected::SameAgent { attempt });
        }
        if !open.agents.iter().any(|known| known.agent == *to) {
            return Err(Rejected::UnknownAgent { agent: to.clone() });
        }
    }
    let mut draft = Draft::new(look, open);
    draft.push(HandOverAsked { request: request.clone(), attempt, to });
    draft.done()
}

/// The run that was handed over has ended. Who is not known to be ready may be by now: then the agents are looked at
/// again before anybody is chosen.
pub fn go_on(draft: &mut Draft, lane: usize) -> Result<(), Rejected> {
    match draft.ask(lane, policy::heir) {
        Some(pick) => draft.choose(lane, pick),
        None => Ok(()),
    }
}

/// What an agent wants to know.
pub struct Question {
    pub attempt: AttemptId,
    pub ask: String,
    pub kind: AskKind,
    pub question: BlobRef,
    pub options: Vec<AskOption>,
}

pub fn asked(look: Look, asked: Question) -> Facts {
    let Question { attempt, ask, kind, question, options } = asked;
    let (open, lane) = run::running(look, &attempt, "a question")?;
    match open.current(lane) {
        Some(a) if a.started && !a.asks.contains_key(&ask) => {
            let request = open.request.clone();
            Ok(vec![AttemptAsked { request, attempt, ask, ask_kind: kind, question, options }.into()])
        }
        Some(_) | None => Err(stale(&attempt, "a question")),
    }
}

/// An answer to a question that nobody waits for any more in its run makes its task go on.
pub fn answer(
    look: Look,
    request: &RequestId,
    attempt: AttemptId,
    ask: String,
    option: Option<String>,
    text: Option<BlobRef>,
) -> Facts {
    look.open(request)?;
    let (open, lane) = look.open_at(&attempt, "the answer")?;
    let runs = open.lanes.get(lane).is_some_and(|lane| matches!(lane.at, Stand::Running { .. }));
    let heard = runs || waits_for_an_answer(open, lane);
    let asks = open.current(lane).map(|a| &a.asks).filter(|_| heard);
    let Some(options) = asks.and_then(|asks| asks.get(&ask)) else {
        return Err(Rejected::NoAsk { attempt, ask });
    };
    match &option {
        Some(option) if !options.contains(option) => {
            return Err(Rejected::BadAnswer { attempt, why: "it is none of its options" });
        }
        None if text.is_none() => return Err(Rejected::BadAnswer { attempt, why: "it is empty" }),
        Some(_) | None => {}
    }
    let mut draft = Draft::new(look, open);
    draft.push(AttemptAnswered { request: request.clone(), attempt, ask, option, text });
    if draft.open.current(lane).is_some_and(|a| a.asks.is_empty()) && waits_for_an_answer(open, lane) {
        let task = open.lanes.get(lane).map_or(0, |lane| lane.task);
        draft.resume(task, "you answered");
    }
    draft.done()
}

/// Whether the lane's last run ended with a question, and its task waits because of it.
pub fn waits_for_an_answer(open: &Open, lane: usize) -> bool {
    let asked = open.current(lane).is_some_and(|a| a.trouble == Some(Trouble::Asked));
    asked && open.task_of(lane).is_some_and(|task| task.waiting.is_some())
}
