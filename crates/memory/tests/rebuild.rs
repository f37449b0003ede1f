//! The memory is a view: however the facts come, and whenever it is made, it says the same.

mod shelf;

use memory::Memory;
use proptest::prelude::*;
use protocol::fact::NoteKind;
use protocol::note::{GraphEdit, Reading};
use shelf::{Log, dump, entity, relation};

#[derive(Debug, Clone)]
enum Step {
    Push { kind: usize, words: Vec<usize>, source: usize },
    Supersede(usize, usize),
    Forget(usize),
    Enrich(usize, usize, usize),
    Edit(usize, usize, usize),
}

const WORDS: [&str; 14] = [
    "`src/hours.rs`",
    "`src/order.rs`",
    "Levain",
    "the starter",
    "DATABASE_URL",
    "commit 3eb6f2c",
    "/api/orders",
    "levain",
    "Ms Baker",
    "TypeError: it is not a function",
    "**Levain**: the starter\n",
    "**Folding**: turning\n",
    "folding",
    "面包",
];

const NAMES: [&str; 5] = ["src/hours.rs", "Levain", "DATABASE_URL", "Shop", "folding"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..7usize, prop::collection::vec(0..WORDS.len(), 0..8), 0..6usize)
            .prop_map(|(kind, words, source)| Step::Push { kind, words, source }),
        2 => (0..30usize, 0..30usize).prop_map(|(a, b)| Step::Supersede(a, b)),
        3 => (0..30usize).prop_map(Step::Forget),
        2 => (0..30usize, 0..5usize, 0..5usize).prop_map(|(note, a, b)| Step::Enrich(note, a, b)),
        2 => (0..6usize, 0..5usize, 0..5usize).prop_map(|(what, a, b)| Step::Edit(what, a, b)),
    ]
}

fn write(log: &mut Log, steps: &[Step]) {
    let mut notes = 0;
    let name = |n: &usize| format!("n{n}");
    for step in steps {
        match step {
            Step::Push { kind, words, source } => {
                let text = words.iter().map(|word| WORDS[*word]).collect::<Vec<_>>().join(" ");
                let source = ["you", "chat/4#1", "chat/4#2", "docs/a.md", "src/x.py", "request r1"][*source];
                let request = source.starts_with("request").then_some("r1");
                log.push_as(&name(&notes), NoteKind::ALL[*kind], "A title", &text, source, request);
                notes += 1;
            }
            Step::Supersede(a, b) => log.supersede(&name(a), &name(b)),
            Step::Forget(a) => log.forget(&name(a)),
            Step::Enrich(note, a, b) => {
                let read = Reading {
                    entities: vec![entity(NAMES[*a], "thing", "said")],
                    relations: vec![relation(NAMES[*a], NAMES[*b], "goes with")],
                };
                log.enrich(&name(note), &read);
            }
            Step::Edit(what, a, b) => {
                let (a, b) = (NAMES[*a].to_owned(), NAMES[*b].to_owned());
                log.edit(&[match what {
                    0 => GraphEdit::PutEntity(entity(&a, "kind", "by hand")),
                    1 => GraphEdit::RenameEntity { from: a, to: b },
                    2 => GraphEdit::MergeEntities { from: vec![a], into: b },
                    3 => GraphEdit::DeleteEntity { name: a },
                    4 => GraphEdit::PutRelation(relation(&a, &b, "by hand")),
                    _ => GraphEdit::DeleteRelation { source: a, target: b },
                }]);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_same_facts_give_the_same_memory(
        steps in prop::collection::vec(step(), 1..40),
        cuts in prop::collection::vec(1..9usize, 1..12),
    ) {
        let mut log = Log::new();
        write(&mut log, &steps);
        let folders: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();

        // As it happened: each fact when its blobs were still there.
        let mut grown = Memory::open(folders[0].path()).unwrap();
        let mut so_far = Log::new();
        for n in 0..=steps.len() {
            let mut now = Log::new();
            write(&mut now, &steps[..n]);
            let new = so_far.entries.len()..now.entries.len();
            grown.apply_all(&now.batch(&grown, &now.entries[new])).unwrap();
            so_far = now;
        }
        // Later, when what was forgotten is gone, in batches of any size, opened anew in between.
        let mut batched = Memory::open(folders[1].path()).unwrap();
        let mut rest = log.entries.as_slice();
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            batched.apply_all(&log.batch(&batched, now)).unwrap();
            rest = later;
            if *cut == 1 {
                drop(batched);
                batched = Memory::open(folders[1].path()).unwrap();
            }
            if rest.is_empty() { break }
        }
        // All at once, twice.
        let mut whole = Memory::open(folders[2].path()).unwrap();
        log.replay(&mut whole);
        log.replay(&mut whole);
        let first = dump(&grown.reader());
        prop_assert_eq!(&first, &dump(&batched.reader()));
        prop_assert_eq!(&first, &dump(&whole.reader()));
        let all = memory::GraphQuery { limit: Some(5_000), ..Default::default() };
        let graph = |memory: &Memory| memory.reader().graph(&shelf::space("bakery"), &all).unwrap();
        prop_assert_eq!(graph(&grown), graph(&whole));
        for name in NAMES {
            let row = |memory: &Memory| memory.reader().entity(&shelf::space("bakery"), name).unwrap();
            prop_assert_eq!(row(&grown), row(&whole));
        }
    }
}

#[test]
fn a_glossary_note_that_only_names_a_term_does_not_keep_it() {
    let mut log = Log::new();
    log.push("gives", NoteKind::Glossary, "Levain", "");
    log.push("names", NoteKind::Glossary, "Levain", "Autolyse: before the levain");
    log.push("uses", NoteKind::Decision, "", "the levain rests");
    let mut shelf = shelf::Shelf::of(log);
    let uses = |shelf: &shelf::Shelf| {
        shelf.entity("levain").is_some_and(|row| row.notes.contains(&shelf::note_id("uses")))
    };
    assert!(uses(&shelf));
    shelf.forget("gives");
    assert!(!uses(&shelf));
    assert_eq!(shelf.dump(), shelf::Shelf::of(shelf.log.clone()).dump());
}
