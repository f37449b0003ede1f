//! The wizard: from an address to the first request, and what may stand in the way.

use crate::desk::rows::{self, *};
use crate::desk::{Window, give, hold, refuse};
use crate::{done_answer, is_disabled};
use protocol::Code;
use protocol::desk::{DeskAnswer, DeskEvent, Stands};
use protocol::setup::{Obstacle, ObstacleKind, SetupEvent, SetupState, StepPlan, Work};
use serde_json::json;

const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";

fn running(seq: u64) -> SetupState {
    SetupState::Running { work: Work::Apply, seq }
}

/// Signs in by password, up to the fingerprint.
fn sign_in(window: &Window) {
    let browser = &window.browser;
    browser.type_into("[data-testid=address]", "root@203.0.113.7");
    browser.type_into("[data-testid=password]", "hunter2 is not it");
    browser.keys(ENTER);
    browser.see("[data-testid=fingerprint]");
}

#[test]
fn a_bare_server_is_set_up_from_address_to_first_request() {
    let window = Window::open(&[
        ("meet", meeting(fingerprint())),
        ("meeting", meeting(fingerprint())),
        ("say", hold()),
        ("plan", give(&plan("p-1", units()))),
        ("begin", give(&DeskAnswer::Begun { place: "web-1".into() })),
    ]);
    let browser = &window.browser;
    window.goto("#/servers");
    browser.see("[data-testid=empty]");
    window.picture("servers-empty");
    browser.click("[data-testid=new-server]");
    browser.see("[data-testid=use-here]");
    window.picture("wizard-address");

    // What cannot be a server is said before anything is asked.
    browser.click("[data-testid=meet]");
    browser.says("[data-testid=wrong]", "address");
    assert_eq!(window.times("meet"), 0);
    sign_in(&window);
    let met = window.asked("meet", 1);
    assert_eq!(met["target"], json!({ "host": "203.0.113.7", "port": 22, "user": "root", "jump": null }));
    assert_eq!(met["secret"], json!({ "with": "password", "password": "hunter2 is not it" }));

    browser.says("[data-testid=sha256]", PRINT);
    assert_eq!(browser.text("[data-testid=command]"), "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub");
    browser.type_into("[data-testid=pasted]", &format!("256 {OTHER} root@web-1 (ED25519)"));
    browser.says("[role=alert]", "They differ");
    assert!(is_disabled(&window, "[data-testid=trust]"), "a key that differs is not trusted by haste");
    browser.js("const e = document.querySelector('[data-testid=pasted]'); e.value = ''; e.dispatchEvent(new Event('input'))", vec![]);
    browser.type_into("[data-testid=pasted]", &format!("256 {PRINT} root@web-1 (ED25519)"));
    browser.says("[data-testid=fingerprint]", "They are the same.");
    window.picture("wizard-fingerprint");
    browser.click("[data-testid=trust]");
    browser.says("[data-testid=busy]", "Looking at the server");
    assert_eq!(window.asked("say", 1)["reply"], json!({ "reply": "trust" }));
    window.script("meeting", &[meeting(stands_found(found()))]);
    window.release("say", &meeting(stands_found(found())));

    browser.says("[data-testid=found-lines]", "Debian GNU/Linux 13 (trixie), x86_64, 2 cores");
    browser.says("[data-testid=found-lines]", "apt, in use by unattended-upgr (process 903) now");
    browser.says("[data-testid=found-lines]", "whether it is kept right is unknown");
    window.picture("wizard-found");
    browser.click("[data-testid=show-plan]");
    browser.see("[data-testid=plan]");
    browser.says("[data-testid=plan-summary]", "13 changes in 5 steps · 2 already as needed");
    let wished = &window.asked("plan", 1)["wish"];
    assert_eq!((&wished["firewall"], &wished["project"]), (&json!(false), &json!("First project")));
    browser.says("[data-testid=options]", "Admits SSH on the port that you came in by");
    assert_eq!(browser.count("[data-testid=wish-agent]"), 2, "the practice agent is always there");
    browser.click("[data-testid=wish-agent]");
    assert_eq!(window.asked("plan", 2)["wish"]["agents"], json!(["first"]));
    browser.until(
        "the plan of it",
        "return document.querySelector('[data-testid=plan-page]').ariaBusy === 'false'",
        vec![],
    );
    browser.js("document.querySelector('[data-step=units]').scrollIntoView({ block: 'center' })", vec![]);
    browser.click("[data-step=units] summary");
    browser.says("[data-step=units] [data-testid=changes]", "loopwright-edge.socket");
    browser.js("document.querySelector('main').scrollTo(0, 0)", vec![]);
    window.picture("wizard-plan");

    let entries = journal(1, first_half());
    let head = entries.len() as u64;
    window.script("setup_after", &[setup(entries.clone(), running(head))]);
    window.script("places", &[places(&[here(), web(up())])]);
    browser.click("[data-testid=begin]");
    let begun = window.asked("begin", 1);
    assert_eq!((&begun["plan"], &begun["wish"]["agents"]), (&json!("p-1"), &json!(["first"])));
    browser.see("[data-step=packages][data-state=running]");
    browser.says("[data-testid=run-says]", "Step 5 of 8");
    browser.says("[data-testid=run-says]", "left, by earlier runs");
    browser.says("[data-step=packages]", "Unpacking git");
    browser.says("[data-testid=run-title]", "Setting up web-1.example");
    window.picture("wizard-progress");

    // The window is closed and opened again: the same, from the journal.
    browser.reload();
    browser.see("[data-step=packages][data-state=running]");
    assert_eq!(browser.count("[data-testid=run-step][data-state=done]"), 4);
    browser.click("[data-testid=log]");
    browser.says("[data-testid=log-lines]", "users: done and verified, 2 changes, 912 ms");

    // It goes on by what the program tells, from the number that is known.
    let rest = journal(head + 1, second_half());
    let end = head + rest.len() as u64;
    window.script("setup_after", &[setup(rest, SetupState::Done { seq: end, at: ago(1) })]);
    window.tell(&DeskEvent::Setup { place: "web-1".into(), seq: end });
    browser.says("[data-testid=run-title]", "web-1.example is ready");
    browser.says("[data-testid=run-says]", "16 changes made. It took 1 min 1 s.");
    let last = window.times("setup_after");
    assert_eq!(window.asked("setup_after", last)["after"], json!(head), "only what is new is read");
    browser.js("document.querySelector('[data-testid=log]').click()", vec![]);
    window.picture("wizard-ready");
    browser.is_quiet();

    browser.click("[data-testid=to-agents]");
    browser.see("[data-view=agents]");
    browser.says("[data-testid=place-menu]", "web-1.example");
    let last = window.times("loop:agents");
    assert_eq!(
        window.asked("loop:agents", last)["place"],
        json!("web-1"),
        "the new server is what one works on"
    );
    browser.is_quiet();
}

