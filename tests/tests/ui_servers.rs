//! The wizard and the pages of servers in a real browser: the window's own pages, with a scripted desktop program behind
//! them. What the real program does is proven elsewhere; here is proven what one sees of it, and what is asked of it.

mod browser;
mod desk;
mod harness;
mod wizard;

use desk::rows::{self, *};
use desk::{Window, give, hold, refuse};
use protocol::Code;
use protocol::desk::{DeskAnswer, DeskEvent, Stands, VaultState};
use protocol::setup::{Change, SetupEvent, SetupState, Work};
use serde_json::{Value, json};

fn done_answer() -> Value {
    give(&DeskAnswer::Done)
}

fn is_disabled(window: &Window, css: &str) -> bool {
    window.browser.js("return document.querySelector(arguments[0]).disabled", vec![json!(css)]) == json!(true)
}

#[test]
fn another_host_key_is_a_full_stop() {
    let window = Window::open(&[("places", places(&[here(), web(changed())])), ("rebuilt", done_answer())]);
    let browser = &window.browser;
    window.goto("#/servers");
    browser.says("[data-place=web-1]", "Stopped: another host key");
    assert_eq!(browser.count("[data-place=web-1] [data-testid=open-place]"), 0, "it is not opened");
    browser.click("[data-place=web-1] [data-testid=place-details]");
    browser.says("[data-testid=recorded-key]", PRINT);
    browser.says("[data-testid=presented-key]", OTHER);
    let primary = "return [...document.querySelectorAll('main .primary')].map(e => e.textContent)";
    assert_eq!(
        browser.js(primary, vec![]),
        json!(["Leave it disconnected"]),
        "going on is not what is offered"
    );
    for upkeep in ["health", "upkeep", "connect"] {
        assert_eq!(browser.count(&format!("[data-testid={upkeep}]")), 0, "{upkeep}");
    }
    window.picture("server-changed-key");
    browser.click("[data-testid=rebuilt]");
    browser.see("[data-testid=rebuilt-yes]");
    assert_eq!(window.times("rebuilt"), 0, "it asks once more");
    browser.click(".confirm-ask button:last-child");
    browser.gone("[data-testid=rebuilt-yes]");
    browser.click("[data-testid=rebuilt]");
    browser.click("[data-testid=rebuilt-yes]");
    assert_eq!(window.asked("rebuilt", 1)["place"], json!("web-1"));
    browser.see("[data-testid=sign-in-form]");
    assert_eq!(
        browser.value("[data-testid=address]"),
        "root@203.0.113.7",
        "a new first meeting with the same address"
    );

    // The same when one signs in to it anew.
    let stop = Stands::Changed { place: "web-1".into(), host: "203.0.113.7".into(), key: changed_key() };
    window.script("meet", &[meeting(stop.clone())]);
    window.script("meeting", &[meeting(stop)]);
    browser.type_into("[data-testid=password]", "x");
    browser.click("[data-testid=meet]");
    browser.says("[data-testid=changed-key]", "sent nothing");
    assert_eq!(browser.count("[data-testid=trust]"), 0);
    browser.is_quiet();
}

#[test]
fn a_removal_is_shown_before_it_is_done() {
    let window = Window::open(&[
        ("places", places(&[here(), web(up())])),
        ("remove", removal(false)),
        ("forget", done_answer()),
    ]);
    let browser = &window.browser;
    window.goto("#/servers/remove/web-1");
    browser.says("[data-testid=removal]", "7 things are taken off. 1 thing is left as it is");
    browser.says("[data-testid=changes]", "/var/lib/loopwright/workspace");
    browser.says("[data-testid=left]", "It was changed since; only the line of the swap file goes.");
    let first = window.asked("remove", 1);
    assert_eq!((&first["dry"], &first["keep_data"]), (&json!(true), &json!(false)));
    window.picture("server-remove");
    window.script("remove", &[removal(true)]);
    browser.click("[data-testid=keep-data]");
    browser.says("[data-testid=removal]", "6 things are taken off");
    assert_eq!(window.asked("remove", 2)["keep_data"], json!(true));

    let events = vec![
        SetupEvent::Started {
            work: Work::Remove,
            version: "0.1.0".into(),
            plan: "r".into(),
            steps: vec!["units".into(), "users".into()],
            resumed: false,
        },
        SetupEvent::StepDone { step: "units".into(), undo: true, millis: 900, changes: 3 },
        SetupEvent::Kept {
            step: "swap".into(),
            what: Change::File { path: "/etc/fstab".into(), replaces: true },
            why: "it was changed since".into(),
        },
        SetupEvent::StepDone { step: "users".into(), undo: true, millis: 400, changes: 2 },
        SetupEvent::Finished { work: Work::Remove, ok: true, changes: 5, millis: 1_300 },
    ];
    window.script("setup_after", &[setup(journal(91, events), SetupState::Done { seq: 95, at: ago(1) })]);
    window.script("remove", &[done_answer()]);
    browser.click("[data-testid=remove-now]");
    assert_eq!(window.times("remove"), 2, "it asks once more");
    browser.click("[data-testid=remove-now-yes]");
    let last = json!({ "ask": "remove", "place": "web-1", "dry": false, "keep_data": true, "export": "" });
    assert_eq!(window.asked("remove", 3), last, "exported first, unless one does not want it");
    browser.says("[data-testid=run-title]", "Loopwright is off web-1.example");
    browser.says("[data-testid=left]", "/etc/fstab");
    browser.click("[data-testid=forget]");
    window.asked("forget", 1);
    browser.says("h1", "Servers");
    browser.is_quiet();
}

