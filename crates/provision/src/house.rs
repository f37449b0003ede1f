//! What only the crate of the daemon knows, and a set-up needs: Node and the agents' programs, the daemon that runs, its
//! projects.

use protocol::setup::Obstacle;

pub trait House {
    /// The version of a program ("node", or an agent) that would be installed; none where there is none for this machine.
    fn wanted(&self, program: &str) -> Option<String>;
    fn installed(&self, program: &str) -> Option<String>;
    fn install(&self, program: &str, tell: &mut dyn FnMut(String)) -> Result<(), Obstacle>;
    /// The version of the daemon that answers; none when none does.
    fn daemon(&self) -> Option<String>;
    /// Names of its projects.
    fn projects(&self) -> Option<Vec<String>>;
    fn create_project(&self, name: &str, starter: Option<&str>) -> Result<(), Obstacle>;
    /// The first project's own domain, and whether the terms of the authority for its certificate were agreed to.
    fn domain(&self) -> Option<(String, bool)>;
    /// Why this cannot be a site's domain.
    fn bad_domain(&self, name: &str) -> Option<String>;
    fn set_domain(&self, name: &str, agreed: bool, contact: Option<&str>) -> Result<(), Obstacle>;
    /// The edge answers.
    fn edge(&self) -> bool;
    /// Ends all sites, for good.
    fn end_sites(&self);
    fn certificates(&self) -> Vec<protocol::setup::Certificate>;
}
