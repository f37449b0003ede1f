//! Recalling through the whole crate: facts in, hits out.

use crate::{Memory, Query, Reader};
use protocol::fact::*;
use protocol::note::{RecallMode, pack};
use protocol::{At, BlobId, JournalId, NoteId, ProjectId, RequestId};

const DAY: i64 = 86_400_000;

struct Notes {
    _dir: tempfile::TempDir,
    memory: Memory,
    reader: Reader,
    seq: u64,
}

impl Notes {
    fn new() -> Notes {
        let dir = tempfile::tempdir().unwrap();
        let memory = Memory::open(dir.path()).unwrap();
        let reader = memory.reader();
        let mut notes = Notes { _dir: dir, memory, reader, seq: 0 };
        let opened = JournalOpened { journal: JournalId::new("j").unwrap(), daemon: "1".into() };
        notes.apply(opened.into(), None);
        notes
    }

    fn apply(&mut self, fact: Fact, text: Option<&str>) {
        self.seq += 1;
        let at = At(DAY * self.seq as i64);
        let entry = Entry { seq: self.seq, at, prev: String::new(), hash: String::new(), fact };
        self.memory.apply(&entry, text).unwrap();
    }

    fn push(&mut self, id: &str, title: &str, text: &str) {
        self.push_as(id, NoteKind::Document, title, text, "you", None);
    }

    fn push_as(
        &mut self,
        id: &str,
        kind: NoteKind,
        title: &str,
        text: &str,
        source: &str,
        request: Option<&str>,
    ) {
        let pushed = MemoryPushed {
            note: NoteId::new(id).unwrap(),
            project: space(),
            note_kind: kind,
            title: String::new(),
            text: BlobRef { blob: BlobId::new(format!("b{id}")).unwrap(), bytes: 0 },
            source: source.into(),
            request: request.map(|request| RequestId::new(request).unwrap()),
            agent: None,
            confidence: None,
            batch: None,
        };
        self.apply(pushed.into(), Some(&pack(title, text)));
    }

    fn supersede(&mut self, note: &str, by: &str) {
        let (note, by) = (NoteId::new(note).unwrap(), NoteId::new(by).unwrap());
        self.apply(MemorySuperseded { project: space(), note, by }.into(), None);
    }

    fn forget(&mut self, note: &str) {
        let forgotten = MemoryForgotten {
            note: NoteId::new(note).unwrap(),
            blob: BlobId::new(format!("b{note}")).unwrap(),
            readings: Vec::new(),
            project: Some(space()),
        };
        self.apply(forgotten.into(), None);
    }

    fn query(&self, text: &str) -> Query {
        Query::new(text, At(DAY * (self.seq as i64 + 1)))
    }

    fn found(&self, query: &Query) -> crate::Found {
        self.reader.recall(&space(), query, None).unwrap()
    }

    fn ids(&self, text: &str) -> Vec<String> {
        self.found(&self.query(text)).hits.into_iter().map(|hit| hit.note.to_string()).collect()
    }

    fn why(&self, text: &str, note: &str) -> String {
        let hits = self.found(&self.query(text)).hits;
        hits.into_iter().find(|hit| hit.note.as_str() == note).unwrap().why
    }
}

fn space() -> ProjectId {
    ProjectId::new("bakery").unwrap()
}

fn bakery() -> Notes {
    let mut notes = Notes::new();
    notes.push("hours", "Opening hours", "The bakery opens at seven, on Sundays at eight.");
    notes.push("colour", "Colour", "The header is terracotta, chosen by the customer.");
    notes.push("db", "Database", "Orders are kept in PostgreSQL, in the table `order_total`.");
    notes
}

#[test]
fn the_note_with_the_rarest_words_comes_first_and_says_which() {
    let notes = bakery();
    assert_eq!(notes.ids("when does the bakery open on sunday?"), ["hours"]);
    assert_eq!(notes.why("which colour has the header", "colour"), "matched: colour, header");
    assert_eq!(notes.ids("where is OrderTotal stored?"), ["db"]);
    assert!(notes.ids("zeppelin").is_empty());
    assert!(notes.ids("what is it?").is_empty());
}

