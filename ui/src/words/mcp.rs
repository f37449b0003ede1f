//! What an MCP client is told to reach the bridges.

use protocol::view::BridgeView;

/// What stands in the token's place until it is asked for.
pub const MASK: &str = "••••••••••••••••";

/// The configuration that MCP clients read, with a server for each bridge.
pub fn config(bridges: &[BridgeView], token: &str) -> String {
    let mut out = String::from("{\n  \"mcpServers\": {");
    for (i, bridge) in bridges.iter().enumerate() {
        let comma = if i > 0 { "," } else { "" };
        let port = port(&bridge.url);
        out += &format!(
            "{comma}\n    \"loopwright-{port}\": {{\n      \"type\": \"http\",\n      \"url\": \"{}\",\n      \"headers\": {{ \"Authorization\": \"Bearer {token}\" }}\n    }}",
            bridge.url
        );
    }
    out += "\n  }\n}\n";
    out
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
        let text = config(&[bridge(3210), bridge(3211)], "secret");
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        let one = &read["mcpServers"]["loopwright-3211"];
        assert_eq!(one["url"], "http://127.0.0.1:3211/mcp");
        assert_eq!(one["headers"]["Authorization"], "Bearer secret");
        assert_eq!(read["mcpServers"].as_object().unwrap().len(), 2);
    }
}
