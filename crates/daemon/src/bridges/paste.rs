//! How the bridges are switched and how clients are told of them: the command line's side.

use crate::print;
use anyhow::{Context, Result};
use protocol::view::BridgeView;
use std::path::Path;
use std::str::FromStr;

/// On which ports the bridges listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    Off,
    /// This one and the next ones; 0: any free ones.
    From(u16),
}

impl FromStr for Ports {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse().map(Self::From).map_err(|_| format!("{text:?} is neither a port nor `off`"))
    }
}

/// Addresses, states, the token's file, and what to paste into a client.
pub fn paste(rows: &[BridgeView], token: &str, file: &Path) -> Result<()> {
    for row in rows {
        print::line(&format!("{}  {}", if row.up { "up  " } else { "down" }, row.says))?;
        if !row.url.is_empty() {
            print::line(&format!("      {}", row.url))?;
        }
    }
    let agents = agents::catalogue().iter().filter(|profile| !profile.practice);
    let up: Vec<(&str, &str)> = agents
        .zip(rows)
        .filter(|(_, row)| row.up)
        .map(|(profile, row)| (profile.id.as_str(), row.url.as_str()))
        .collect();
    if up.is_empty() {
        return print::line("\nno MCP server is up: see `loopwrightd doctor`");
    }
    let file = file.to_str().context("the home folder's path is not UTF-8")?;
    print::line(&format!("\ntoken: in {file} (only you can read it)"))?;
    print::line("\nClaude Code:")?;
    for (name, url) in &up {
        print::line(&format!(
            "  claude mcp add --transport http loopwright-{name} {url} --header \"Authorization: Bearer $(cat {file})\""
        ))?;
    }
    print::line(&format!("\nCodex, started with LOOPWRIGHT_TOKEN=\"$(cat {file})\" in its environment:"))?;
    for (name, url) in &up {
        print::line(&format!(
            "  codex mcp add loopwright-{name} --url {url} --bearer-token-env-var LOOPWRIGHT_TOKEN"
        ))?;
    }
    print::line("\nany other client, as JSON (it holds the token):")?;
    print::line(&any_client(&up, token)?)
}

fn any_client(up: &[(&str, &str)], token: &str) -> Result<String> {
    let servers: serde_json::Map<String, serde_json::Value> = up
        .iter()
        .map(|(name, url)| {
            let headers = serde_json::json!({ "Authorization": format!("Bearer {token}") });
            let server = serde_json::json!({ "type": "http", "url": url, "headers": headers });
            (format!("loopwright-{name}"), server)
        })
        .collect();
    Ok(serde_json::to_string_pretty(&serde_json::json!({ "mcpServers": servers }))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_a_number_or_off() {
        assert_eq!("off".parse(), Ok(Ports::Off));
        assert_eq!("3210".parse(), Ok(Ports::From(3210)));
        for wrong in ["", "on", "-1", "70000", "3210 "] {
            assert!(wrong.parse::<Ports>().unwrap_err().contains("neither"));
        }
    }

    #[test]
    fn a_client_gets_every_server_that_is_up() {
        let text = any_client(&[("one", "http://127.0.0.1:1/mcp")], "secret").unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let server = &value["mcpServers"]["loopwright-one"];
        assert_eq!(server["url"], "http://127.0.0.1:1/mcp");
        assert_eq!(server["headers"]["Authorization"], "Bearer secret");
    }
}
