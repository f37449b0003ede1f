//! Sends an agent's program to a scripted service in place of its vendor's: what it must find in its environment and in
//! its home for that. The keys are made up.

use crate::profile;
use protocol::AgentId;
use std::collections::BTreeMap;

/// What makes an agent use a scripted service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StandIn {
    /// For [`Setup::env`](crate::Setup).
    pub env: BTreeMap<String, String>,
    /// Files in the agent's home: path and text.
    pub files: Vec<(&'static str, String)>,
}

/// For the service at `base` (`http://127.0.0.1:PORT`), which speaks every wire under the path that its vendor uses.
/// `None`: it needs no service.
pub fn stand_in(agent: &AgentId, base: &str) -> Option<StandIn> {
    let profile = profile::find(agent)?;
    match profile.id.as_str() {
        "claude-code" => Some(from(&[("ANTHROPIC_BASE_URL", base), ("ANTHROPIC_API_KEY", KEY)], vec![])),
        "codex" => Some(from(&[("SCRIPTED_KEY", KEY)], vec![(".codex/config.toml", codex(base))])),
        "gemini-cli" => {
            let env = [("GEMINI_API_KEY", KEY), ("GOOGLE_GEMINI_BASE_URL", base)];
            let settings = r#"{"security":{"auth":{"selectedType":"gemini-api-key"}}}"#.to_owned();
            Some(from(&env, vec![(".gemini/settings.json", settings)]))
        }
        "qwen-code" => {
            let openai = format!("{base}/v1");
            let env =
                [("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", &openai), ("OPENAI_MODEL", "qwen3-coder-plus")];
            let settings = r#"{"security":{"auth":{"selectedType":"openai"}}}"#.to_owned();
            Some(from(&env, vec![(".qwen/settings.json", settings)]))
        }
        "kimi-code" => {
            let openai = format!("{base}/v1");
            let env = [
                ("KIMI_MODEL_NAME", "kimi-for-coding"),
                ("KIMI_MODEL_API_KEY", KEY),
                ("KIMI_MODEL_PROVIDER_TYPE", "kimi"),
                ("KIMI_MODEL_BASE_URL", &openai),
            ];
            Some(from(&env, vec![]))
        }
        _ => None,
    }
}

const KEY: &str = "sk-made-up-0000000000000000";

fn from(env: &[(&str, &str)], files: Vec<(&'static str, String)>) -> StandIn {
    let env = env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    StandIn { env, files }
}

/// `gpt-5.5` is a model that Codex knows; an unknown one is not given `apply_patch`.
fn codex(base: &str) -> String {
    format!(
        "model = \"gpt-5.5\"\nmodel_provider = \"scripted\"\n\n[analytics]\nenabled = false\n\n\
         [model_providers.scripted]\nname = \"scripted\"\nbase_url = \"{base}/v1\"\nwire_api = \"responses\"\n\
         env_key = \"SCRIPTED_KEY\"\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_real_agent_can_be_sent_elsewhere_and_the_practice_agent_needs_it_not() {
        for profile in profile::catalogue() {
            let there = stand_in(&profile.id, "http://127.0.0.1:1");
            assert_eq!(there.is_none(), profile.practice, "{}", profile.id);
            let Some(there) = there else { continue };
            let told = format!("{:?}{:?}", there.env, there.files);
            assert!(told.contains("http://127.0.0.1:1"), "{}", profile.id);
        }
    }
}