#[test]
fn a_blocked_plan_is_answered_by_a_button_and_can_be_taken_back() {
    let blocked = || give(&plan("p-1", StepPlan::Blocked { obstacle: port_held() }));
    let window = Window::open(&[("meeting", meeting(stands_found(found()))), ("plan", blocked())]);
    let browser = &window.browser;
    window.goto("#/servers/meet/m-1");
    browser.click("[data-testid=show-plan]");
    browser.says("[data-step=units] [data-testid=obstacle]", "Port 80 is held by nginx (process 812).");
    browser.says("[data-testid=plan-summary]", "1 waits for you");
    assert!(is_disabled(&window, "[data-testid=begin]"));
    browser.js("document.querySelector('[data-step=units]').scrollIntoView({ block: 'center' })", vec![]);
    window.picture("wizard-blocked");
    window.script("plan", &[give(&plan("p-2", rows::units()))]);
    browser.click("[data-testid=choice-behind-proxy]");
    assert_eq!(window.asked("plan", 2)["wish"]["choices"], json!([["units", "behind_proxy"]]));
    browser.see("[data-step=units][data-state=needed]");
    browser.says("[data-step=units]", "You chose: Put Loopwright behind it");
    assert!(!is_disabled(&window, "[data-testid=begin]"));
    window.script("plan", &[blocked()]);
    browser.click("[data-testid=undo-choice]");
    assert_eq!(window.asked("plan", 3)["wish"]["choices"], json!([]));
    browser.see("[data-step=units][data-state=blocked]");

    // A plan that is not any more what it was is refused, and shown anew.
    window.script("plan", &[give(&plan("p-3", rows::units()))]);
    browser.click("[data-testid=choice-stop-service]");
    browser.see("[data-step=units][data-state=needed]");
    window.script(
        "begin",
        &[refuse(Code::Conflict, "the server changed since the plan was made", "look at the new plan")],
    );
    window.script("plan", &[give(&plan("p-4", rows::units()))]);
    browser.click("[data-testid=begin]");
    browser.says("[data-testid=refused]", "The server changed since the plan was made.");
    browser.see("[data-testid=plan][data-hash=p-4]");
    assert_eq!(window.times("begin"), 1, "nothing is begun by itself");
    browser.is_quiet();
}

