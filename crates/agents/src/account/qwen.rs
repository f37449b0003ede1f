//! Qwen Code's account: keys only, since its vendor ended the free sign-in.

use super::claude::given;
use super::ways::{Fields, KEY, MODEL, URL, Variables};
use super::{Field, Key, Kind, Place, Question, Row, SignOut, Source, Way};
use protocol::fact::Paid;

pub(super) const ROW: Row = Row {
    sources: &[
        Source::File(Place { variable: None, folder: ".qwen", path: "oauth_creds.json" }),
        Source::Variable("OPENAI_API_KEY"),
        Source::Variable("BAILIAN_CODING_PLAN_API_KEY"),
        Source::Variable("BAILIAN_TOKEN_PLAN_API_KEY"),
        Source::Variable("DASHSCOPE_API_KEY"),
    ],
    question: |_, _| Question::Session,
    endpoints: &["OPENAI_BASE_URL"],
    login_pays: None,
    ways: &[
        Way {
            name: "login",
            title: "Qwen account",
            says: "The free sign-in with a Qwen account ended on 2026-04-15. Use a Coding Plan key, a DashScope key, or an endpoint of your own.",
            kind: Kind::Gone,
        },
        Way {
            name: "coding-plan",
            title: "Coding Plan key",
            says: "A key of Alibaba Cloud's Coding Plan, with the address of your region.",
            kind: Kind::Key(Key {
                home: None,
                fields: &[
                    KEY,
                    Field { default: Some("https://coding-intl.dashscope.aliyuncs.com/v1"), ..URL },
                    Field { default: Some("qwen3.5-plus"), ..MODEL },
                ],
                paid: Paid::Subscription,
                environment: |fields| {
                    let mut env = openai(fields);
                    env.extend(given(fields, &[("key", "BAILIAN_CODING_PLAN_API_KEY")]));
                    env
                },
            }),
        },
        Way {
            name: "api-key",
            title: "DashScope key",
            says: "A key of Alibaba Cloud's Model Studio, paid by use, with the address of your region.",
            kind: Kind::Key(Key {
                home: None,
                fields: &[
                    KEY,
                    Field { default: Some("https://dashscope-intl.aliyuncs.com/compatible-mode/v1"), ..URL },
                    Field { default: Some("qwen3-coder-plus"), ..MODEL },
                ],
                paid: Paid::Key,
                environment: openai,
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
                environment: openai,
            }),
        },
    ],
    sign_out: SignOut::Remove,
    next: "give it a key on the Agents page, or with `loopwrightd sign-in qwen-code`; its free sign-in no longer exists",
};

fn openai(fields: &Fields) -> Variables {
    given(fields, &[("key", "OPENAI_API_KEY"), ("url", "OPENAI_BASE_URL"), ("model", "OPENAI_MODEL")])
}
