//! Push, recall and forget, from entries as the journal has them.

#![expect(clippy::unwrap_used, reason = "tests, and what they share, fail by panicking")]

use memory::Memory;
use protocol::fact::*;
use protocol::{AgentId, At, BlobId, JournalId, NoteId, ProjectId, RequestId};
use std::path::{Path, PathBuf};

fn project(name: &str) -> ProjectId {
    ProjectId::new(name).unwrap()
}

fn entry(seq: u64, fact: impl Into<Fact>) -> Entry {
    Entry { seq, at: At(1_000 + seq as i64), prev: String::new(), hash: String::new(), fact: fact.into() }
}

fn pushed(seq: u64, note: &str, of: &str, title: &str, text: &str) -> Entry {
    let text = BlobRef { blob: BlobId::new(format!("blob-{note}")).unwrap(), bytes: text.len() as u64 };
    let (request, agent) = (RequestId::new("r1").ok(), AgentId::new("practice").ok());
    let (note, title) = (NoteId::new(note).unwrap(), title.to_owned());
    entry(
        seq,
        MemoryPushed {
            note,
            project: project(of),
            note_kind: NoteKind::Step,
            title,
            text,
            source: "you".into(),
            request,
            agent,
        },
    )
}

fn forgotten(seq: u64, note: &str) -> Entry {
    let blob = BlobId::new(format!("blob-{note}")).unwrap();
    entry(seq, MemoryForgotten { note: NoteId::new(note).unwrap(), blob })
}

struct Shelf {
    folder: tempfile::TempDir,
    memory: Memory,
    seq: u64,
}

impl Shelf {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::open(&folder.path().join("memory.db")).unwrap();
        Self { folder, memory, seq: 1 }
    }
    fn push(&mut self, note: &str, title: &str, text: &str) {
        self.push_to("bakery", note, title, text);
    }
    fn push_to(&mut self, of: &str, note: &str, title: &str, text: &str) {
        self.seq += 1;
        self.memory.apply(&pushed(self.seq, note, of, title, text), Some(text)).unwrap();
    }
    fn forget(&mut self, note: &str) {
        self.seq += 1;
        self.memory.apply(&forgotten(self.seq, note), None).unwrap();
    }
    fn recall(&self, query: &str) -> Vec<Recalled> {
        self.memory.recall(&project("bakery"), query, 8).unwrap()
    }
    fn names(&self, query: &str) -> Vec<String> {
        self.recall(query).iter().map(|r| r.note.to_string()).collect()
    }
}

#[test]
fn a_note_is_found_by_other_forms_of_its_words_and_says_which() {
    let mut shelf = Shelf::new();
    shelf.push(
        "n1",
        "Bakery page",
        "A page for a bakery called Sauerteig with opening hours and an order form",
    );
    let found = shelf.recall("Please change the opening hour of the bakeries");
    assert_eq!(found.len(), 1);
    assert!(found[0].score > 0.0);
    assert_eq!(found[0].why, "matched: opening, hour, bakeries");
    assert!(shelf.recall("invoices").is_empty(), "what matches nothing recalls nothing");
    assert!(shelf.recall("what is it?").is_empty(), "stop words alone ask for nothing");
    assert!(shelf.recall("").is_empty());
}

#[test]
fn the_title_weighs_more_than_the_text_and_more_words_weigh_more() {
    let mut shelf = Shelf::new();
    for n in 0..20 {
        shelf.push(&format!("filler{n}"), "Something else", "colours and fonts of the start page");
    }
    shelf.push("text", "Colours", "there is something on invoices in here");
    shelf.push("title", "Invoices", "there is something in here");
    shelf.push("both", "Invoices", "they are sent by post");
    assert_eq!(shelf.names("invoices")[2], "text");
    assert_eq!(shelf.names("invoices by post")[0], "both");
}

#[test]
fn in_a_memory_of_two_notes_the_one_with_more_of_the_words_comes_first() {
    let mut shelf = Shelf::new();
    shelf.push("near", "Bakery", "opening hours of the bakery");
    shelf.push("far", "Bakery", "order form of the bakery");
    assert_eq!(shelf.names("bakery opening hours"), ["near", "far"]);
}

#[test]
fn of_equal_notes_the_newer_comes_first() {
    let mut shelf = Shelf::new();
    shelf.push("old", "Hours", "nine to five");
    shelf.push("new", "Hours", "nine to five");
    assert_eq!(shelf.names("hours"), ["new", "old"]);
}

