//! Files and facts: applied once, healed by a replay, forgotten without a trace.

mod shelf;

use memory::{Error, Memory, Query};
use protocol::fact::*;
use protocol::note::Reading;
use protocol::{At, JournalId};
use shelf::{Log, Shelf, dump, entity, files, holds, relation, space};

#[test]
fn a_note_is_there_with_its_passages_and_what_it_names() {
    let mut shelf = Shelf::new();
    shelf.push(
        "n1",
        "Opening hours",
        "They are in `app/hours.tsx`, which reads OPENING_HOURS.\n\nCommit 3eb6f2c made it.",
    );
    let said = shelf.dump();
    for part in
        ["note 2 \"n1\"", "\"Opening hours\"", "\"app/hours.tsx\" 1", "\"OPENING_HOURS\" 5", "\"3eb6f2c\" 6"]
    {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    assert_eq!(shelf.reader.sizes(&space("bakery")).unwrap().notes, 1);
    assert_eq!(shelf.reader.chunks(&space("bakery"), &shelf::note_id("n1")).unwrap(), 1);
    assert_eq!(shelf.reader.spaces().unwrap(), [space("bakery")]);
    assert!(shelf.reader.sizes(&space("garage")).unwrap().notes == 0, "another space has nothing");
}

#[test]
fn an_entry_is_applied_once_and_an_old_one_brings_nothing_back() {
    let mut shelf = Shelf::new();
    shelf.push("n1", "Hours", "nine to five");
    let first = shelf.log.entries[1].clone();
    let before = shelf.dump();
    shelf.memory.apply(&first, Some("Hours\n\nten to six")).unwrap();
    assert_eq!(shelf.dump(), before);
    assert_eq!(shelf.memory.wants(&first), None, "its blob need not be read again");
    shelf.forget("n1");
    shelf.memory.apply(&first, Some("Hours\n\nnine to five")).unwrap();
    assert_eq!(shelf.dump(), "");
}

#[test]
fn a_title_from_before_titles_were_in_the_blob_is_kept() {
    let mut shelf = Shelf::new();
    let text = shelf.log.blob("nine to five".into());
    shelf.log.push("n1", NoteKind::Step, "", "");
    let Some(Fact::MemoryPushed(pushed)) = shelf.log.entries.last_mut().map(|entry| &mut entry.fact) else {
        unreachable!("it was just pushed")
    };
    (pushed.title, pushed.text) = ("Hours".into(), text);
    shelf.apply();
    assert!(shelf.dump().contains("\"Hours\"") && shelf.dump().contains("text 2 \"nine to five\""));
}

#[test]
fn a_superseded_note_is_current_again_when_the_newer_one_is_forgotten() {
    let mut shelf = Shelf::new();
    shelf.push("n1", "Hours", "nine to five");
    shelf.push("n2", "Hours", "ten to six");
    let before = |shelf: &Shelf| shelf.reader.sizes(&space("bakery")).unwrap().superseded;
    shelf.log.supersede("n1", "n2");
    shelf.apply();
    assert_eq!(before(&shelf), 1);
    shelf.forget("n2");
    assert_eq!(before(&shelf), 0);
}

#[test]
fn supersedes_in_a_circle_do_no_harm() {
    let mut shelf = Shelf::new();
    for n in ["n1", "n2", "n3"] {
        shelf.push(n, "Hours", "nine to five");
    }
    for (note, by) in [("n1", "n2"), ("n2", "n3"), ("n3", "n1"), ("n1", "n1"), ("n1", "gone")] {
        shelf.log.supersede(note, by);
    }
    shelf.apply();
    assert_eq!(shelf.dump(), Shelf::of(shelf.log.clone()).dump());
    shelf.reader.recall(&space("bakery"), &Query::new("hours", At(9)), None).unwrap();
}

#[test]
fn another_journal_throws_all_away_and_readers_see_it() {
    let mut shelf = Shelf::new();
    shelf.push("n1", "Hours", "nine to five");
    assert_eq!(shelf.memory.journal(), JournalId::new("j1").ok());
    let mut other = Log::default();
    other.add(JournalOpened { journal: JournalId::new("j2").unwrap(), daemon: "1".into() });
    other.replay(&mut shelf.memory);
    assert_eq!((shelf.dump(), shelf.memory.head()), (String::new(), 0));
    assert_eq!(shelf.memory.journal(), JournalId::new("j2").ok());
}

#[test]
fn a_file_of_no_use_is_made_anew_by_a_replay_and_a_missing_one_as_well() {
    let mut shelf = Shelf::new();
    for n in 0..5 {
        shelf.push(&format!("n{n}"), "Hours", "nine to five");
    }
    let before = shelf.dump();
    let folder = shelf.folder.path().to_owned();
    let (log, path) = (shelf.log.clone(), folder.join("bakery.db"));
    for ruin in [
        None,
        Some("this is no database, and long enough to be read as one ".repeat(100)),
        Some(String::new()),
    ] {
        drop(std::mem::replace(&mut shelf.memory, Memory::open(&folder).unwrap()));
        files(&folder).iter().for_each(|file| std::fs::remove_file(file).unwrap());
        if let Some(ruin) = ruin {
            std::fs::write(&path, ruin).unwrap();
        }
        let mut memory = Memory::open(&folder).unwrap();
        assert_eq!(memory.head(), 0);
        log.replay(&mut memory);
        assert_eq!(dump(&memory.reader()), before);
    }
    let memory = Memory::open(&folder).unwrap();
    assert_eq!((memory.head(), memory.journal()), (6, JournalId::new("j1").ok()), "a good one is kept");
}

#[test]
fn a_memory_that_missed_an_entry_takes_none_after_it_until_a_replay() {
    let mut shelf = Shelf::new();
    for n in 0..50 {
        shelf.push(&format!("n{n}"), "Hours", &"nine to five ".repeat(100));
    }
    let whole = shelf.dump();
    // Pages in the middle of the file are lost while nobody has it open.
    let folder = shelf.folder.path().to_owned();
    shelf.reader.rest();
    shelf.memory = Memory::open(tempfile::tempdir().unwrap().path()).unwrap();
    let path = folder.join("bakery.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0xAA);
    std::fs::write(&path, bytes).unwrap();
    shelf.memory = Memory::open(&folder).unwrap();
    assert_eq!(shelf.memory.head(), 51, "it is not seen at once");
    shelf.log.push("late", NoteKind::Step, "Hours", "ten to six");
    let batch = shelf.log.batch(&shelf.memory, &shelf.log.entries[51..]);
    assert!(shelf.memory.apply_all(&batch).is_err());
    assert!(shelf.memory.behind());
    assert!(matches!(shelf.memory.apply_all(&batch), Err(Error::Behind { .. })));
    shelf.log.replay(&mut shelf.memory);
    assert!(!shelf.memory.behind());
    let healed = dump(&shelf.memory.reader());
    assert!(healed.contains("ten to six") && healed.len() > whole.len());
}

#[test]
fn spaces_do_not_see_each_other_whatever_their_case() {
    let mut shelf = Shelf::new();
    for name in ["bakery", "Bakery", "x.db"] {
        shelf.log.push(&format!("of-{name}"), NoteKind::Step, "Hours", name);
        if let Some(Fact::MemoryPushed(pushed)) = shelf.log.entries.last_mut().map(|entry| &mut entry.fact) {
            pushed.project = space(name);
        }
        shelf.apply();
    }
    assert_eq!(shelf.reader.spaces().unwrap(), [space("Bakery"), space("bakery"), space("x.db")]);
    for name in ["bakery", "Bakery", "x.db"] {
        assert_eq!(shelf.reader.sizes(&space(name)).unwrap().notes, 1, "{name}");
    }
}

#[test]
fn a_note_is_forgotten_that_a_fact_of_old_names_without_its_space() {
    let mut shelf = Shelf::new();
    shelf.push("n1", "Hours", "nine to five");
    shelf.log.forget("n1");
    if let Some(Fact::MemoryForgotten(forgotten)) = shelf.log.entries.last_mut().map(|entry| &mut entry.fact)
    {
        forgotten.project = None;
    }
    shelf.apply();
    assert_eq!(shelf.dump(), "");
    assert_eq!(Shelf::of(shelf.log.clone()).dump(), "");
}

#[test]
fn a_forgotten_note_leaves_no_byte_of_what_it_said_in_any_file() {
    let mut shelf = Shelf::new();
    let filler = |n: usize| {
        format!(
            "note {n} about {} and `src/x{}.rs` {}",
            ["hours", "bread"][n % 2],
            n % 9,
            "dough ".repeat(n % 40)
        )
    };
    for n in 0..150 {
        shelf.push(&format!("a{n}"), "Filler", &filler(n));
    }
    let secret = "The password of Quetzalcoatl is xylophonezebra in `src/jabberwock.rs` and SNARK_HUNT and 暗号秘密文書. ";
    shelf.log.push("secret", NoteKind::Document, "Zyzzyvatitle", &secret.repeat(60));
    let reading = Reading {
        entities: vec![entity("Bandersnatch", "beast", "a frumious description")],
        relations: vec![relation("Bandersnatch", "Jubjub", "galumphing")],
    };
    shelf.log.enrich("secret", &reading);
    shelf.apply();
    let wait = shelf.memory.unembedded(&space("bakery"), "m", 10_000).unwrap();
    let vector = vec![0.25_f32, -0.5, 0.125, 1.0];
    let vectors: Vec<_> = wait.iter().map(|(id, _)| (*id, vector.clone())).collect();
    shelf.memory.put_vectors(&space("bakery"), "m", 4, &vectors).unwrap();
    for n in 0..150 {
        shelf.push(&format!("b{n}"), "Filler", &filler(n));
    }
    let traces = [
        "Quetzalcoatl",
        "quetzalcoatl",
        "xylophonezebra",
        "xylophon",
        "jabberwock",
        "SNARK",
        "snark",
        "Zyzzyva",
        "zyzzyva",
        "暗号",
        "秘密",
        "Bandersnatch",
        "bandersnatch",
        "frumious",
        "Jubjub",
        "galumph",
    ];
    let before = shelf.bytes();
    assert!(["Quetzalcoatl", "Bandersnatch", "frumious"].iter().all(|trace| holds(&before, trace)));
    shelf.forget("secret");
    let after = shelf.bytes();
    for trace in traces {
        assert!(!holds(&after, trace), "{trace} is still in a file");
    }
    assert!(shelf.entity("Quetzalcoatl").is_none() && shelf.entity("Bandersnatch").is_none());
    assert_eq!(shelf.reader.waiting(&space("bakery"), "m").unwrap(), 150);
    assert_eq!(shelf.dump(), Shelf::of(shelf.log.clone()).dump());
}

#[test]
fn forgetting_one_after_the_other_leaves_nothing_either() {
    let mut shelf = Shelf::new();
    for round in 0..3 {
        for n in 0..30 {
            shelf.push(
                &format!("r{round}n{n}"),
                "Hours",
                &format!("Quetzalcoatl{n} opens at `seven_{n}`. ").repeat(9),
            );
        }
        for n in 0..30 {
            shelf.forget(&format!("r{round}n{n}"));
            let word = format!("uetzalcoatl{n}");
            let left = shelf.bytes();
            assert!(!holds(&left, &format!("{word} ")) && !holds(&left, &format!("seven_{n}`")), "{n}");
        }
        assert!(!holds(&shelf.bytes(), "uetzalcoatl"));
    }
}

#[test]
fn a_note_is_forgotten_while_others_read() {
    let mut shelf = Shelf::new();
    for n in 0..40 {
        shelf.push(&format!("n{n}"), "Hours", &"nine to five, and Quetzalcoatl ".repeat(20));
    }
    let reader = shelf.reader.clone();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    reader.recall(&space("bakery"), &Query::new("nine Quetzalcoatl", At(1)), None).unwrap();
                    reader.graph(&space("bakery"), &memory::GraphQuery::default()).unwrap();
                    dump(&reader);
                }
            });
        }
        for n in 0..40 {
            shelf.forget(&format!("n{n}"));
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(shelf.dump(), "");
    // The last wiping may have met a reader; the next write, or opening, makes good for it.
    shelf.push("late", "Hours", "ten to six");
    assert!(!holds(&shelf.bytes(), "uetzalcoatl"));
}
