//! Where things lie on the server. Every path goes through [`Root`], so that tests set a folder up instead of this machine.

use std::path::{Path, PathBuf};

#[derive(Debug, Clone)]
pub struct Root(PathBuf);

impl Root {
    pub fn new(root: impl Into<PathBuf>) -> Root {
        Root(root.into())
    }

    /// The real place of an absolute path.
    pub fn at(&self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/'))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// The paths that other programs know too.
pub mod paths {
    pub const OPT: &str = "/opt/loopwright";
    pub const VERSIONS: &str = "/opt/loopwright/versions";
    pub const CURRENT: &str = "/opt/loopwright/current";
    pub const PROGRAM: &str = "/opt/loopwright/current/loopwrightd";
    pub const COMMAND: &str = "/usr/local/bin/loopwrightd";
    pub const TOOLS: &str = "/opt/loopwright/tools";
    pub const STATE: &str = "/var/lib/loopwright";
    pub const SETUP: &str = "/var/lib/loopwright/setup";
    pub const WORKSPACE: &str = "/var/lib/loopwright/workspace";
    pub const DESK: &str = "/var/lib/loopwright/desk";
    pub const INCOMING: &str = "/var/lib/loopwright/desk/incoming";
    pub const EXPORTS: &str = "/var/lib/loopwright/desk/exports";
    pub const CONTROL: &str = "/run/loopwright/control.sock";
    pub const DESK_USER: &str = "loopwright-desk";
    pub const RESUME_UNIT: &str = "loopwright-setup-resume.service";
}
