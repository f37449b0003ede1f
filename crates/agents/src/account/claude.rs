//! Claude Code's account.

use super::ways::{Fields, KEY, MODEL, URL, Variables};
use super::{Answer, Field, Key, Kind, Login, Place, Question, Reading, Row, SignOut, Source, Verdict, Way};
use crate::readiness::words;
use protocol::fact::Paid;

pub(super) const ROW: Row = Row {
    sources: &[
        Source::File(Place {
            variable: Some("CLAUDE_CONFIG_DIR"),
            folder: ".claude",
            path: ".credentials.json",
        }),
        Source::Variable("ANTHROPIC_API_KEY"),
        Source::Variable("ANTHROPIC_AUTH_TOKEN"),
        Source::Variable("CLAUDE_CODE_OAUTH_TOKEN"),
        Source::Variable("CLAUDE_CODE_USE_BEDROCK"),
        Source::Variable("CLAUDE_CODE_USE_VERTEX"),
    ],
    question: |_, _| Question::Command { args: &["auth", "status"], read },
    endpoints: &["ANTHROPIC_BASE_URL"],
    login_pays: Some(Paid::Subscription),
    ways: &[
        Way {
            name: "login",
            title: "Claude subscription",
            says: "Opens Anthropic's page. Sign in there, and paste here the code that it shows.",
            kind: Kind::Login(login(&["auth", "login", "--claudeai"])),
        },
        Way {
            name: "console",
            title: "Anthropic Console",
            says: "Opens Anthropic's page for accounts that pay by use. Paste here the code that it shows.",
            kind: Kind::Login(login(&["auth", "login", "--console"])),
        },
        Way {
            name: "token",
            title: "Long-lived token",
            says: "Run `claude setup-token` on a computer of yours and paste here the token that it prints.",
            kind: Kind::Key(Key {
                home: None,
                fields: &[Field { name: "token", title: "Token", ..KEY }],
                paid: Paid::Subscription,
                environment: token,
            }),
        },
        Way {
            name: "api-key",
            title: "API key",
            says: "A key from Anthropic's Console, paid by use.",
            kind: Kind::Key(Key { home: None, fields: &[KEY], paid: Paid::Key, environment: api_key }),
        },
        Way {
            name: "endpoint",
            title: "Endpoint of your own",
            says: "A service that speaks Anthropic's Messages API. Give a key (sent as x-api-key), a token (sent as Bearer), or both.",
            kind: Kind::Key(Key {
                home: None,
                fields: &[
                    URL,
                    Field { optional: true, ..KEY },
                    Field { name: "token", title: "Bearer token", optional: true, ..KEY },
                    Field { optional: true, ..MODEL },
                ],
                paid: Paid::OwnEndpoint,
                environment: endpoint,
            }),
        },
    ],
    sign_out: SignOut::Command(&["auth", "logout"]),
    next: "sign it in on the Agents page, or with `loopwrightd sign-in claude-code`",
};

const fn login(args: &'static [&'static str]) -> Login {
    Login {
        args,
        // A key beside it would be used in its place.
        env: &[("ANTHROPIC_API_KEY", ""), ("CLAUDE_CODE_OAUTH_TOKEN", ""), ("ANTHROPIC_AUTH_TOKEN", "")],
        terminal: false,
        reading: Reading {
            url: r"visit:\s*(https?://\S+)",
            code: None,
            asks: Some((r"(Paste code here[^>\n]*)>", "the code that Anthropic's page shows, all of it")),
            press: None,
            callback: None,
            again: Some(r"(That doesn't look like the full code[^\n]*)"),
            failed: None,
            stays: false,
            lasts: None,
        },
    }
}

/// `claude auth status` answers JSON; it exits with 1 when nobody is signed in.
fn read(answer: &Answer) -> Verdict {
    let Ok(status) = serde_json::from_str::<serde_json::Value>(answer.stdout.trim()) else {
        return Verdict::Unclear {
            reason: format!("it cannot say whether it is signed in: {}", words(answer)),
        };
    };
    let method = status["authMethod"].as_str().unwrap_or("unknown");
    match status["loggedIn"].as_bool() {
        Some(true) => Verdict::Takes {
            says: format!("it says that it is signed in by {method}"),
            paid: match method {
                "claude.ai" => Some(Paid::Subscription),
                "api_key" => Some(Paid::Key),
                _ => None,
            },
        },
        Some(false) => Verdict::Refuses { reason: "it says that it is not signed in".into() },
        None => {
            Verdict::Unclear { reason: format!("it cannot say whether it is signed in: {}", words(answer)) }
        }
    }
}

fn api_key(fields: &Fields) -> Variables {
    given(fields, &[("key", "ANTHROPIC_API_KEY")])
}

fn token(fields: &Fields) -> Variables {
    given(fields, &[("token", "CLAUDE_CODE_OAUTH_TOKEN")])
}

fn endpoint(fields: &Fields) -> Variables {
    given(
        fields,
        &[
            ("url", "ANTHROPIC_BASE_URL"),
            ("key", "ANTHROPIC_API_KEY"),
            ("token", "ANTHROPIC_AUTH_TOKEN"),
            ("model", "ANTHROPIC_MODEL"),
            // Else its side calls ask for a model that such a service need not have.
            ("model", "ANTHROPIC_DEFAULT_HAIKU_MODEL"),
        ],
    )
}

/// Fields under the names of variables.
pub(super) fn given(fields: &Fields, names: &[(&str, &'static str)]) -> Variables {
    let value = |(field, variable): &(&str, &'static str)| Some((*variable, fields.get(*field)?.clone()));
    names.iter().filter_map(value).collect()
}
