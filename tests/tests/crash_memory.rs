//! The daemon is killed at random moments while notes are pushed into it: no note that it acknowledged is lost, and the
//! memory is what the journal makes of it. A model reads the notes meanwhile.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]

mod crash;
mod harness;
mod service;

use crash::{Dice, answers, launched, live, workspace};
use harness::{House, QUICK, a_note, about};
use protocol::api::NewNote;
use protocol::fact::Fact;
use protocol::note::{GraphEdit, ReadEntity};
use protocol::*;
use serde_json::json;
use service::{Reply, Service};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use testkit::Daemon;

const KILLS: u64 = 200;
/// A life lasts at most so long, in milliseconds.
const LONGEST: u64 = 250;
/// Files that notes come from, so that some supersede others.
const SOURCES: u64 = 40;

/// What a client was told: notes that are kept, and notes that are gone.
#[derive(Default)]
struct Client {
    pushed: u64,
    kept: BTreeSet<NoteId>,
    /// Those of this life.
    fresh: BTreeSet<NoteId>,
    /// Asked to be forgotten; what became of it is not known before the next life.
    forgetting: Option<NoteId>,
    forgotten: BTreeSet<NoteId>,
    edits: u64,
}

impl Client {
    fn note(&mut self, dice: &mut Dice) -> NewNote {
        self.pushed += 1;
        let n = self.pushed;
        let text = format!(
            "Note word{n} of the bakery: `app/pages/page{}.tsx` reads BAKERY_{} from crate rye-{}; see error E{n:04}. {}",
            dice.below(50),
            dice.below(20),
            dice.below(9),
            "It is read each morning before the ovens start, since the table of the day before was wrong. "
                .repeat(3)
        );
        let source = (dice.below(3) == 0).then(|| format!("docs/{}.md", dice.below(SOURCES)));
        NewNote { source, ..a_note(&format!("Title {n}"), &text) }
    }

    /// One call. False when the daemon is gone.
    fn does_something(&mut self, daemon: &Daemon, dice: &mut Dice) -> bool {
        match dice.below(10) {
            0..=4 => {
                let push = Request::Push { project: None, note: self.note(dice) };
                self.pushes(daemon, &push)
            }
            5..=7 => {
                let notes = (0..=dice.below(12)).map(|_| self.note(dice)).collect();
                self.pushes(daemon, &Request::PushMany { project: None, notes })
            }
            8 => {
                let Some(note) = self.kept.iter().nth(usize::try_from(dice.below(500)).unwrap()).cloned()
                else {
                    return true;
                };
                self.kept.remove(&note);
                self.forgetting = Some(note.clone());
                let gone = matches!(
                    daemon.try_call(&Request::Forget { note: note.clone() }),
                    Ok(Ok(Response::Done))
                );
                if gone {
                    self.forgetting = None;
                    self.forgotten.insert(note);
                }
                gone
            }
            _ => {
                self.edits += 1;
                let entity = ReadEntity {
                    name: format!("Oven {}", self.edits),
                    kind: "thing".into(),
                    description: String::new(),
                };
                let edit = Request::EditGraph { project: None, edits: vec![GraphEdit::PutEntity(entity)] };
                matches!(daemon.try_call(&edit), Ok(Ok(_)))
            }
        }
    }

    fn pushes(&mut self, daemon: &Daemon, push: &Request) -> bool {
        match daemon.try_call(push) {
            Ok(Ok(Response::Pushed { notes })) => {
                self.fresh.extend(notes.into_iter().map(|pushed| pushed.note));
                true
            }
            Ok(other) => panic!("{push:?} was answered with {other:?}"),
            Err(_) => false,
        }
    }

    /// What was acknowledged in the last life is there; what was forgotten is not.
    fn looks(&mut self, daemon: &Daemon) {
        let newest = Request::Notes { project: None, limit: Some(1000), superseded: true };
        let there: BTreeSet<NoteId> = match daemon.call(&newest).unwrap() {
            Response::Notes { rows } => rows.into_iter().map(|row| row.note).collect(),
            other => panic!("notes: {other:?}"),
        };
        assert!(self.fresh.len() < 500, "more than are looked at");
        self.compares(&there, &self.fresh.clone(), daemon);
        self.kept.append(&mut self.fresh);
        if let Some(note) = self.forgetting.take() {
            let id = Request::Note { note: note.clone() };
            let of = if daemon.call(&id).is_ok() { &mut self.kept } else { &mut self.forgotten };
            of.insert(note);
        }
    }

