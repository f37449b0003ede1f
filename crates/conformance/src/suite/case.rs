//! The scenarios, as data: what the model does, what is done to the run meanwhile, and how it must end.

use crate::model::{Conversation, Scenario, Step};
use agents::{Permissions, RunLimits};
use serde_json::json;
use std::time::Duration;

/// One scenario.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: &'static str,
    pub scenario: Scenario,
    pub play: Play,
    /// The ends that are right, by the names that the journal gives them.
    pub ends: &'static [&'static str],
    /// What must have been written, and nothing else.
    pub files: Vec<(&'static str, String)>,
    /// It is ended in the middle of its work: whatever it has written then.
    pub any_files: bool,
    /// Where the service said when the quota is back, in Unix seconds.
    pub resets_at: Option<i64>,
    pub limits: RunLimits,
}

/// What is done while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Play {
    /// Nothing.
    Watch,
    /// It is cancelled when its tool has begun.
    CancelInTool,
    /// These words are said to it when its first tool is done.
    Steer(&'static str),
    /// When it has ended, a second run takes its session up with these words.
    Resume(&'static str),
    /// It is given an MCP server whose tool `recall` answers with [`RECALLED`].
    Recall,
    /// It must ask before it does anything, and is allowed what it asks for.
    Allow,
    /// It asks in words, and these are the answer; none: nobody answers.
    Answer(Option<&'static str>),
}

impl Play {
    pub fn permissions(self) -> Permissions {
        match self {
            Play::Allow => Permissions::Ask,
            Play::Watch
            | Play::CancelInTool
            | Play::Steer(_)
            | Play::Resume(_)
            | Play::Recall
            | Play::Answer(_) => Permissions::Allow,
        }
    }
}

/// What the MCP server answers.
pub const RECALLED: &str = "the glossary says that a Sauerteig is never in a hurry";
/// What the brief says; a scenario's conversations may tell a second text from it.
pub const BRIEF: &str = "# Task\nA page for a bakery called Sauerteig, with opening hours.";
/// A file that is there before the run, and its text.
pub const BEFORE: (&str, &str) = ("app/page.html", "<h1>Sauerteig</h1>\n<p>8 to 12</p>\n");
/// How a tool tells that it has begun.
const BEGUN: &str = "echo up > ../running";

const SECOND: &str = "This is the second order: write the other page too.";
const WRITTEN: (&str, &str) = ("app/index.html", "<h1>Sauerteig</h1>\n<p>open</p>\n");

/// All of them; `now` in Unix seconds.
pub fn cases(now: i64) -> Vec<Case> {
    let mut all = work();
    all.extend(refusals(now));
    all.extend(interruptions());
    all.extend(misbehaviour());
    all
}

fn work() -> Vec<Case> {
    let edited = (BEFORE.0, BEFORE.1.replace("8 to 12", "9 to 13"));
    let edit = Step::Edit { path: BEFORE.0.into(), old: line("8 to 12"), new: line("9 to 13") };
    let recall = Step::CallTool { name: "recall".into(), arguments: json!({"query": "glossary"}) };
    // Some ask before they write a file, others before they run a command.
    let asked = vec![write(), shell("python3 -c 'print(1)'")];
    vec![
        ends_well("write", vec![write(), text("The page is there.")]),
        Case { files: vec![edited], ..ends_well("edit", vec![edit]) },
        Case {
            files: vec![("app/shell.txt", "up".into())],
            ..ends_well("shell", vec![shell("printf up > app/shell.txt")])
        },
        Case {
            files: vec![],
            ..ends_well("says done and changed nothing", vec![text("All done, the page is live.")])
        },
        ends_well("delay", vec![Step::Delay { ms: 1500 }, write()]),
        ends_well("unknown tool", vec![Step::UnknownTool, write()]),
        ends_well(
            "huge output of a tool",
            vec![shell("head -c 3000000 /dev/zero | tr '\\0' x | fold -w 100"), write()],
        ),
        Case { files: vec![], ..ends_well("huge text", vec![Step::Huge { bytes: 1 << 20 }]) },
        Case { play: Play::Recall, ..ends_well("mcp recall", vec![recall, write()]) },
        Case { play: Play::Allow, ..ends_well("permission asked", asked) },
    ]
}

fn refusals(now: i64) -> Vec<Case> {
    let refused = |status, times| Step::Http { status, times, resets_at: None };
    let resets_at = Some(now + 7200);
    let quota = Step::Http { status: 429, times: None, resets_at };
    let after_words = vec![shell("echo 'Success: all done, the page is live'"), refused(401, None)];
    let mut all = vec![
        ends("401", &["signed_out"], vec![refused(401, None)]),
        ends("success words then 401", &["signed_out"], after_words),
        Case { resets_at, ..ends("429 with reset", &["quota_gone"], vec![quota]) },
        ends("429 without reset", &["quota_gone", "failed", "silent"], vec![refused(429, None)]),
        ends_well("500 once", vec![refused(500, Some(1)), write()]),
        ends("500 for ever", &["failed", "silent"], vec![refused(500, None)]),
        // Not every program asks again after a stream that broke off; then the attempt has failed, and that is said.
        Case {
            ends: &["turn_ended", "failed"],
            ..ends_well("dropped once", vec![Step::Drop { times: Some(1) }, write()])
        },
        ends("dropped for ever", &["failed", "silent"], vec![Step::Drop { times: None }]),
    ];
    for case in &mut all {
        case.limits.refused = Duration::from_secs(10);
        // Some try again for minutes and say nothing.
        case.limits.idle = Duration::from_secs(25);
    }
    all
}

fn interruptions() -> Vec<Case> {
    let long = format!("{BEGUN}; python3 -c 'import time; time.sleep(300)'");
    let hang = RunLimits { idle: Duration::from_secs(12), ..patient() };
    let other = ("app/other.html", "<p>other</p>\n".to_owned());
    let twice = || Scenario {
        conversations: vec![
            conversation(
                "second",
                &["second order"],
                vec![Step::Write { path: other.0.into(), content: other.1.clone() }],
            ),
            conversation("first", &[], vec![write(), text("The first is there.")]),
        ],
    };
    let both = vec![written(), other.clone()];
    let asks = || Scenario {
        conversations: vec![
            conversation("answered", &["blue"], vec![write()]),
            conversation(
                "asks",
                &[],
                vec![Step::Ask { question: "Which colour shall the page have?".into() }],
            ),
        ],
    };
    vec![
        Case { limits: hang, ..ends("hang", &["silent"], vec![Step::Hang]) },
        Case { play: Play::CancelInTool, ..ends("cancel in a tool", &["cancelled"], vec![shell(&long)]) },
        Case {
            play: Play::Steer(SECOND),
            scenario: twice(),
            files: both.clone(),
            ..ends_well("steer", vec![])
        },
        Case {
            play: Play::Answer(Some("Make it blue.")),
            scenario: asks(),
            ..ends_well("question in words", vec![])
        },
        Case {
            play: Play::Answer(None),
            scenario: asks(),
            ..ends("question that nobody answers", &["asked"], vec![])
        },
        Case { play: Play::Resume(SECOND), scenario: twice(), files: both, ..ends_well("resume", vec![]) },
    ]
}

fn misbehaviour() -> Vec<Case> {
    let stays = "setsid sh -c 'trap \"\" HUP TERM; sleep 600' >/dev/null 2>&1 & echo left";
    let deaf = format!(
        "trap '' TERM INT HUP; {BEGUN}; python3 -c \"import signal, time; \
        [signal.signal(s, signal.SIG_IGN) for s in (1, 2, 15)]; time.sleep(300)\""
    );
    // Each of these would do harm without the limit, and little enough if the limit did not hold.
    // In Python, since Gemini CLI runs no command with a `$(…)` in it.
    let forks = "python3 -c \"import subprocess; [subprocess.Popen(['sleep', '20']) for i in range(1200)]\"";
    let fills = "mkdir -p app/big; python3 -c \"[open('app/big/%d' % i, 'wb').write(bytes(8000000)) for i in range(20)]\"";
    let few = RunLimits { processes: 300, ..patient() };
    let small = RunLimits { growth: 64 << 20, ..patient() };
    let patience = RunLimits { repeats: 4, ..patient() };
    let circle = vec![shell("echo again"); 12];
    vec![
        Case { limits: few, ..ends("tool that forks without end", &["over_limit"], vec![shell(forks)]) },
        Case {
            limits: small,
            any_files: true,
            ..ends("tool that fills the disk", &["over_limit"], vec![shell(fills)])
        },
        Case { limits: patience, ..ends("the same thing again and again", &["stuck"], circle) },
        ends_well("tool that stays behind", vec![shell(stays), write()]),
        Case {
            play: Play::CancelInTool,
            ..ends("tool that ignores signals", &["cancelled"], vec![shell(&deaf)])
        },
    ]
}

/// A machine that does other things too.
fn patient() -> RunLimits {
    RunLimits::new(Duration::from_secs(45), Duration::from_secs(90))
}

fn ends_well(name: &'static str, steps: Vec<Step>) -> Case {
    Case { files: vec![written()], ..ends(name, &["turn_ended"], steps) }
}

fn ends(name: &'static str, ends: &'static [&'static str], steps: Vec<Step>) -> Case {
    Case {
        name,
        scenario: Scenario { conversations: vec![conversation(name, &[], steps)] },
        play: Play::Watch,
        ends,
        files: vec![],
        any_files: false,
        resets_at: None,
        limits: patient(),
    }
}

fn conversation(name: &str, when: &[&str], steps: Vec<Step>) -> Conversation {
    let when = when.iter().map(|word| (*word).to_owned()).collect();
    Conversation { name: name.into(), when, steps, retry: vec![] }
}

fn write() -> Step {
    Step::Write { path: WRITTEN.0.into(), content: WRITTEN.1.into() }
}

fn written() -> (&'static str, String) {
    (WRITTEN.0, WRITTEN.1.to_owned())
}

fn text(text: &str) -> Step {
    Step::Text { text: text.into() }
}

fn shell(command: &str) -> Step {
    Step::Shell { command: command.into() }
}

fn line(hours: &str) -> String {
    format!("<p>{hours}</p>\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_scenarios_have_one_name_and_each_may_end() {
        let all = cases(0);
        let names: BTreeSet<_> = all.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), all.len());
        assert!(all.iter().all(|case| !case.ends.is_empty()));
    }
}
