//! The seven stages as a picture: each one's state, and where it stands on the ring.

use protocol::fact::Outcome;
use protocol::view::{RequestView, Stage, StageView, Status};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Idle,
    Active,
    Done,
    Failed,
}

impl Mark {
    pub fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Active => "active",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

pub fn slug(stage: Stage) -> &'static str {
    match stage {
        Stage::Request => "request",
        Stage::Wake => "wake",
        Stage::Choose => "choose",
        Stage::Brief => "brief",
        Stage::Code => "code",
        Stage::Deploy => "deploy",
        Stage::Record => "record",
    }
}

/// The name that fits beside a point of the ring.
pub fn label(stage: Stage) -> &'static str {
    match stage {
        Stage::Request => "Request",
        Stage::Wake => "Hermes wakes",
        Stage::Choose => "Agent",
        Stage::Brief => "Task",
        Stage::Code => "Code",
        Stage::Deploy => "Test & deploy",
        Stage::Record => "Record",
    }
}

/// What one stage of a request looks like.
pub fn mark(row: &StageView, status: &Status) -> Mark {
    let ended_badly = matches!(status, Status::Closed { outcome: Outcome::Failed | Outcome::Cancelled, .. });
    match (row.started, row.ended, status) {
        (_, _, Status::Running { stage }) if *stage == row.stage => Mark::Active,
        (Some(_), Some(_), _) if row.stumbled && ended_badly => Mark::Failed,
        (Some(_), Some(_), _) => Mark::Done,
        (Some(_), None, Status::Closed { outcome: Outcome::Live, .. }) => Mark::Done,
        (Some(_), None, Status::Closed { .. }) => Mark::Failed,
        (Some(_), None, _) => Mark::Active,
        (None, _, _) => Mark::Idle,
    }
}

/// All seven, in order, whatever the view has.
pub fn marks(view: &RequestView) -> [(Stage, Mark, Option<StageView>); 7] {
    Stage::ALL.map(|stage| {
        let row = view.stages.iter().find(|s| s.stage == stage);
        (stage, row.map_or(Mark::Idle, |r| mark(r, &view.row.status)), row.cloned())
    })
}

/// The word for `data-status` and its label.
pub fn status_word(status: &Status) -> (&'static str, &'static str) {
    match status {
        Status::Queued => ("queued", "Queued"),
        Status::Running { .. } => ("running", "Running"),
        Status::Waiting { .. } => ("waiting", "Waiting"),
        Status::Cancelling => ("cancelling", "Stopping"),
        Status::Closed { outcome, .. } => outcome_word(*outcome),
    }
}

pub fn outcome_word(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Live => ("live", "Live"),
        Outcome::Failed => ("failed", "Failed"),
        Outcome::Cancelled => ("cancelled", "Cancelled"),
    }
}

pub fn is_open(status: &Status) -> bool {
    !matches!(status, Status::Closed { .. })
}

/// A point of the ring.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

/// Position of point `turn` (0.0 is the first stage at the top, 1.0 is once around, clockwise).
pub fn on_ring(turn: f64, radius: f64, centre: Point) -> Point {
    let angle = turn * std::f64::consts::TAU - std::f64::consts::FRAC_PI_2;
    Point { x: centre.x + radius * angle.cos(), y: centre.y + radius * angle.sin() }
}

/// SVG path of the arc from one stage to the next, leaving room for the points.
pub fn arc(index: usize, radius: f64, gap: f64, centre: Point) -> String {
    let turn = |n: usize| n as f64 / 7.0;
    let (from, to) =
        (on_ring(turn(index) + gap, radius, centre), on_ring(turn(index + 1) - gap, radius, centre));
    format!("M{:.1} {:.1}A{radius:.1} {radius:.1} 0 0 1 {:.1} {:.1}", from.x, from.y, to.x, to.y)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use protocol::At;

    #[test]
    fn a_running_request_has_one_active_stage_and_idle_ones_after_it() {
        let view = sample::running();
        let states: Vec<&str> = marks(&view).iter().map(|(_, m, _)| m.word()).collect();
        assert_eq!(states, ["done", "done", "done", "done", "active", "idle", "idle"]);
    }

    #[test]
    fn a_live_request_is_done_all_round_even_if_it_stumbled() {
        let view = sample::live();
        assert!(view.stages.iter().any(|s| s.stumbled));
        assert!(marks(&view).iter().all(|(_, m, _)| *m == Mark::Done));
    }

    #[test]
    fn a_failed_request_shows_where() {
        let mut view = sample::live();
        view.row.status = Status::Closed { outcome: Outcome::Failed, why: "limits".into() };
        let failed: Vec<&str> =
            marks(&view).iter().filter(|(_, m, _)| *m == Mark::Failed).map(|(s, _, _)| slug(*s)).collect();
        assert_eq!(failed, ["deploy"]);
    }

    #[test]
    fn a_stage_that_was_left_open_by_a_cancel_is_failed_not_active() {
        let row = StageView {
            stage: Stage::Code,
            started: Some(At(1)),
            ended: None,
            says: String::new(),
            stumbled: false,
        };
        let closed = Status::Closed { outcome: Outcome::Cancelled, why: "you asked".into() };
        assert_eq!(mark(&row, &closed), Mark::Failed);
        assert_eq!(mark(&row, &Status::Cancelling), Mark::Active);
    }

    #[test]
    fn the_ring_starts_at_the_top_and_goes_clockwise() {
        let centre = Point { x: 100.0, y: 100.0 };
        let top = on_ring(0.0, 50.0, centre);
        assert!((top.x - 100.0).abs() < 1e-9 && (top.y - 50.0).abs() < 1e-9);
        assert!(on_ring(0.25, 50.0, centre).x > 149.0);
        assert!(arc(6, 50.0, 0.02, centre).starts_with('M'));
    }
}