#[test]
fn what_the_server_asks_is_answered_and_a_meeting_that_ended_says_so() {
    let asks = Stands::Question {
        name: "Two-factor sign-in".into(),
        prompts: vec![
            protocol::desk::Prompt { text: "Verification code: ".into(), echo: true },
            protocol::desk::Prompt { text: "Password: ".into(), echo: false },
        ],
    };
    let window = Window::open(&[("meeting", meeting(asks)), ("say", meeting(Stands::SudoPassword))]);
    let browser = &window.browser;
    window.goto("#/servers/meet/m-1");
    browser.type_into("[data-testid=answer-0]", "123456");
    browser.type_into("[data-testid=answer-1]", "secret");
    assert_eq!(browser.attribute("[data-testid=answer-0]", "type").as_deref(), Some("text"));
    assert_eq!(browser.attribute("[data-testid=answer-1]", "type").as_deref(), Some("password"));
    window.picture("wizard-question");
    browser.click("[data-testid=answer]");
    assert_eq!(
        window.asked("say", 1)["reply"],
        json!({ "reply": "answers", "answers": ["123456", "secret"] })
    );
    browser.see("[data-testid=sudo]");
    window.script("say", &[refuse(Code::BadInput, "sudo does not take this password", "type it again")]);
    browser.type_into("[data-testid=sudo-password]", "wrong");
    browser.keys(ENTER);
    browser.says("[data-testid=refused]", "Sudo does not take this password.");
    browser.see("[data-testid=sudo]");

    // What takes long says what it is, and how far.
    let far = Stands::Busy {
        words: "bringing the program to the server".into(),
        done: Some(4_200_000),
        of: Some(11_000_000),
    };
    window.script("meeting", &[meeting(far)]);
    window.tell(&DeskEvent::Meeting { id: "m-1".into() });
    browser.says("[data-testid=busy]", "4.2 MB of 11.0 MB");

    window.script("meeting", &[refuse(Code::NotFound, "this sign-in has ended", "sign in again")]);
    browser.reload();
    browser.says("[data-testid=refused]", "This sign-in has ended.");
    browser.click("[data-testid=sign-in-anew]");
    browser.see("[data-testid=sign-in-form]");
    browser.is_quiet();
}

#[test]
fn every_way_to_sign_in_is_asked_with_what_it_needs() {
    let refused = refuse(
        Code::BadInput,
        "the server does not take this password",
        "check the user's name, or sign in with a key",
    );
    let window = Window::open(&[("meet", refused)]);
    let browser = &window.browser;
    window.goto("#/servers/new/deploy@web-1.example:2222");
    browser.type_into("[data-testid=password]", "x");
    browser.click("[data-testid=meet]");
    browser.says("[data-testid=refused]", "The server does not take this password.");
    browser.says("[data-testid=refused]", "Check the user's name, or sign in with a key.");
    window.picture("wizard-refused");
    assert_eq!(browser.value("[data-testid=address]"), "deploy@web-1.example:2222", "what was typed stays");
    browser.click("[data-testid=with-key]");
    browser.type_into("[data-testid=key-path]", "~/.ssh/id_ed25519");
    browser.type_into("[data-testid=key-passphrase]", "open");
    browser.click("[data-testid=more] summary");
    browser.type_into("[data-testid=jump-host]", "bastion.example");
    browser.type_into("[data-testid=jump-user]", "hop");
    browser.choose("[data-testid=jump-with]", "password");
    browser.type_into("[data-testid=jump-password]", "hop's own");
    browser.click("[data-testid=meet]");
    let met = window.asked("meet", 2);
    assert_eq!(met["jumps"], json!([{ "with": "password", "password": "hop's own" }]));
    assert_eq!(met["secret"], json!({ "with": "key", "path": "~/.ssh/id_ed25519", "passphrase": "open" }));
    let jump = json!({ "host": "bastion.example", "port": 22, "user": "hop", "jump": null });
    assert_eq!(
        met["target"],
        json!({ "host": "web-1.example", "port": 2222, "user": "deploy", "jump": jump })
    );
    browser.click("[data-testid=with-agent]");
    browser.click("[data-testid=meet]");
    assert_eq!(window.asked("meet", 3)["secret"], json!({ "with": "agent" }));
    browser.click("[data-testid=with-asks]");
    browser.click("[data-testid=meet]");
    assert_eq!(window.asked("meet", 4)["secret"], json!({ "with": "interactive" }));
    // A key throws nothing away.
    browser.keys(ESCAPE);
    assert_eq!(browser.value("[data-testid=address]"), "deploy@web-1.example:2222");
    browser.is_quiet();
}

