//! Kimi Code's account.

use super::claude::given;
use super::ways::{Fields, KEY, MODEL, URL, Variables};
use super::{Field, Key, Kind, Login, Place, Question, Reading, Row, SignOut, Source, Way};
use protocol::fact::Paid;
use std::time::Duration;

pub(super) const ROW: Row = Row {
    sources: &[
        Source::File(Place { variable: Some("KIMI_CODE_HOME"), folder: ".kimi-code", path: "credentials" }),
        Source::Variable("KIMI_MODEL_API_KEY"),
    ],
    question: |_, _| Question::Session,
    endpoints: &["KIMI_MODEL_BASE_URL"],
    login_pays: Some(Paid::Subscription),
    ways: &[
        Way {
            name: "login",
            title: "Kimi account (kimi.ai)",
            says: "Opens Kimi's page. Sign in there and confirm the code that is shown here.",
            kind: Kind::Login(login(&["login", "--region", "global"])),
        },
        Way {
            name: "login-cn",
            title: "Kimi account (kimi.com, mainland China)",
            says: "Opens Kimi's page for mainland China. Sign in there and confirm the code that is shown here.",
            kind: Kind::Login(login(&["login", "--region", "mainland-cn"])),
        },
        Way {
            name: "api-key",
            title: "API key",
            says: "A key for Kimi Code, with the address of your region.",
            kind: Kind::Key(Key {
                home: None,
                fields: &[
                    KEY,
                    Field { default: Some("https://api.kimi.ai/coding/v1"), ..URL },
                    Field { default: Some("kimi-for-coding"), ..MODEL },
                ],
                paid: Paid::Key,
                environment: model,
            }),
        },
        Way {
            name: "endpoint",
            title: "Endpoint of your own",
            says: "A service that speaks OpenAI's chat completions.",
            kind: Kind::Key(Key {
                home: None,
                fields: &[URL, KEY, MODEL],
                paid: Paid::OwnEndpoint,
                environment: model,
            }),
        },
    ],
    sign_out: SignOut::Protocol,
    next: "sign it in on the Agents page, or with `loopwrightd sign-in kimi-code`",
};

const fn login(args: &'static [&'static str]) -> Login {
    Login {
        args,
        env: &[],
        terminal: false,
        reading: Reading {
            url: r"(https?://\S+(?:[?&]user_code=\S+|/\S*device))\s",
            code: Some(r"code:\s+([A-Z0-9]{2,}-?[A-Z0-9]{2,})"),
            asks: None,
            press: None,
            callback: None,
            again: None,
            failed: None,
            stays: false,
            lasts: Some(Duration::from_secs(10 * 60)),
        },
    }
}

/// All four, or it takes none of them.
fn model(fields: &Fields) -> Variables {
    let mut env = given(
        fields,
        &[("key", "KIMI_MODEL_API_KEY"), ("url", "KIMI_MODEL_BASE_URL"), ("model", "KIMI_MODEL_NAME")],
    );
    env.push(("KIMI_MODEL_PROVIDER_TYPE", "kimi".to_owned()));
    env
}
