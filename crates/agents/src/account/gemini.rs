//! Gemini CLI's account.

use super::claude::given;
use super::ways::{KEY, MODEL, URL};
use super::{Field, Key, Kind, Login, Place, Question, Reading, Row, SignOut, Source, Way};
use protocol::fact::Paid;

const fn file(path: &'static str) -> Source {
    Source::File(Place { variable: None, folder: ".gemini", path })
}

/// Its settings say how it signs in, so that a key gets a folder of its own.
const BY_KEY: Option<(&str, &str)> = Some(("GEMINI_CLI_HOME", ".gemini-by-key"));

pub(super) const ROW: Row = Row {
    sources: &[
        file("oauth_creds.json"),
        file("gemini-credentials.json"),
        Source::Variable("GEMINI_API_KEY"),
        Source::Variable("GOOGLE_API_KEY"),
    ],
    question: |_, _| Question::Session,
    endpoints: &["GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL"],
    login_pays: Some(Paid::Subscription),
    ways: &[
        Way {
            name: "login",
            title: "Google account",
            says: "Opens Google's page. Sign in there, and paste here the code that it shows.",
            kind: Kind::Login(Login {
                args: &["--skip-trust"],
                env: &[
                    ("NO_BROWSER", "true"),
                    ("TERM", "xterm-256color"),
                    // It starts itself again once the way is chosen.
                    ("GEMINI_CLI_NO_RELAUNCH", ""),
                    ("GEMINI_API_KEY", ""),
                    ("GOOGLE_API_KEY", ""),
                    ("GOOGLE_GEMINI_BASE_URL", ""),
                ],
                terminal: true,
                reading: Reading {
                    url: r"(https://accounts\.google\.com/\S+)",
                    code: None,
                    asks: Some((r"(Enter the authorization code):", "the code that Google's page shows")),
                    press: Some((r"(●\s*1\.\s*Sign in with Google)", "\r")),
                    callback: None,
                    again: None,
                    failed: Some(r"(Failed to authenticate with authorization code:[^\n]*)"),
                    stays: true,
                    lasts: None,
                },
            }),
        },
        Way {
            name: "api-key",
            title: "Gemini API key",
            says: "A key from Google AI Studio.",
            kind: Kind::Key(Key {
                home: BY_KEY,
                fields: &[KEY, Field { optional: true, ..MODEL }],
                paid: Paid::Key,
                environment: |fields| given(fields, &[("key", "GEMINI_API_KEY"), ("model", "GEMINI_MODEL")]),
            }),
        },
        Way {
            name: "vertex",
            title: "Vertex AI key",
            says: "A key of Google Cloud's Vertex AI (express mode).",
            kind: Kind::Key(Key {
                home: BY_KEY,
                fields: &[KEY, Field { optional: true, ..MODEL }],
                paid: Paid::Key,
                environment: |fields| {
                    let mut env = given(fields, &[("key", "GOOGLE_API_KEY"), ("model", "GEMINI_MODEL")]);
                    env.push(("GOOGLE_GENAI_USE_VERTEXAI", "true".into()));
                    env
                },
            }),
        },
        Way {
            name: "endpoint",
            title: "Endpoint of your own",
            says: "A service that speaks the Gemini API.",
            kind: Kind::Key(Key {
                home: BY_KEY,
                fields: &[URL, KEY, Field { optional: true, ..MODEL }],
                paid: Paid::OwnEndpoint,
                environment: |fields| {
                    given(
                        fields,
                        &[
                            ("url", "GOOGLE_GEMINI_BASE_URL"),
                            ("key", "GEMINI_API_KEY"),
                            ("model", "GEMINI_MODEL"),
                        ],
                    )
                },
            }),
        },
    ],
    sign_out: SignOut::Remove,
    next: "sign it in on the Agents page, or with `loopwrightd sign-in gemini-cli`",
};