#[test]
fn a_step_that_failed_is_gone_on_with_and_waiting_is_not_failing() {
    let mut events = first_half();
    events.push(SetupEvent::Waiting { step: "packages".into(), obstacle: lock_held() });
    let entries = journal(1, events);
    let mut head = entries.len() as u64;
    let window = Window::open(&[
        ("places", places(&[here(), web(up())])),
        ("setup_after", setup(entries, running(head))),
        ("go_on", done_answer()),
    ]);
    let browser = &window.browser;
    window.goto("#/servers/setup/web-1");
    browser.says(
        "[data-step=packages] [data-testid=waiting]",
        "The system's own updates use the package system",
    );
    browser.says("[data-testid=run-says]", "it waits, so how long is unknown");
    window.picture("wizard-waiting");

    let full = Obstacle {
        kind: ObstacleKind::Disk,
        cause: "the disk is full: 12 MiB are free and git needs 40 MiB".into(),
        action: "free some space on the server, then try again".into(),
        choices: Vec::new(),
    };
    let failed = vec![
        SetupEvent::Failed { step: "packages".into(), obstacle: full },
        SetupEvent::Finished { work: Work::Apply, ok: false, changes: 9, millis: 31_000 },
    ];
    let more = journal(head + 1, failed);
    head += more.len() as u64;
    window.script("setup_after", &[setup(more, SetupState::Unfinished { work: Work::Apply, seq: head })]);
    window.tell(&DeskEvent::Setup { place: "web-1".into(), seq: head });
    browser.says(
        "[data-step=packages][data-state=failed]",
        "The disk is full: 12 MiB are free and git needs 40 MiB.",
    );
    browser.says("[data-testid=run-says]", "What is done stays.");
    assert_eq!(browser.count("[data-testid=run-step][data-state=done]"), 4);
    window.picture("wizard-failed");

    let mut events = vec![started(Work::Apply, true), begun("packages")];
    events.extend(second_half());
    let more = journal(head + 1, events);
    head += more.len() as u64;
    window.script("setup_after", &[setup(more, SetupState::Done { seq: head, at: ago(1) })]);
    browser.click("[data-step=packages] [data-testid=go-on]");
    assert_eq!(window.asked("go_on", 1), json!({ "ask": "go_on", "place": "web-1", "choices": [] }));
    browser.see("[data-testid=ready]");
    assert_eq!(browser.count("[data-testid=run-step][data-state=done]"), 8);

    // A step of a run that is blocked is answered by its button, too.
    let blocked = vec![
        started(Work::Apply, false),
        begun("units"),
        SetupEvent::Blocked { step: "units".into(), obstacle: port_held() },
        SetupEvent::Finished { work: Work::Apply, ok: false, changes: 0, millis: 900 },
    ];
    let more = journal(head + 1, blocked);
    head += more.len() as u64;
    let state =
        SetupState::Blocked { work: Work::Apply, step: "units".into(), obstacle: port_held(), seq: head };
    window.script("setup_after", &[setup(more, state)]);
    window.tell(&DeskEvent::Setup { place: "web-1".into(), seq: head });
    browser.click("[data-step=units] [data-testid=choice-stop-service]");
    assert_eq!(window.asked("go_on", 2)["choices"], json!([["units", "stop_service"]]));
    browser.is_quiet();
}
