//! What a run is given of other rooms: which MCP servers it may use.

use crate::context::Daemon;
use engine::effect::Run;

impl Daemon {
    /// The memory's MCP server for one run, with a key that is good for this run's project alone.
    pub fn memory_mcp(&self, run: &Run) -> Option<agents::McpServer> {
        let (url, token) = self.memory_guest(&run.attempt, &run.project, &run.agent)?;
        let headers = vec![("Authorization".into(), format!("Bearer {token}"))];
        Some(agents::McpServer { name: "memory".into(), url, headers })
    }
}
