//! What our own driving of an agent costs, beside the same program without us.

mod bare;
mod inside;
mod practice;
mod reading;
mod real;

pub use inside::write as write_inside;

use crate::Measure;

pub fn measures() -> Vec<Measure> {
    vec![
        Measure::new("a whole run of the practice agent", practice::run),
        Measure::new("reading what an agent writes", reading::rows),
        Measure::new("the real agents", inside::rows),
    ]
}