#[test]
fn an_offline_server_says_why_and_since_when_and_comes_back_by_itself() {
    let window = Window::open(&[
        ("places", places(&[here(), web(lost())])),
        ("health", give(&DeskAnswer::Health { health: Box::new(rows::health()) })),
        ("connect", done_answer()),
    ]);
    let browser = &window.browser;
    window.goto("#/servers");
    browser.says("[data-place=web-1] [data-testid=link-state]", "Offline for 1 min");
    browser.says("[data-place=web-1]", "The server does not answer any more: no reply for 20 s.");
    browser.says("[data-place=web-1]", "as of 2 h ago, entry 8,311");
    window.picture("servers");
    browser.click("[data-place=web-1] [data-testid=place-details]");
    browser.says("[data-testid=health]", "how it does now is unknown");
    assert_eq!(window.times("health"), 0, "what cannot be reached is not asked");
    for button in ["repair", "upgrade", "export"] {
        assert!(is_disabled(&window, &format!("[data-testid={button}]")), "{button}");
    }
    window.picture("server-offline");
    browser.click("[data-testid=connect]");
    window.asked("connect", 1);
    window.tell(&DeskEvent::Link { place: "web-1".into(), link: up() });
    browser.see("[data-testid=gauge]");
    browser.says("[data-testid=link-state]", "Connected");
    assert!(!is_disabled(&window, "[data-testid=repair]"));
    browser.is_quiet();
}

#[test]
fn a_servers_page_shows_how_it_does_and_keeps_it_up() {
    let window = Window::open(&[
        ("places", places(&[here(), web(up())])),
        ("health", give(&DeskAnswer::Health { health: Box::new(rows::health()) })),
        ("loop:domains", give(&rows::domains(vec![rows::domain("bakery.example")]))),
        ("expose", give(&DeskAnswer::Exposure { exposure: rows::exposure() })),
        ("export", hold()),
        ("repair", done_answer()),
        (
            "setup_after",
            setup(
                journal(
                    91,
                    vec![
                        started(Work::Repair, false),
                        SetupEvent::Finished { work: Work::Repair, ok: true, changes: 0, millis: 3_400 },
                    ],
                ),
                SetupState::Done { seq: 92, at: ago(1) },
            ),
        ),
    ]);
    let browser = &window.browser;
    window.goto("#/servers/at/web-1");
    browser.says("[data-testid=reached]", "by its socket through the SSH connection");
    browser.says("[data-testid=gauge]", "655 MiB of 1.0 GiB used");
    browser.says(
        "[data-testid=certificates]",
        "The last renewal failed: The name leads to another address now. Set its A record to 198.51.100.10",
    );
    browser.says("[data-testid=system]", "unknown");
    browser.click("[data-testid=expose]");
    browser.says("[data-testid=exposure-result]", "Of 6 ports tried, only those answer that are meant to.");
    browser.js("document.querySelector('main').scrollTo(0, 0)", vec![]);
    window.picture("server");
    browser.js("document.querySelector('[data-testid=upkeep]').scrollIntoView({ block: 'end' })", vec![]);
    window.picture("server-upkeep");
    let mut bad = rows::exposure();
    bad.tried[3].open = true;
    window.script("expose", &[give(&DeskAnswer::Exposure { exposure: bad })]);
    browser.click("[data-testid=expose]");
    browser.says(
        "[data-testid=exposure-result]",
        "Port 9119 (the dashboard) answers from outside and should not.",
    );

    browser.type_into("[data-testid=export-to]", "/home/me/backups");
    browser.click("[data-testid=export]");
    browser.says("[data-testid=busy]", "The export is being made and fetched");
    assert_eq!(window.asked("export", 1)["to"], json!("/home/me/backups"));
    let saved = DeskAnswer::Exported { path: "/home/me/backups/web-1.tar.gz".into(), bytes: 12_400_000 };
    window.release("export", &give(&saved));
    browser.says("[data-testid=exported]", "Saved as /home/me/backups/web-1.tar.gz, 12.4 MB.");
    browser.click("[data-testid=repair]");
    window.asked("repair", 1);
    browser.says("[data-testid=run-says]", "Nothing had to be changed. It took 3.4 s.");
    browser.is_quiet();
}