    /// The same of all lives.
    fn looks_at_all(&mut self, daemon: &Daemon) {
        self.looks(daemon);
        self.compares(&all(daemon), &self.kept, daemon);
    }

    fn compares(&self, there: &BTreeSet<NoteId>, kept: &BTreeSet<NoteId>, daemon: &Daemon) {
        let lost: Vec<_> = kept.difference(there).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}\n{}", daemon.printed());
        let back: Vec<_> = self.forgotten.intersection(there).collect();
        assert!(back.is_empty(), "forgotten and back: {back:?}");
    }
}

/// Every note, page by page.
fn all(daemon: &Daemon) -> BTreeSet<NoteId> {
    let (mut found, mut after) = (BTreeSet::new(), 0);
    loop {
        match daemon.call(&Request::ExportMemory { project: None, after }).unwrap() {
            Response::Exported { lines, next } => {
                for line in lines {
                    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
                    found.extend(line["note"].as_str().map(|note| NoteId::new(note).unwrap()));
                }
                match next {
                    Some(next) => after = next,
                    None => return found,
                }
            }
            other => panic!("export: {other:?}"),
        }
    }
}

#[test]
fn two_hundred_kills_lose_no_acknowledged_note() {
    let mut dice = Dice::new();
    println!("the same again: LOOPWRIGHT_TEST_SEED={}", dice.0);
    let reader = Service::start(|_, _| {
        let records = "entity<|#|>Oven<|#|>thing<|#|>It bakes.\nentity<|#|>Rye<|#|>bread<|#|>It is baked.\n\
                       relation<|#|>Oven<|#|>Rye<|#|>bakes<|#|>The oven bakes rye.\n<|COMPLETE|>";
        let usage = json!({ "prompt_tokens": 10, "completion_tokens": 5 });
        let message = json!({ "role": "assistant", "content": records });
        Reply::Json(json!({ "choices": [{ "message": message }], "usage": usage }).to_string())
    });
    let enrich = format!("{QUICK}[memory.enrich]\nendpoint = \"{}/v1\"\nmodel = \"reader\"\n", reader.url());
    let House { daemon, workspace } = live(workspace(&enrich));
    daemon.kill9().unwrap();
    let mut client = Client::default();
    for _ in 0..KILLS {
        let mut daemon = launched(&workspace);
        answers(&mut daemon);
        client.looks(&daemon);
        let until = Instant::now() + Duration::from_millis(dice.below(LONGEST));
        std::thread::scope(|scope| {
            // Killed while a call is under way.
            let pid = rustix::process::Pid::from_raw(i32::try_from(daemon.pid()).unwrap()).unwrap();
            scope.spawn(move || {
                std::thread::sleep(until.saturating_duration_since(Instant::now()));
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
            });
            while client.does_something(&daemon, &mut dice) {}
        });
        daemon.kill9().unwrap();
    }
    let house = live(workspace);
    client.looks_at_all(&house.daemon);
    assert!(client.kept.len() > 500, "only {} notes came in", client.kept.len());
    assert!(!client.forgotten.is_empty());
    house.memory_is_sound();
    house.is_sound();
    // The newest ones can be found, not only listed.
    let n = client.pushed;
    let found = (n.saturating_sub(300)..=n).rev().find_map(|n| {
        let ask = api::RecallAsk { superseded: true, ..about(&format!("word{n}")) };
        match house.call(&Request::Recall(Box::new(ask))) {
            Response::Recalled(found) => {
                found.rows.into_iter().find(|row| row.text.contains(&format!("word{n} ")))
            }
            other => panic!("recall: {other:?}"),
        }
    });
    assert!(found.is_some(), "none of the last notes is found");
    let read = house.daemon.entries().unwrap();
    let read = read.iter().filter(|entry| matches!(entry.fact, Fact::MemoryEnriched(_))).count();
    assert!(read > 0, "the model read nothing");
    println!("{read} readings; {} notes kept, {} forgotten", client.kept.len(), client.forgotten.len());
}
