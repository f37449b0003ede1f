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
        Measure { name: "a whole run of the practice agent", take: practice::run },
        Measure { name: "reading what an agent writes", take: reading::rows },
        Measure { name: "the real agents", take: inside::rows },
    ]
}
