//! What an MCP client is told to reach the bridges.

use protocol::id::AgentId;
use protocol::view::{AgentRow, BridgeView};

/// What stands in the token's place until it is asked for.
pub const MASK: &str = "••••••••••••••••";

/// The configuration that MCP clients read, with a server for each bridge.
pub fn config(bridges: &[(String, BridgeView)], token: &str) -> String {
    let mut out = String::from("{\n  \"mcpServers\": {");
    for (i, (name, bridge)) in bridges.iter().enumerate() {
        let comma = if i > 0 { "," } else { "" };
        out += &format!(
            "{comma}\n    \"loopwright-{name}\": {{\n      \"type\": \"http\",\n      \"url\": \"{}\",\n      \"headers\": {{ \"Authorization\": \"Bearer {token}\" }}\n    }}",
            bridge.url
        );
    }
    out += "\n  }\n}\n";
    out
}

/// Each bridge with a name: its agent's, or its port where that is not known.
pub fn named(rows: Vec<BridgeView>, agents: &[AgentRow]) -> Vec<(String, BridgeView)> {
    let is = |row: &BridgeView, agent: &AgentRow| {
        agent.now.as_ref().and_then(|n| n.bridge.as_ref()).is_some_and(|b| b.url == row.url)
    };
    let name = |row: &BridgeView| {
        let of = agents.iter().find(|agent| is(row, agent));
        of.map_or_else(|| port(&row.url).to_owned(), |a| a.agent.to_string())
    };
    rows.into_iter().map(|row| (name(&row), row)).collect()
}

/// The agent's name as its maker writes it, by the bridge's.
pub fn title(name: &str, agents: &[AgentRow]) -> String {
    match AgentId::new(name) {
        Ok(agent) => super::agents::title(agents, &agent),
        Err(_) => name.to_owned(),
    }
}

/// The port of an address, which tells the bridges apart.
fn port(url: &str) -> &str {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or(host);
    host.rsplit_once(':').map_or(host, |(_, port)| port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_json_with_each_bridge() {
        let bridge = |port: u16| BridgeView {
            url: format!("http://127.0.0.1:{port}/mcp"),
            up: true,
            says: "up".into(),
        };
        let of = named(vec![bridge(3210), bridge(3211)], &[]);
        let text = config(&of, "secret");
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        let one = &read["mcpServers"]["loopwright-3211"];
        assert_eq!(one["url"], "http://127.0.0.1:3211/mcp");
        assert_eq!(one["headers"]["Authorization"], "Bearer secret");
        assert_eq!(read["mcpServers"].as_object().unwrap().len(), 2);
    }
}