#[test]
fn every_state_of_the_list_is_there_and_keys_and_menu_lead_everywhere() {
    let window = Window::open(&[("places", hold())]);
    let browser = &window.browser;
    window.goto("#/home");
    browser.see("[data-testid=place-menu]");
    browser.keys("gv");
    browser.see("[data-view=servers] [aria-label=Loading]");
    let why =
        refuse(Code::Internal, "the list of servers cannot be read", "close the window and open it again");
    window.release("places", &why);
    window.release("places", &why);
    browser.says("[data-testid=error]", "The list of servers cannot be read.");
    let locked = VaultState::File {
        open: false,
        made: false,
        why: "this system has no keychain that can be used: no Secret Service answers".into(),
    };
    window.script("places", &[places(&[here(), web(up())])]);
    window.script("vault", &[give(&DeskAnswer::Vault { vault: locked })]);
    browser.reload();
    browser.says(
        "[data-testid=vault]",
        "This system has no keychain that can be used: no Secret Service answers.",
    );
    window.picture("servers-locked");
    browser.type_into("[data-testid=vault-passphrase]", "correct horse");
    browser.type_into("[data-testid=vault-again]", "battery staple");
    browser.click("[data-testid=vault-open]");
    browser.says("[data-testid=vault] [role=alert]", "The two are not the same.");
    assert_eq!(window.times("unlock"), 0);
    let open = VaultState::File { open: true, made: true, why: "this system has no keychain".into() };
    window.script("unlock", &[done_answer()]);
    window.script("vault", &[give(&DeskAnswer::Vault { vault: open })]);
    browser.js("const e = document.querySelector('[data-testid=vault-again]'); e.value = 'correct horse'; e.dispatchEvent(new Event('input'))", vec![]);
    browser.click("[data-testid=vault-open]");
    assert_eq!(window.asked("unlock", 1)["passphrase"], json!("correct horse"));
    browser.gone("[data-testid=vault]");
    browser.click("[data-testid=close-to-tray]");
    assert_eq!(window.asked("set_settings", 1)["settings"]["close_to_tray"], json!(true));

    // The menu names the workspace that is open, and opens another one; its name stands on every pane.
    browser.click("[data-testid=place-menu]");
    browser.see("[data-testid=place-item]");
    window.picture("places-menu");
    browser.click("[data-testid=place-item][data-place=web-1]");
    browser.see("[data-view=home]");
    browser.says("[data-testid=place-menu]", "web-1.example");
    browser.until(
        "the host's name on each pane",
        "const heads = [...document.querySelectorAll('.pane-head')]; \
         return heads.length > 1 && heads.every(e => getComputedStyle(e, '::after').content === '\"web-1.example\"')",
        vec![],
    );
    let last = window.times("loop:home");
    assert_eq!(window.asked("loop:home", last)["place"], json!("web-1"));
    window.picture("home-on-server");
    browser.is_quiet();
}

#[test]
fn a_server_gets_a_name_of_the_users_own_and_loses_it_again() {
    let window = Window::open(&[
        ("places", places(&[here(), web(up())])),
        ("health", give(&DeskAnswer::Health { health: Box::new(rows::health()) })),
    ]);
    let browser = &window.browser;
    window.goto("#/servers/at/web-1");
    browser.says("[data-testid=domains]", "the sites answer by plain HTTP at the server's address");
    let why = "bakery cannot be a site's domain: it has no dot";
    window.script(
        "loop:set_domain",
        &[refuse(Code::BadInput, why, "give the name alone, such as bakery.example")],
    );
    browser.type_into("[data-testid=domain-name]", "bakery");
    browser.click("[data-testid=domain-set]");
    browser.says("[data-testid=domains] [data-testid=refused]", "Give the name alone");
    assert_eq!(browser.value("[data-testid=domain-name]"), "bakery", "what was typed stays to be mended");

    let named = give(&rows::domains(vec![rows::domain("bakery.example")]));
    window.script("loop:set_domain", std::slice::from_ref(&named));
    window.script("loop:domains", &[named]);
    browser.type_into("[data-testid=domain-name]", ".example ");
    browser.click("[data-testid=domain-terms]");
    browser.click("[data-testid=domain-set]");
    let request = json!({ "ask": "set_domain", "project": null, "domain": "bakery.example", "agreed": true, "contact": null });
    assert_eq!(window.asked("loop:set_domain", 2)["request"], request);
    browser.says("[data-testid=domains]", "from Let's Encrypt");
    browser.js("document.querySelector('[data-testid=domains]').scrollIntoView()", vec![]);
    window.picture("server-domain");

    window.script("loop:set_domain", &[give(&rows::domains(vec![]))]);
    window.script("loop:domains", &[give(&rows::domains(vec![]))]);
    browser.click("[data-testid=domain-away]");
    browser.click("[data-testid=domain-away-yes]");
    assert_eq!(window.asked("loop:set_domain", 3)["request"]["domain"], json!(null));
    browser.says("[data-testid=domains]", "None:");
    browser.is_quiet();
}
