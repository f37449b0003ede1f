//! The conformance suite: every scenario through the product's own driver, with a real program and a scripted service.
//!
//! A row says how the run ended, what was billed and what was recorded, and what was left of it. Nothing is taken from
//! what the agent says of itself.

mod attempt;
mod candidate;
mod case;
mod judge;
mod room;
mod row;
mod run;
mod watch;

pub use candidate::Candidate;
pub use case::{Case, Play, cases};
pub use room::Room;
pub use row::{Agreement, Recorded, Row, table};
pub use run::run;
pub use watch::processes;

use futures_util::{StreamExt, stream};
use std::path::Path;

/// Plays the scenarios, as many at a time as `abreast` says, each in a folder of its own in `place`, and gives the rows in
/// the scenarios' order. `tell` hears of each as it ends.
pub async fn run_all(
    candidate: &Candidate,
    cases: &[Case],
    place: &Path,
    abreast: usize,
    tell: impl Fn(&Row),
) -> Vec<Row> {
    let played = cases.iter().enumerate().map(|(n, case)| {
        let folder = place.join(format!("{}-{n}", candidate.agent));
        let tell = &tell;
        async move {
            let row = run(candidate, case, &folder).await;
            tell(&row);
            row
        }
    });
    stream::iter(played).buffered(abreast.max(1)).collect().await
}