#[test]
fn a_question_in_another_language_finds_an_english_note_and_the_other_way_round() {
    let mut notes = bakery();
    notes.push("ru", "Резервные копии", "Копии базы делаются ночью и хранятся неделю.");
    assert_eq!(notes.ids("когда открывается пекарня?")[0], "hours");
    assert_eq!(notes.ids("¿De qué color es el encabezado?")[0], "colour");
    assert_eq!(notes.ids("数据库用的是什么")[0], "db");
    assert_eq!(notes.ids("how long are backups kept?")[0], "ru");
    assert!(notes.ids("сколько хранятся копии").contains(&"ru".to_owned()));
}

#[test]
fn a_superseded_note_speaks_through_its_successor() {
    let mut notes = bakery();
    notes.push("db2", "Storage", "Everything lives in SQLite since March.");
    notes.supersede("db", "db2");
    let found = notes.found(&notes.query("is it PostgreSQL, the table order_total?"));
    assert_eq!(found.hits[0].note.as_str(), "db2");
    assert!(
        found.hits[0].why.starts_with("supersedes db, which matched: postgresql"),
        "{}",
        found.hits[0].why
    );
    assert!(found.hits.iter().all(|hit| hit.note.as_str() != "db"));
    let history = Query { superseded: true, ..notes.query("PostgreSQL table") };
    assert_eq!(notes.found(&history).hits[0].note.as_str(), "db");
}

#[test]
fn a_circle_of_supersedes_ends_with_its_newest_note() {
    let mut notes = bakery();
    notes.push("db2", "Storage", "SQLite.");
    notes.supersede("db", "db2");
    notes.supersede("db2", "db");
    assert_eq!(notes.ids("PostgreSQL"), ["db2"]);
}

#[test]
fn a_note_is_found_by_its_neighbour_in_the_thread_and_says_so() {
    let mut notes = Notes::new();
    let mut say = |n: usize, text: &str| {
        notes.push_as(&format!("n{n}"), NoteKind::Document, "", text, &format!("chat/4#{n}"), None);
    };
    say(1, "Ann: Which oven did you buy for the sourdough?");
    say(2, "Ben: The Rofco, second hand.");
    say(3, "Ann: The weather is fine.");
    say(4, "Ben: Yes.");
    say(5, "Ann: Let us go for a walk.");
    say(6, "Ben: Gladly, with the dog.");
    assert_eq!(notes.ids("what oven for sourdough")[..2], ["n1", "n2"]);
    assert_eq!(notes.why("what oven for sourdough", "n2"), "follows note n1, which matched");
}

#[test]
fn what_says_the_same_is_given_once() {
    let mut notes = Notes::new();
    for n in 0..5 {
        notes.push(
            &format!("n{n}"),
            "",
            "The deployment failed since the disk of the build server was full, again.",
        );
    }
    notes.push("other", "", "The deployment of the shop is done by hand.");
    let ids = notes.ids("why did the deployment fail?");
    assert_eq!((ids.len(), ids[0].as_str()), (2, "n4"), "{ids:?}: the newest of the same, and the other");
}

#[test]
fn a_budget_of_tokens_is_kept_and_a_long_note_gives_its_best_passages() {
    let mut notes = Notes::new();
    let filler = "Nothing of interest happened on that day in the office of the harbour. ".repeat(12);
    let long = format!(
        "{filler}\n\n{filler}\n\nThe crane was painted yellow by Ines.\n\n{filler}\n\n{filler}\n\n{filler}"
    );
    notes.push("long", "Diary", &long);
    notes.push("short", "Crane", "The crane is serviced in May.");
    let mut query = notes.query("who painted the crane?");
    query.tokens = 500;
    let found = notes.found(&query);
    let hit = &found.hits[0];
    assert_eq!(hit.note.as_str(), "long");
    assert!(hit.passages.iter().any(|passage| passage.contains("painted yellow")), "{:?}", hit.passages);
    assert!(hit.tokens < 500 && found.tokens <= 500 && found.of_tokens > 500, "{found:?}");
    assert!(
        Query { tokens: 0, ..query.clone() }.tokens == 0
            && notes.found(&Query { tokens: 0, ..query }).hits.is_empty()
    );
}

