//! Finds the address, the code and the prompt in what a program printed.

use crate::account::Reading;
use regex::Regex;

/// The patterns of one way, ready for use.
pub(super) struct Patterns {
    url: Regex,
    code: Option<Regex>,
    asks: Option<Regex>,
    press: Option<Regex>,
    callback: Option<Regex>,
    again: Option<Regex>,
    failed: Option<Regex>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub url: Option<String>,
    pub code: Option<String>,
    /// It asks, and nothing was answered yet.
    pub asks: bool,
    pub callback: Option<u16>,
    pub again: Option<String>,
    pub failed: Option<String>,
}

impl Patterns {
    pub fn new(reading: &Reading) -> Result<Patterns, regex::Error> {
        let compiled = |pattern: Option<&str>| pattern.map(Regex::new).transpose();
        Ok(Patterns {
            url: Regex::new(reading.url)?,
            code: compiled(reading.code)?,
            asks: compiled(reading.asks.map(|(pattern, _)| pattern))?,
            press: compiled(reading.press.map(|(pattern, _)| pattern))?,
            callback: compiled(reading.callback)?,
            again: compiled(reading.again)?,
            failed: compiled(reading.failed)?,
        })
    }

    /// `text` is all that it printed, `fresh` what came since the user last typed something.
    pub fn read(&self, text: &str, fresh: &str) -> Found {
        // The newest one: after a failure it may give another.
        let last = |pattern: &Regex, text: &str| {
            let group = pattern.captures_iter(text).last()?.get(1)?;
            Some(group.as_str().trim().to_owned())
        };
        let found = |pattern: &Option<Regex>, text: &str| last(pattern.as_ref()?, text);
        Found {
            // An address at the very end may not be complete yet.
            url: last(&self.url, complete(text)),
            code: found(&self.code, complete(text)),
            asks: found(&self.asks, fresh).is_some(),
            callback: found(&self.callback, complete(text)).and_then(|port| port.parse().ok()),
            again: found(&self.again, fresh),
            failed: found(&self.failed, complete(fresh)),
        }
    }

    /// What was said on the line of the prompt: the user's line break is not printed.
    pub fn without_prompt<'a>(&self, line: &'a str) -> &'a str {
        let prompt = self.asks.as_ref().and_then(|asks| asks.find(line));
        prompt.and_then(|prompt| line.get(prompt.end()..)).map_or(line, str::trim)
    }

    pub fn is_menu(&self, text: &str) -> bool {
        self.press.as_ref().is_some_and(|menu| menu.is_match(text))
    }
}