#[test]
fn scores_fall_in_order_and_the_limit_holds() {
    let mut shelf = Shelf::new();
    for n in 0..50 {
        shelf.push(&format!("n{n}"), "Hours", &format!("{} and more", "hours ".repeat(n + 1)));
    }
    let found = shelf.memory.recall(&project("bakery"), "hours and bread", 5).unwrap();
    assert_eq!(found.len(), 5);
    assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score));
    assert!(found.iter().all(|recalled| recalled.score > 0.0));
}

#[test]
fn one_project_does_not_recall_anothers_notes() {
    let mut shelf = Shelf::new();
    shelf.push_to("garage", "n1", "Hours", "nine to five");
    assert!(shelf.recall("hours").is_empty());
}

#[test]
fn query_syntax_in_what_people_type_is_only_words() {
    let mut shelf = Shelf::new();
    shelf.push("n1", "Bread", "rye and wheat");
    for query in [
        "\"bread",
        "bread\"",
        "bread AND",
        "NOT bread",
        "title:bread",
        "bread*",
        "^bread",
        "NEAR(bread, 2)",
        "{title}: bread",
        "bread'; DROP TABLE notes; --",
        "-bread",
        "bread + (",
        "bread\0",
        "bread \u{1}\u{2}",
        "AND bread OR NOT NEAR",
        "\u{202E}bread",
    ] {
        assert_eq!(shelf.names(query), ["n1"], "{query:?}");
    }
    for query in ["\"", "()", "*", "NOT", ":", "\0", "🦀", "'"] {
        assert!(shelf.recall(query).is_empty(), "{query:?}");
    }
}

#[test]
fn other_scripts_are_found() {
    let mut shelf = Shelf::new();
    shelf.push("zh", "面包店的营业时间", "周一到周五早上七点开门");
    shelf.push("ja", "パン屋のページ", "営業時間を変更しました");
    shelf.push("th", "ร้านขนมปัง", "เวลาเปิดทำการ");
    shelf.push("he", "שעות פתיחה", "המאפייה פתוחה בימי ראשון");
    shelf.push("ru", "Часы работы", "пекарня открыта с семи утра");
    shelf.push("de", "Öffnungszeiten", "Bäckerei Sauerteig in der Straße");
    assert_eq!(shelf.names("营业时间")[0], "zh", "a part of a run is found");
    assert_eq!(shelf.names("面包"), ["zh"]);
    assert_eq!(shelf.names("変更"), ["ja"]);
    assert_eq!(shelf.names("เปิด"), ["th"]);
    assert_eq!(shelf.names("פתיחה"), ["he"]);
    assert_eq!(shelf.names("ЧАСЫ"), ["ru"]);
    assert_eq!(shelf.names("offnungszeiten backerei"), ["de"], "also typed without its marks");
    assert!(shelf.recall("面包")[0].why.contains("面包"));
}

#[test]
fn an_entry_is_applied_once() {
    let mut shelf = Shelf::new();
    let first = pushed(5, "n1", "bakery", "Hours", "nine to five");
    shelf.memory.apply(&first, Some("nine to five")).unwrap();
    shelf.memory.apply(&forgotten(6, "n1"), None).unwrap();
    shelf.memory.apply(&first, Some("nine to five")).unwrap();
    assert!(shelf.recall("hours").is_empty(), "an old push does not bring a forgotten note back");
    assert_eq!(shelf.memory.head(), 6);
}

#[test]
fn a_note_that_is_pushed_again_replaces_the_old_one() {
    let mut shelf = Shelf::new();
    shelf.push("n1", "Hours", "nine to five");
    shelf.push("n1", "Hours", "ten to six");
    assert!(shelf.recall("nine").is_empty());
    assert_eq!(shelf.names("ten"), ["n1"]);
}

#[test]
fn another_journal_empties_the_index() {
    let mut shelf = Shelf::new();
    let opened = |id: &str| JournalOpened { journal: JournalId::new(id).unwrap(), daemon: "1".into() };
    shelf.memory.apply(&entry(1, opened("one")), None).unwrap();
    shelf.push("n1", "Hours", "nine to five");
    shelf.memory.apply(&entry(1, opened("one")), None).unwrap();
    assert_eq!(shelf.names("hours"), ["n1"], "the same journal again changes nothing");
    shelf.memory.apply(&entry(1, opened("two")), None).unwrap();
    assert!(shelf.recall("hours").is_empty());
    assert_eq!((shelf.memory.head(), shelf.memory.journal()), (1, JournalId::new("two").ok()));
}

