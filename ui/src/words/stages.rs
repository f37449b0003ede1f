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
        (Some(_), None, Status::Closed { outcome: Outcome::Live | Outcome::Partly, .. }) => Mark::Done,
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
        Outcome::Partly => ("partly", "Partly live"),
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

/// The seven stages on a circle of radius 1 about the origin, clockwise from the top. As numbers, because sine and cosine
/// would add 10 kB to the wasm; a test computes them.
const UNIT: [Point; 7] = [
    Point { x: 0.0, y: -1.0 },
    Point { x: 0.78183, y: -0.62349 },
    Point { x: 0.97493, y: 0.22252 },
    Point { x: 0.43388, y: 0.90097 },
    Point { x: -0.43388, y: 0.90097 },
    Point { x: -0.97493, y: 0.22252 },
    Point { x: -0.78183, y: -0.62349 },
];
/// Where the arc after the first stage begins and ends (11.1° and 40.3° from the top), leaving room for the points.
const ARC: [Point; 2] = [Point { x: 0.19354, y: -0.98109 }, Point { x: 0.64635, y: -0.76304 }];

/// Where a stage stands.
pub fn on_ring(index: usize, radius: f64, centre: Point) -> Point {
    let unit = UNIT[index % UNIT.len()];
    Point { x: centre.x + radius * unit.x, y: centre.y + radius * unit.y }
}

/// SVG path of the arc from the first stage to the second; [`turn`] brings it to the others.
pub fn arc(radius: f64, centre: Point) -> String {
    let [(x0, y0), (x1, y1)] =
        ARC.map(|p| (tenths(centre.x + radius * p.x), tenths(centre.y + radius * p.y)));
    let r = tenths(radius);
    format!("M{x0} {y0}A{r} {r} 0 0 1 {x1} {y1}")
}

/// SVG transform that turns the first arc to the one after stage `index`.
pub fn turn(index: usize, centre: Point) -> String {
    format!("rotate({} {} {})", tenths(index as f64 * 360.0 / 7.0), tenths(centre.x), tenths(centre.y))
}

/// A length with one decimal. Formatting of floats in general would add 10 kB to the wasm.
pub fn tenths(length: f64) -> String {
    let tenths = (length * 10.0).round() as i64;
    let sign = if tenths < 0 { "-" } else { "" };
    format!("{sign}{}.{}", tenths.abs() / 10, tenths.abs() % 10)
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
        for index in 0..7 {
            let (y, x) = (index as f64 / 7.0 * std::f64::consts::TAU - std::f64::consts::FRAC_PI_2).sin_cos();
            let at = on_ring(index, 50.0, centre);
            assert!(
                (at.x - (100.0 + 50.0 * x)).abs() < 0.001 && (at.y - (100.0 + 50.0 * y)).abs() < 0.001,
                "{index}"
            );
        }
        for end in ARC {
            assert!((end.x.hypot(end.y) - 1.0).abs() < 0.0001);
        }
        assert_eq!(arc(50.0, centre), "M109.7 50.9A50.0 50.0 0 0 1 132.3 61.8");
        assert_eq!(turn(2, centre), "rotate(102.9 100.0 100.0)");
        assert_eq!([tenths(-0.06), tenths(3.25), tenths(12.0)], ["-0.1", "3.3", "12.0"]);
    }
}