#[test]
fn modes_look_where_they_say() {
    let mut notes = bakery();
    notes.push("pay", "Payments", "`src/pay.rs` reads STRIPE_KEY and writes to PostgreSQL.");
    notes.push("keys", "Keys", "STRIPE_KEY is rotated by `ops/rotate.sh` each month.");
    let in_mode =
        |mode| notes.found(&Query { mode, ..notes.query("What does STRIPE_KEY do in PostgreSQL?") });
    assert!(in_mode(RecallMode::Bypass).hits.is_empty());
    let naive = in_mode(RecallMode::Naive);
    assert!(naive.entities.is_empty() && naive.relations.is_empty() && naive.hits[0].note.as_str() == "pay");
    for mode in [RecallMode::Local, RecallMode::Global, RecallMode::Hybrid, RecallMode::Mix] {
        let found = in_mode(mode);
        assert_eq!(found.hits[0].note.as_str(), "pay", "{mode:?}");
        assert!(found.entities.iter().any(|row| row.name == "STRIPE_KEY"), "{mode:?} {:?}", found.entities);
        assert!(
            found.relations.iter().any(|row| row.source == "STRIPE_KEY" || row.target == "STRIPE_KEY"),
            "{mode:?}"
        );
    }
    assert!(in_mode(RecallMode::Mix).hits[0].why.contains("names stripe_key"));
    let low = Query { mode: RecallMode::Local, low: vec!["ops/rotate.sh".into()], ..notes.query("anything") };
    assert_eq!(notes.found(&low).hits[0].note.as_str(), "keys");
    let high =
        Query { mode: RecallMode::Global, high: vec!["opening hours".into()], ..notes.query("anything") };
    assert_eq!(notes.found(&high).hits[0].note.as_str(), "hours");
}

#[test]
fn kinds_and_times_narrow_it() {
    let mut notes = bakery();
    notes.push_as("choice", NoteKind::Decision, "Header", "The header stays terracotta.", "you", None);
    let of = |kinds: Vec<NoteKind>| {
        let query = Query { kinds, ..notes.query("terracotta header") };
        notes.found(&query).hits.into_iter().map(|hit| hit.note.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(of(vec![NoteKind::Decision]), ["choice"]);
    assert_eq!(of(vec![]).len(), 2);
    let until = Query { until: Some(At(4 * DAY)), ..notes.query("terracotta header") };
    assert_eq!(notes.found(&until).hits.len(), 1);
    let since = Query { since: Some(At(4 * DAY + 1)), ..notes.query("terracotta header") };
    assert_eq!(notes.found(&since).hits[0].note.as_str(), "choice");
}

#[test]
fn what_was_forgotten_is_not_found_and_what_is_new_is() {
    let mut notes = bakery();
    assert_eq!(notes.ids("terracotta"), ["colour"]);
    notes.forget("colour");
    assert!(notes.ids("terracotta").is_empty());
    notes.push("again", "", "Terracotta it is.");
    assert_eq!(notes.ids("terracotta"), ["again"]);
    notes.reader.rest();
    assert_eq!(notes.ids("terracotta"), ["again"]);
}

#[test]
fn whatever_is_asked_is_answered() {
    let notes = bakery();
    for text in [
        String::new(),
        "\0\0".into(),
        "\" OR NEAR( * ^ title: -".into(),
        "the of and".into(),
        "\u{202e}yrekab eht\u{202c} \u{200b}bakery".into(),
        "bakery ".repeat(1_500_000),
        "ё".repeat(100_000),
        "面包店".repeat(100_000),
    ] {
        for mode in RecallMode::ALL {
            notes.found(&Query { mode, ..notes.query(&text) });
        }
    }
    assert_eq!(notes.ids("title:\"hours\" OR (NEAR) * ^ --"), ["hours"]);
    let none = Query { limit: 0, ..notes.query("bakery") };
    assert!(notes.found(&none).hits.is_empty());
}

#[test]
fn what_was_drawn_by_hand_is_told_though_no_note_names_it() {
    let mut notes = bakery();
    let edits = r#"[
        {"edit": "put_entity", "name": "Tesla", "kind": "maker", "description": "of cars"},
        {"edit": "put_entity", "name": "Nikola", "kind": "person", "description": "an engineer"},
        {"edit": "put_relation", "source": "Nikola", "target": "Tesla", "keywords": "namesake",
            "description": "it is called after him", "weight": 2.0}]"#;
    let blob = BlobRef { blob: BlobId::new("edits").unwrap(), bytes: 0 };
    notes.apply(MemoryGraphEdited { project: space(), edits: blob }.into(), Some(edits));
    for mode in [RecallMode::Local, RecallMode::Global, RecallMode::Hybrid, RecallMode::Mix] {
        let found = notes.found(&Query { mode, ..notes.query("after whom is Tesla called?") });
        let names: Vec<&str> = found.entities.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["Tesla", "Nikola"], "{mode:?}");
        assert_eq!(found.entities[0].description, "of cars");
        let [relation] = &found.relations[..] else { panic!("{found:?}") };
        assert_eq!((relation.kind.as_str(), relation.weight), ("namesake", 2.0));
        assert_eq!(relation.description, "it is called after him");
    }
    let text_alone = Query { mode: RecallMode::Naive, ..notes.query("Tesla") };
    assert!(notes.found(&text_alone).entities.is_empty());
}

