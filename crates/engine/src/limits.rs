//! How much is tried before the loop stops. Data, so that a workspace can set them.

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Requests that are worked on at once, in the whole workspace. Waiting ones do not count.
    pub active: usize,
    /// Attempts at one request. Runs that were lost are counted apart.
    pub attempts: u32,
    /// How often the same agent may try again after a failure of its own.
    pub same_agent_again: u32,
    /// Runs of one request that may be lost (the daemon went away) and begun again.
    pub lost: u32,
    /// For the shell: how often it tries one effect before it reports `EffectFailed`. The engine does not try again.
    pub effect_failures: u32,
    /// For the shell: the brief's budget in tokens.
    pub brief_tokens: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            active: 1,
            attempts: 4,
            same_agent_again: 1,
            lost: 3,
            effect_failures: 3,
            brief_tokens: 12_000,
        }
    }
}
