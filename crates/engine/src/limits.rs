//! How much is tried before the loop stops. Data, so that a workspace can set them.

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Requests that are worked on at once, in the whole workspace. Waiting ones do not count.
    pub active: usize,
    /// Attempts at one request. Runs that were lost are counted apart.
    pub attempts: u32,
    /// How often the same agent may try again after a failure of its own.
    pub same_agent_again: u32,
    /// Runs of one request that may be lost (the daemon went away) in a row, none of them with a checkpoint, and begun
    /// again. A daemon that dies of a run does not go on with it for ever.
    pub lost: u32,
    /// The same for all lost runs of one request: what costs tokens each time has an end too.
    pub lost_in_all: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { active: 1, attempts: 4, same_agent_again: 1, lost: 3, lost_in_all: 10 }
    }
}