struct Letters;

/// Close when the same letters occur: enough to see vectors at work.
impl embed::Embedder for Letters {
    fn model(&self) -> &str {
        "letters"
    }
    fn dim(&self) -> usize {
        26
    }
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, embed::Error> {
        let one = |text: &&str| {
            let mut counts = [0.0_f32; 26];
            for letter in text.to_lowercase().bytes().filter(u8::is_ascii_lowercase) {
                counts[usize::from(letter - b'a')] += 1.0;
            }
            let length = counts.iter().map(|x| x * x).sum::<f32>().sqrt().max(1.0);
            counts.iter().map(|x| x / length).collect()
        };
        Ok(texts.iter().map(one).collect())
    }
}

#[test]
fn meaning_finds_what_words_do_not() {
    use embed::Embedder;
    let mut notes = bakery();
    let ask = |notes: &Notes| {
        notes
            .reader
            .recall(&space(), &notes.query("remotsuc nesohc attocarret redaeh ruoloc eht yb"), Some(&Letters))
            .unwrap()
    };
    let found = ask(&notes);
    assert!(found.hits.is_empty() && found.model.is_none(), "no passage has a vector yet");
    let waiting = notes.memory.unembedded(&space(), "letters", 100).unwrap();
    let texts: Vec<&str> = waiting.iter().map(|(_, text)| text.as_str()).collect();
    let vectors = waiting.iter().map(|(id, _)| *id).zip(Letters.embed(&texts).unwrap()).collect::<Vec<_>>();
    notes.memory.put_vectors(&space(), "letters", 26, &vectors).unwrap();
    let found = ask(&notes);
    assert_eq!((found.hits[0].note.as_str(), found.model.as_deref()), ("colour", Some("letters")));
    assert!(found.hits[0].why.contains("close in meaning (0."), "{}", found.hits[0].why);
    let nothing = notes.query("zzzzq");
    let nothing = notes.reader.recall(&space(), &nothing, Some(&Letters)).unwrap();
    assert!(nothing.hits.is_empty(), "the closest of what is far away is no answer: {nothing:?}");
    notes.forget("colour");
    assert!(ask(&notes).hits.iter().all(|hit| hit.note.as_str() != "colour"));
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
        /// However notes came, an answer keeps its limits, names each note once, best first.
        #[test]
        fn an_answer_keeps_its_limits(
            texts in proptest::collection::vec("[a-f]{1,3}( [a-f]{1,3}){0,12}", 1..20),
            question in "[a-f]{1,3}( [a-f]{1,3}){0,4}",
            limit in 1usize..8,
            tokens in 1u64..60,
        ) {
            let mut notes = Notes::new();
            for (n, text) in texts.iter().enumerate() {
                notes.push_as(&format!("n{n}"), NoteKind::Document, "", text, &format!("s{}#{n}", n % 3), None);
            }
            let query = Query { limit, tokens, ..notes.query(&question) };
            let found = notes.found(&query);
            prop_assert!(found.hits.len() <= limit && found.tokens <= tokens);
            prop_assert!(found.hits.windows(2).all(|two| two[0].score >= two[1].score));
            let mut ids: Vec<&str> = found.hits.iter().map(|hit| hit.note.as_str()).collect();
            ids.sort_unstable();
            ids.dedup();
            prop_assert_eq!(ids.len(), found.hits.len());
            // A rebuilt catalogue says the same as one that grew.
            notes.reader.rest();
            prop_assert_eq!(notes.found(&query), found);
        }
    }
}
