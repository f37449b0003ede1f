//! later
pub struct Workspace;
