//! A request whose work is done side by side: its parts as lanes, and the agents that race for one part.

use super::stages;
use protocol::fact::{CheckResult, DiffStat, Judge};
use protocol::id::{AgentId, AttemptId};
use protocol::view::{AttemptView, RequestView, TaskStatus, TaskView};

#[derive(Debug, Clone, PartialEq)]
pub struct Lane {
    pub number: u32,
    /// Its own words; none for the whole request, whose words stand above.
    pub title: Option<String>,
    /// The word for `data-status`, and its label.
    pub status: (&'static str, &'static str),
    pub now: String,
    /// Who works at it, or did.
    pub agents: Vec<AgentId>,
    pub race: Option<Race>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Race {
    /// Best first once it was judged, else in the order in which they began.
    pub racers: Vec<Racer>,
    /// Why the winner won.
    pub why: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Racer {
    pub attempt: AttemptId,
    pub agent: AgentId,
    /// Its place, once there is one.
    pub place: Option<usize>,
    pub winner: bool,
    pub passed: Option<bool>,
    pub diff: Option<DiffStat>,
    pub duration_ms: Option<u64>,
    pub runs: bool,
    /// Whether the user can still take this one.
    pub open: bool,
}

/// None for a request with one task that one agent does: the stages say all of it.
pub fn lanes(view: &RequestView) -> Vec<Lane> {
    let apart = view.tasks.len() > 1 || view.tasks.iter().any(is_race);
    if apart { view.tasks.iter().map(|task| lane(view, task)).collect() } else { Vec::new() }
}

/// Whether a race waits for the user to take one of those that raced.
pub fn can_pick(view: &RequestView) -> bool {
    lanes(view).into_iter().filter_map(|lane| lane.race).any(|race| race.racers.iter().any(|r| r.open))
}

fn is_race(task: &TaskView) -> bool {
    task.agents.len() > 1 || task.judged.is_some()
}

fn attempts<'a>(view: &'a RequestView, task: &'a TaskView) -> impl Iterator<Item = &'a AttemptView> {
    view.attempts.iter().filter(move |a| a.task == task.task)
}

fn lane(view: &RequestView, task: &TaskView) -> Lane {
    let mut agents: Vec<AgentId> = attempts(view, task).map(|a| a.agent.clone()).collect();
    agents.dedup();
    let waits = attempts(view, task).any(|a| a.asked.is_some() && a.finished.is_none());
    Lane {
        number: task.number,
        title: task.text.clone().or_else(|| (view.tasks.len() > 1).then(|| task.title.clone())),
        status: if waits { ("waiting", "Asks you") } else { status_word(&task.status) },
        now: task.now.clone(),
        agents: if agents.is_empty() { task.agents.clone() } else { agents },
        race: is_race(task).then(|| race(view, task)),
    }
}

fn race(view: &RequestView, task: &TaskView) -> Race {
    let over =
        matches!(task.status, TaskStatus::Landed { .. } | TaskStatus::GivenUp { .. } | TaskStatus::Cancelled)
            || !stages::is_open(&view.row.status);
    let judged = task.judged.as_ref();
    let yours = judged.is_some_and(|j| j.judge == Judge::You);
    let mut racers: Vec<Racer> = attempts(view, task)
        .map(|attempt| {
            let place = judged.and_then(|j| j.ranking.iter().position(|r| r.attempt == attempt.attempt));
            let ranked = judged.zip(place).and_then(|(j, place)| j.ranking.get(place));
            let finished = attempt.finished.as_ref();
            let winner = judged.is_some_and(|j| j.winner == attempt.attempt);
            Racer {
                attempt: attempt.attempt.clone(),
                agent: attempt.agent.clone(),
                place: place.map(|p| p + 1),
                winner,
                passed: ranked.map(|r| r.passed).or_else(|| checked(attempt)),
                diff: ranked.map(|r| r.diff).or(finished.map(|f| f.diff)),
                duration_ms: ranked.map_or_else(|| finished.and_then(|f| f.duration_ms), |r| r.duration_ms),
                runs: finished.is_none(),
                open: !over && !yours && finished.is_some_and(|f| f.commit.is_some()),
            }
        })
        .collect();
    racers.sort_by_key(|r| r.place.unwrap_or(usize::MAX));
    Race { racers, why: judged.map(|j| j.why.clone()) }
}

/// What our checks say of an attempt that is not ranked yet.
fn checked(attempt: &AttemptView) -> Option<bool> {
    let ended = attempt.finished.is_some() && !attempt.checks.is_empty();
    ended.then(|| attempt.checks.iter().all(|c| c.result == CheckResult::Passed))
}

fn status_word(status: &TaskStatus) -> (&'static str, &'static str) {
    match status {
        TaskStatus::Queued => ("queued", "Queued"),
        TaskStatus::Running { stage } => ("running", stages::label(*stage)),
        TaskStatus::Waiting { .. } => ("waiting", "Waiting"),
        TaskStatus::Landed { .. } => ("live", "Landed"),
        TaskStatus::GivenUp { .. } => ("failed", "Given up"),
        TaskStatus::Cancelled => ("cancelled", "Cancelled"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn one_task_by_one_agent_has_no_lanes() {
        assert_eq!(lanes(&sample::running()), vec![]);
        assert_eq!(lanes(&sample::live()), vec![]);
    }

    #[test]
    fn parts_are_lanes_with_their_own_agents() {
        let lanes = lanes(&sample::split());
        let said: Vec<_> =
            lanes.iter().map(|l| (l.number, l.status.0, l.agents.len(), l.race.is_some())).collect();
        assert_eq!(said, [(1, "running", 1, false), (2, "waiting", 1, false), (3, "queued", 0, false)]);
    }

    #[test]
    fn a_race_is_ranked_and_can_be_picked_until_it_landed() {
        let mut view = sample::race();
        let race = |view: &RequestView| lanes(view).remove(0).race.unwrap();
        let places: Vec<_> =
            race(&view).racers.iter().map(|r| (r.agent.to_string(), r.place, r.winner, r.open)).collect();
        assert_eq!(
            places,
            [("claude-code".to_owned(), Some(1), true, true), ("codex".to_owned(), Some(2), false, true),]
        );
        view.tasks[0].status = TaskStatus::Landed { commit: sample::id("c") };
        assert!(race(&view).racers.iter().all(|r| !r.open));
    }
}
