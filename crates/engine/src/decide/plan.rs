//! From the wake-up to the choice of the agents.

use super::Look;
use super::draft::Draft;
use crate::ids;
use crate::pending::is_orienting;
use crate::policy;
use crate::rejected::Rejected;
use crate::state::Wish;
use protocol::RequestId;
use protocol::fact::*;

pub fn oriented(look: Look, f: RequestOriented) -> Result<Vec<Fact>, Rejected> {
    let open = look.open(&f.request)?;
    if !is_orienting(look.state, look.limits, open) {
        return Err(Rejected::Stale { what: format!("the wake-up for request {}", f.request) });
    }
    let mut draft = Draft::new(look, open);
    draft.push(f);
    if !draft.open.is_planned() {
        let plan = plan(&draft.request(), &draft.open.wish)?;
        draft.push(plan);
    }
    let lanes: Vec<usize> = draft.open.looking().collect();
    for lane in lanes {
        let wanted = draft.open.task_of(lane).map(|task| task.agents.clone()).unwrap_or_default();
        if wanted.len() > 1 && draft.open.current(lane).is_none() {
            race(&mut draft, lane, &wanted)?;
        } else {
            one(&mut draft, lane)?;
        }
    }
    draft.done()
}

fn one(draft: &mut Draft, lane: usize) -> Result<(), Rejected> {
    match draft.ask(lane, policy::first) {
        Ok(pick) => draft.choose(lane, pick),
        Err(waiting) => {
            draft.wait(lane, waiting);
            Ok(())
        }
    }
}

fn race(draft: &mut Draft, lane: usize, wanted: &[protocol::AgentId]) -> Result<(), Rejected> {
    match draft.ask(lane, |q| policy::contenders(q, wanted)) {
        Ok(picks) => picks.into_iter().try_for_each(|pick| draft.choose(lane, pick)),
        Err(waiting) => {
            draft.wait(lane, waiting);
            Ok(())
        }
    }
}

fn plan(request: &RequestId, wish: &Wish) -> Result<PlanMade, Rejected> {
    let Wish { race, parts, .. } = wish;
    let request = request.clone();
    if parts.is_empty() {
        let (task, agents) = (ids::task(&request, 1)?, race.clone());
        let tasks = vec![PlannedTask { task, title: "the whole request".to_owned(), text: None, agents }];
        let why = if race.is_empty() {
            "one task: the request is carried out as a whole".to_owned()
        } else {
            format!("one task for {} agents at the same time: the best attempt lands", race.len())
        };
        return Ok(PlanMade { request, tasks, why });
    }
    let all = parts.len();
    let tasks = parts.iter().enumerate().map(|(at, part)| {
        let (number, agents) = (at + 1, part.agents.clone());
        let (task, title) = (ids::task(&request, number)?, format!("part {number} of {all}"));
        Ok(PlannedTask { task, title, text: Some(part.text.clone()), agents })
    });
    let tasks = tasks.collect::<Result<Vec<_>, Rejected>>()?;
    let why = match all {
        1 => "one task: the part that you asked for".to_owned(),
        _ => format!(
            "{all} tasks, as you split it: they are done at the same time and land one after the other"
        ),
    };
    Ok(PlanMade { request, tasks, why })
}
