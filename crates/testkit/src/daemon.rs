//! later
pub struct Daemon;
