//! Real command lines side by side and one after the other: a request in three parts is made by three of them at once and
//! lands without a lost change; work that Claude Code began is finished by Codex in the same folder.
//!
//! Each test runs in a namespace with nothing but loopback, with made-up keys.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]

mod harness;
#[path = "agents_real/house.rs"]
mod house;

use harness::crew::{in_parts, of};
use harness::tcp;
use house::{Real, conversation, edit, write};
use protocol::fact::{AgentChosen, AttemptEnd, Fact};
use protocol::{AgentId, Request};
use testkit::Workspace;
use testkit::alone;
use testkit::model::{Conversation, Scenario, Step, bill::Wire};

const INDEX: &str = "app/public/index.html";
/// Places far enough from each other that git needs nobody's help.
const PAGE: &str = "<!doctype html>\n<title>Sauerteig</title>\n<p>menu</p>\n<hr>\n<hr>\n<hr>\n<hr>\n\
                    <p>map</p>\n<hr>\n<hr>\n<hr>\n<hr>\n<p>form</p>\n";
const MENU: &str = "app/public/menu.html";
const MAP: &str = "app/public/map.html";

fn shell(command: &str) -> Step {
    Step::Shell { command: command.into() }
}

/// Says that it has begun, waits for the two others, then changes its place of the page and adds a file of its own.
fn part(signs: &std::path::Path, name: &str) -> Conversation {
    let all = ["menu", "map", "form"].map(|sign| format!("[ -e {sign} ]")).join(" && ");
    let together = format!("cd {} && touch {name} && until {all}; do sleep 0.1; done", signs.display());
    let steps = vec![
        shell(&together),
        edit(INDEX, &format!("<p>{name}</p>\n"), &format!("<p>our {name}</p>\n")),
        write(&format!("app/public/{name}.html"), &format!("<!doctype html>\n<title>{name}</title>\n")),
    ];
    Conversation { name: name.into(), ..conversation(&format!("# task\n\nwrite the {name}"), steps, vec![]) }
}

#[test]
fn three_real_agents_make_three_parts_at_once() {
    alone("three_real_agents_make_three_parts_at_once", || {
        let workspace = Workspace::new().unwrap();
        let signs = workspace.open_folder("signs", 0o777).unwrap();
        let scenario =
            Scenario { conversations: ["menu", "map", "form"].map(|name| part(&signs, name)).into() };
        let real = Real::plain_in(workspace, scenario, "[limits]\nagents_at_once = 3\n");
        let house = &real.house;
        house.commit(INDEX, PAGE);
        let parts: [(&[&str], &str); 3] = [
            (&["claude-code"], "Write the menu"),
            (&["codex"], "Write the map"),
            (&["kimi-code"], "Write the form"),
        ];
        let (request, _) = house.accepted(&in_parts("A page for a bakery", &parts));
        real.ends_live(&request);
        let page = house.page(&request);
        let url = house.show(&request).url.unwrap();
        for name in ["menu", "map", "form"] {
            assert!(page.contains(&format!("<p>our {name}</p>")), "{page}\n{}", real.story());
            assert!(tcp::get(&format!("{url}{name}.html")).body.contains(&format!("<title>{name}</title>")));
        }
        let view = house.show(&request);
        assert_eq!(view.attempts.len(), 3, "{}", real.story());
        // All had begun before the first one ended: none could end without the others.
        let facts = house.facts(&request);
        let first_end = facts.iter().position(|fact| matches!(fact, Fact::AttemptFinished(_))).unwrap();
        let begun = facts[..first_end].iter().filter(|fact| matches!(fact, Fact::AttemptStarted(_))).count();
        assert_eq!(begun, 3);
        let row = house.row(&request);
        assert_eq!(row.by_agent.len(), 3);
        for (agent, wire) in
            [("claude-code", Wire::Messages), ("codex", Wire::Responses), ("kimi-code", Wire::Chat)]
        {
            let share = row.by_agent.iter().find(|share| share.agent.as_str() == agent).unwrap();
            real.was_billed(&share.usage, wire);
        }
        house.is_sound();
    });
}

#[test]
fn codex_finishes_what_claude_code_began() {
    alone("codex_finishes_what_claude_code_began", || {
        let begin = vec![
            write(MENU, "<!doctype html>\n<title>Menu</title>\n"),
            shell("mkdir -p app/data && pwd >app/data/desk"),
            Step::Text { text: "The menu is done; the map is next.".into() },
            shell("echo half >app/public/half.txt"),
            Step::Hang,
        ];
        // What lies in that folder beside all commits proves where Codex stands.
        let finish = vec![
            shell("test \"$(cat app/data/desk)\" = \"$(pwd)\" && cp app/data/desk app/public/desk.txt"),
            write(MAP, "<!doctype html>\n<title>Map</title>\n"),
        ];
        let first = Conversation {
            name: "begin".into(),
            when: vec!["a menu and a map".into()],
            steps: begin,
            retry: vec![],
        };
        let second = conversation("what was done so far", finish, vec![]);
        let scenario = Scenario { conversations: vec![second, first] };
        let real = Real::plain_in(Workspace::new().unwrap(), scenario, "");
        let house = &real.house;
        let (request, _) = house.accepted(&of("A menu and a map", "claude-code"));
        let attempt = house.wait(|entry| match &entry.fact {
            Fact::AttemptCheckpoint(kept) if kept.request == request => {
                let files = house.git(&["ls-tree", "-r", "--name-only", kept.commit.as_str()]);
                files.contains("half.txt").then(|| kept.attempt.clone())
            }
            _ => None,
        });
        let to = Some(AgentId::new("codex").unwrap());
        house.call(&Request::HandOver { request: request.clone(), attempt, to });
        real.ends_live(&request);
        let chosen: Vec<AgentChosen> = house.facts(&request).into_iter().filter_map(chosen).collect();
        let agents: Vec<&str> = chosen.iter().map(|chosen| chosen.agent.as_str()).collect();
        assert_eq!(agents, ["claude-code", "codex"], "{}", real.story());
        assert_eq!(chosen[1].goes_on.as_ref(), Some(&chosen[0].attempt));
        assert_eq!(house.show(&request).attempts[0].finished.as_ref().unwrap().end, AttemptEnd::HandedOver);
        for file in [MENU, MAP, "app/public/desk.txt"] {
            assert!(house.file(file).is_some(), "{file}\n{}", real.story());
        }
        let brief = house.brief(&request, 2);
        for told in ["# What was done so far", "claude-code", MENU, "> The menu is done; the map is next."] {
            assert!(brief.contains(told), "{told}\n{brief}");
        }
        house.is_sound();
    });
}

fn chosen(fact: Fact) -> Option<AgentChosen> {
    if let Fact::AgentChosen(chosen) = fact { Some(chosen) } else { None }
}