/// All whole lines.
fn complete(text: &str) -> &str {
    text.rfind('\n').and_then(|end| text.get(..=end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Kind, Login};
    use crate::profile;
    use proptest::prelude::*;

    fn logins() -> impl Iterator<Item = (&'static str, &'static str, &'static Login)> {
        let of = |profile: &'static profile::Profile| {
            profile.account.ways.iter().filter_map(move |way| match &way.kind {
                Kind::Login(login) => Some((profile.id.as_str(), way.name, login)),
                Kind::Key(_) | Kind::Gone => None,
            })
        };
        profile::catalogue().iter().flat_map(of)
    }

    fn read(agent: &str, way: &str, text: &str) -> Found {
        let (_, _, login) = logins().find(|(a, w, _)| (*a, *w) == (agent, way)).unwrap();
        Patterns::new(&login.reading).unwrap().read(text, text)
    }

    #[test]
    fn every_pattern_can_be_read_and_has_a_group() {
        for (agent, way, login) in logins() {
            Patterns::new(&login.reading).unwrap();
            let reading = &login.reading;
            let all = [Some(reading.url), reading.code, reading.asks.map(|a| a.0), reading.callback];
            for pattern in all.into_iter().flatten() {
                assert_eq!(Regex::new(pattern).unwrap().captures_len(), 2, "{agent} {way}: {pattern}");
            }
        }
    }

    #[test]
    fn claude_code_shows_an_address_and_asks_for_a_code() {
        let text = "Opening browser to sign in…\nIf the browser didn't open, visit:\nhttps://claude.ai/oauth/authorize?code=true&state=x\nPaste code here if prompted > ";
        let found = read("claude-code", "login", text);
        assert_eq!(found.url.as_deref(), Some("https://claude.ai/oauth/authorize?code=true&state=x"));
        assert!(found.asks);
        let again = read(
            "claude-code",
            "login",
            "That doesn't look like the full code. Copy all of it, including the # in the middle.\n",
        );
        assert!(again.again.unwrap().contains("Copy all of it"));
    }

    #[test]
    fn codex_shows_a_code_or_a_port() {
        let text = "Follow these steps to sign in with ChatGPT using device code authorization:\n1. Open this link in your browser and sign in to your account\n   http://127.0.0.1:8097/codex/device\n2. Enter this one-time code (expires in 15 minutes)\n   WXYZ-9876\n";
        let found = read("codex", "device", text);
        assert_eq!(found.url.as_deref(), Some("http://127.0.0.1:8097/codex/device"));
        assert_eq!(found.code.as_deref(), Some("WXYZ-9876"));
        let text = "Starting local login server on http://localhost:1455.\nIf your browser did not open, navigate to this URL to authenticate:\nhttps://auth.openai.com/oauth/authorize?response_type=code&state=nyPw\n";
        let found = read("codex", "browser", text);
        assert_eq!(
            found.url.as_deref(),
            Some("https://auth.openai.com/oauth/authorize?response_type=code&state=nyPw")
        );
        assert_eq!(found.callback, Some(1455));
    }

    #[test]
    fn gemini_shows_a_menu_then_an_address_and_a_prompt() {
        let (_, _, login) = logins().find(|(agent, ..)| *agent == "gemini-cli").unwrap();
        let patterns = Patterns::new(&login.reading).unwrap();
        assert!(patterns.is_menu("│   ● 1. Sign in with Google     │"));
        let text = "Please visit the following URL to authorize the application:\nhttps://accounts.google.com/o/oauth2/v2/auth?redirect_uri=x&state=y\nEnter the authorization code: ";
        let found = patterns.read(text, text);
        assert!(found.asks && found.url.unwrap().ends_with("&state=y"));
        let refused = "x\nFailed to authenticate with authorization code:invalid_grant\n";
        assert!(patterns.read(text, refused).failed.unwrap().ends_with("invalid_grant"));
    }

    #[test]
    fn kimi_shows_an_address_with_its_code() {
        let text = "Opening browser for Kimi device login: http://127.0.0.1:8097/device?user_code=ABCD-1234\nIf the browser did not open, paste the URL above and enter code: ABCD-1234\nCode expires in 600s.\n";
        let found = read("kimi-code", "login", text);
        assert_eq!(found.url.as_deref(), Some("http://127.0.0.1:8097/device?user_code=ABCD-1234"));
        assert_eq!(found.code.as_deref(), Some("ABCD-1234"));
    }

    /// What could not be reached is nothing to open.
    #[test]
    fn an_address_in_an_error_is_none() {
        let text = "Error logging in: error sending request for url (https://auth.openai.com/api/accounts/deviceauth/usercode)\n";
        assert_eq!(read("codex", "device", text).url, None);
        let text = "Login failed: OAuth request to https://auth.kimi.ai/api/oauth/device_authorization failed: fetch failed\n";
        assert_eq!(read("kimi-code", "login", text).url, None);
    }

    #[test]
    fn half_an_address_is_none() {
        let found = read("claude-code", "login", "visit:\nhttps://claude.ai/oauth/auth");
        assert_eq!(found.url, None);
    }

    proptest! {
        #[test]
        fn nothing_that_is_printed_is_too_strange(text in "\\PC*", noise: String) {
            for (_, _, login) in logins() {
                Patterns::new(&login.reading).unwrap().read(&text, &noise);
            }
        }
    }
}
