//! What the bench measures and the tests hold: how well the memory answers a set of questions whose answers are known.

pub mod recall_set;