/// Every file of the index, as bytes.
fn bytes(folder: &Path) -> Vec<u8> {
    let files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.iter().flat_map(|file| std::fs::read(file).unwrap()).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_forgotten_note_leaves_no_byte_of_its_text_in_any_file() {
    let mut shelf = Shelf::new();
    let filler = |n: usize| {
        format!("note {n} about {} and {}", ["hours", "bread", "forms"][n % 3], "dough ".repeat(n % 40))
    };
    for n in 0..150 {
        shelf.push(&format!("a{n}"), "Filler", &filler(n));
    }
    let secret = "The password of quetzalcoatl is xylophonezebra and 暗号秘密文書";
    shelf.push("secret", "Zyzzyvatitle", &format!("{secret} {}", "jabberwocky ".repeat(2_000)));
    for n in 0..150 {
        shelf.push(&format!("b{n}"), "Filler", &filler(n));
    }
    let traces =
        ["quetzalcoatl", "quetzal", "xylophonezebra", "xylophon", "jabberwock", "yzzyvatitl", "暗号", "秘密"];
    assert!(holds(&bytes(shelf.folder.path()), "quetzalcoatl"), "it was there before");
    shelf.forget("secret");
    let left = bytes(shelf.folder.path());
    for trace in traces {
        assert!(!holds(&left, trace), "{trace} is still in a file");
    }
    assert!(shelf.recall("quetzalcoatl xylophonezebra jabberwocky").is_empty());
    assert!(!shelf.recall("dough").is_empty(), "the others are still found");
}

#[test]
fn an_index_that_is_made_again_from_the_entries_is_the_same() {
    let mut entries = Vec::new();
    let (mut first, mut seq) = (Shelf::new(), 0);
    let text = |n: usize| {
        format!("note {n}: {}", ["opening hours", "order form", "bread and rolls", "面包店"][n % 4])
    };
    for n in 0..60 {
        seq += 1;
        entries.push((
            pushed(seq, &format!("n{n}"), "bakery", "A note", &text(n)),
            (n % 7 != 0).then(|| text(n)),
            text(n),
        ));
        if n % 7 == 0 {
            seq += 1;
            entries.push((forgotten(seq, &format!("n{n}")), None, String::new()));
        }
    }
    for (entry, _, then) in &entries {
        first.memory.apply(entry, Some(then)).unwrap();
    }
    // From the start again, when the forgotten texts are gone from the journal.
    let mut second = Shelf::new();
    for (entry, now, _) in &entries {
        second.memory.apply(entry, now.as_deref()).unwrap();
    }
    for query in ["opening hours", "order", "rolls", "note", "面包"] {
        assert_eq!(
            first.memory.recall(&project("bakery"), query, 100).unwrap(),
            second.memory.recall(&project("bakery"), query, 100).unwrap()
        );
    }
}

#[test]
fn a_file_that_is_no_index_is_thrown_away_and_a_good_one_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.db");
    std::fs::write(&path, "this is no database, and long enough to be read as one".repeat(100)).unwrap();
    let mut memory = Memory::open(&path).unwrap();
    assert_eq!((memory.head(), memory.journal()), (0, None));
    memory.apply(&pushed(7, "n1", "bakery", "Hours", "nine to five"), Some("nine to five")).unwrap();
    drop(memory);
    let memory = Memory::open(&path).unwrap();
    assert_eq!(memory.head(), 7);
    assert_eq!(memory.recall(&project("bakery"), "hours", 8).unwrap().len(), 1);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_text_and_no_query_breaks_anything(texts in proptest::collection::vec(".{0,60}", 1..6), query in ".{0,80}") {
        let mut shelf = Shelf::new();
        for (n, text) in texts.iter().enumerate() {
            shelf.push(&format!("n{n}"), text, text);
        }
        shelf.recall(&query);
        for text in &texts {
            for found in shelf.recall(text) {
                proptest::prop_assert!(found.score > 0.0, "{:?}", found);
                proptest::prop_assert!(found.why.len() > "matched: ".len(), "{:?} {:?} {:?}", found, text, texts);
            }
        }
        for n in 0..texts.len() {
            shelf.forget(&format!("n{n}"));
        }
        for text in &texts {
            proptest::prop_assert!(shelf.recall(text).is_empty());
        }
    }
}
