//! Codex's account. A key of the user's own is given to it as a model provider whose key stands in a variable: Codex's own
//! way for a key (`codex login --with-api-key`) would write a copy into its home.

use super::claude::given;
use super::ways::{Fields, KEY, MODEL, URL, Variables};
use super::{Answer, Field, Key, Kind, Login, Place, Question, Reading, Row, SignOut, Source, Verdict, Way};
use crate::profile::{Profile, codex};
use crate::readiness::{read_config, words};
use crate::{Setup, launch};
use protocol::fact::Paid;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// Where the adapter's own configuration names the key.
const KEY_VARIABLE: &str = "LOOPWRIGHT_CODEX_KEY";
const OPENAI: &str = "https://api.openai.com/v1";

pub(super) const ROW: Row = Row {
    sources: &[
        Source::File(Place { variable: Some("CODEX_HOME"), folder: ".codex", path: "auth.json" }),
        Source::Variable(KEY_VARIABLE),
        Source::Variable("CODEX_API_KEY"),
    ],
    question,
    endpoints: &[],
    login_pays: None,
    ways: &[
        Way {
            name: "device",
            title: "ChatGPT, with a code",
            says: "Opens OpenAI's page. Sign in there and type the code that is shown here.",
            kind: Kind::Login(Login {
                args: &["login", "--device-auth"],
                env: &[],
                terminal: false,
                reading: Reading {
                    url: r"(https?://\S+/device(?:\?\S*)?)\s",
                    code: Some(r"(?m)^\s*([A-Z0-9]{3,8}-[A-Z0-9]{3,8})\s*$"),
                    asks: None,
                    press: None,
                    callback: None,
                    again: None,
                    failed: None,
                    stays: false,
                    lasts: Some(Duration::from_secs(15 * 60)),
                },
            }),
        },
        Way {
            name: "browser",
            title: "ChatGPT, in a browser on this machine",
            says: "Opens OpenAI's page, which comes back to a port of this machine. From another computer: copy the address at which the browser ended and paste it here.",
            kind: Kind::Login(Login {
                args: &["login"],
                env: &[],
                terminal: false,
                reading: Reading {
                    url: r"(https?://\S+/oauth/authorize\S*)",
                    code: None,
                    asks: None,
                    press: None,
                    callback: Some(r"(?:localhost|127\.0\.0\.1):(\d{2,5})"),
                    again: None,
                    failed: None,
                    stays: false,
                    lasts: None,
                },
            }),
        },
        Way {
            name: "api-key",
            title: "API key",
            says: "A key from OpenAI's platform, paid by use.",
            kind: Kind::Key(Key {
                home: None,
                fields: &[KEY, Field { optional: true, ..MODEL }],
                paid: Paid::Key,
                environment: |fields| provider(fields, "OpenAI"),
            }),
        },
        Way {
            name: "endpoint",
            title: "Endpoint of your own",
            says: "A service that speaks OpenAI's Responses API.",
            kind: Kind::Key(Key {
                home: None,
                fields: &[URL, Field { optional: true, ..KEY }, MODEL],
                paid: Paid::OwnEndpoint,
                environment: |fields| provider(fields, "Own endpoint"),
            }),
        },
    ],
    sign_out: SignOut::Command(&["logout"]),
    next: "sign it in on the Agents page, or with `loopwrightd sign-in codex`",
};

/// A provider of its own is only known where it opens a session; of its accounts `codex login status` knows.
fn question(setup: &Setup, profile: &Profile) -> Question {
    let stored = setup.accounts.get(&profile.id).is_some();
    match own_provider(setup, profile) {
        Some(Provider { key: Some(key) }) if launch::variable(setup, profile, &key).is_none() => {
            Question::Known(Verdict::Refuses { reason: format!("its provider's key {key} is not set") })
        }
        Some(_) => Question::Session,
        None if stored => Question::Session,
        None => Question::Command { args: &["login", "status"], read },
    }
}

fn read(answer: &Answer) -> Verdict {
    let said = words(answer);
    let lower = said.to_lowercase();
    if answer.success {
        let paid = if lower.contains("chatgpt") {
            Some(Paid::Subscription)
        } else if lower.contains("api key") {
            Some(Paid::Key)
        } else {
            None
        };
        Verdict::Takes { says: format!("it says: {}", first_line(&said)), paid }
    } else if lower.contains("not logged in") {
        Verdict::Refuses { reason: "it says that it is not logged in".into() }
    } else if lower.contains("error checking login status") {
        Verdict::Refuses { reason: format!("it cannot use them: {said}") }
    } else {
        Verdict::Unclear { reason: format!("it cannot say whether it is signed in: {said}") }
    }
}

/// It shows a part of the key in the same line.
fn first_line(said: &str) -> &str {
    said.split(" - ").next().unwrap_or(said)
}

/// The model provider that the user configured for it.
struct Provider {
    key: Option<String>,
}

fn own_provider(setup: &Setup, profile: &Profile) -> Option<Provider> {
    let folder = launch::variable(setup, profile, "CODEX_HOME")
        .map_or_else(|| launch::home(setup, profile).join(".codex"), PathBuf::from);
    let config: toml::Table = read_config(&folder.join("config.toml"))?.parse().ok()?;
    let name = config.get("model_provider")?.as_str()?;
    let provider = config.get("model_providers")?.get(name)?;
    let text = |key: &str| provider.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let openai = provider.get("requires_openai_auth").and_then(toml::Value::as_bool).unwrap_or(false);
    (!openai).then(|| Provider { key: text("env_key") })
}

fn provider(fields: &Fields, title: &str) -> Variables {
    let mut own = json!({
        "name": title,
        "base_url": fields.get("url").map_or(OPENAI, String::as_str),
        "wire_api": "responses",
    });
    if fields.contains_key("key") {
        own["env_key"] = KEY_VARIABLE.into();
    }
    let mut config = codex::config();
    config.insert("model_provider".into(), "loopwright".into());
    config.insert("model_providers".into(), json!({"loopwright": own}));
    if let Some(model) = fields.get("model") {
        config.insert("model".into(), model.as_str().into());
    }
    let mut env = given(fields, &[("key", KEY_VARIABLE)]);
    env.push(("CODEX_CONFIG", Value::Object(config).to_string()));
    env
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_of_ones_own_keeps_what_every_run_is_told() {
        let fields = Fields::from([("key".to_owned(), "sk-1".to_owned())]);
        let env = provider(&fields, "Mine");
        let config = env.iter().find_map(|(name, value)| (*name == "CODEX_CONFIG").then_some(value)).unwrap();
        let config: Value = serde_json::from_str(config).unwrap();
        for (name, value) in codex::config() {
            assert_eq!(config[&name], value, "{name}");
        }
        assert_eq!(config["features"]["shell_snapshot"], false);
        assert_eq!(config["model_providers"]["loopwright"]["env_key"], KEY_VARIABLE);
    }
}
