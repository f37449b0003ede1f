//! Memory: what is pushed is recalled where it fits, named with its source, and gone when it is forgotten.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]

mod harness;

use harness::{BAKERY, House, QUICK, a_note, crew, files};
use protocol::api::NewNote;
use protocol::fact::{Fact, NoteKind};
use protocol::view::NoteRow;
use protocol::*;
use testkit::Workspace;
use testkit::acp::Act;

const COLOUR: &str = "The brand colour of the bakery is petrol, hex 0a5c63; never use red.";

fn recalled_part(brief: &str) -> &str {
    brief.split_once("# Recalled memory").map_or("", |(_, memory)| memory)
}

#[test]
fn what_the_user_pushed_is_in_the_brief_with_its_source() {
    let house = House::practice();
    let note = house.push("Brand colour", COLOUR);
    let row = house.notes().into_iter().find(|row| row.note == note).unwrap();
    assert_eq!((row.text.as_str(), row.source.as_str(), row.note_kind), (COLOUR, "you", NoteKind::Decision));
    let found = house.recall("which colour does the bakery have?");
    assert_eq!(found[0].note, note);
    assert!(
        found[0].score.is_some() && found[0].why.as_deref().unwrap().contains("colour"),
        "{:?}",
        found[0]
    );

    let request = house.live("A page for the bakery in its brand colour");
    let hits = house.oriented(&request).recalled;
    assert!(hits.iter().any(|hit| hit.note == note && hit.why.contains("colour")), "{hits:?}");
    assert!(recalled_part(&house.brief(&request, 1)).contains(COLOUR));
    let parts = &house.show(&request).attempts[0].parts;
    assert!(parts.iter().any(|part| part.part == "memory" && part.source == note.as_str()), "{parts:?}");

    let other = house.live("Write a contact section with an email address");
    assert!(!house.brief(&other, 1).contains("0a5c63"), "what does not fit is not recalled");
}

#[test]
fn without_recall_the_answer_is_not_in_the_brief() {
    let house = House::open(&format!("{QUICK}[memory]\nrecall = 0\n"));
    house.push("Brand colour", COLOUR);
    let request = house.live("A page for the bakery in its brand colour");
    assert!(house.oriented(&request).recalled.is_empty());
    let brief = house.brief(&request, 1);
    assert!(!brief.contains("0a5c63") && !brief.contains("# Recalled memory"), "{brief}");
    assert!(!house.recall("brand colour").is_empty(), "it is still there for who asks");
}

#[test]
fn a_closed_request_leaves_a_note_of_its_own() {
    let house = House::practice();
    let request = house.live(BAKERY);
    let row = house.row(&request);
    let mine = house.notes().into_iter().filter(|note| note.request.as_ref() == Some(&request));
    let mut mine: Vec<NoteRow> = mine.collect();
    let kinds: Vec<NoteKind> = mine.iter().map(|note| note.note_kind).collect();
    assert_eq!(kinds, [NoteKind::Deployment, NoteKind::Step], "and nothing where there is nothing to say");
    assert!(mine[0].text.contains(row.url.as_deref().unwrap()), "{}", mine[0].text);
    let note = mine.remove(1);
    assert_eq!(note.agent.as_ref(), row.agent.as_ref());
    assert_eq!(note.source, format!("request {request}"));
    assert!(
        note.text.contains(BAKERY)
            && note.text.contains(&row.commit.unwrap().as_str()[..12])
            && note.text.contains("app/public/index.html"),
        "{}",
        note.text
    );
}

#[test]
fn what_is_forgotten_is_gone_everywhere_and_stays_gone() {
    let house = House::practice();
    let note = house.push("Brand colour", COLOUR);
    let kept = house.push("Shop", "The bakery is closed on Mondays.");
    let blob = house.wait(|entry| match &entry.fact {
        Fact::MemoryPushed(pushed) if pushed.note == note => Some(pushed.text.clone()),
        _ => None,
    });
    assert_eq!(note::unpack(&house.text(&blob)), ("Brand colour", COLOUR));
    assert_eq!(house.call(&Request::Forget { note: note.clone() }), Response::Done);

    let gone = |house: &House| {
        assert!(house.notes().iter().all(|row| row.note != note));
        assert!(house.recall("brand colour petrol").iter().all(|row| row.note != note));
        assert_eq!(house.refused(&Request::Text { blob: blob.blob.clone() }).code, Code::NotFound);
        assert_eq!(house.refused(&Request::Forget { note: note.clone() }).code, Code::NotFound);
        assert!(house.notes().iter().any(|row| row.note == kept), "the other one stays");
        house.is_sound();
    };
    gone(&house);
    let request = house.live("A page for the bakery in its brand colour petrol");
    assert!(!house.brief(&request, 1).contains("0a5c63"));
    let house = house.restart();
    gone(&house);
    let House { mut daemon, workspace } = house;
    daemon.quit().unwrap();
    files::hold_nothing(&workspace, "hex 0a5c63");
}

/// The brief of a request in which the answer can only stand because a request before stored it. `first` is how that one
/// is worked at; `second` asks for what it left.
fn brief_after(
    settings: &str,
    first: (&str, Vec<Vec<Act>>),
    app: Option<&str>,
    second: &str,
) -> (House, String) {
    let (asked, attempts) = first;
    let other =
        crew::scene("second", second, vec![vec![crew::write("app/public/second.html", "<p>second</p>\n")]]);
    let script = crew::script(vec![other, crew::scene("first", "", attempts)]);
    let house = House::scripted_in(Workspace::new().unwrap(), &script, false, settings);
    if let Some(app) = app {
        house.commit("app.toml", app);
    }
    house.live(asked);
    let request = house.live(second);
    let brief = house.brief(&request, 1);
    (house, brief)
}

const OFF: &str = "[memory]\nrecall = 0\n";

/// With memory, the second brief says it in its memory part, with where it comes from; without, nowhere.
fn only_memory_says_it(
    first: (&str, Vec<Vec<Act>>),
    app: Option<&str>,
    second: &str,
    says: &[&str],
    source: impl Fn(&House) -> String,
) {
    let (house, brief) = brief_after("", first.clone(), app, second);
    let (before, memory) = brief.split_once("# Recalled memory").unwrap_or_else(|| panic!("{brief}"));
    for words in says {
        assert!(!before.contains(words), "it stands elsewhere too: {words}\n{before}");
        assert!(memory.contains(words), "{words}\n{memory}");
    }
    let from = format!("from {}", source(&house));
    assert!(memory.contains(&from), "{from}\n{memory}");
    house.memory_is_sound();
    let (_, brief) = brief_after(OFF, first, app, second);
    for words in says {
        assert!(!brief.contains(words), "{words}\n{brief}");
    }
}

fn page(title: &str) -> Act {
    crew::write(
        "app/public/index.html",
        &format!("<!doctype html>\n<title>{title}</title>\n<h1>{title}</h1>\n"),
    )
}

fn first_request(house: &House) -> String {
    let rows = match house.call(&Request::Requests { project: None, limit: None }) {
        Response::Requests { rows } => rows,
        other => unreachable!("{other:?}"),
    };
    format!("request {}", rows.last().unwrap().request)
}

#[test]
fn a_decision_of_one_request_is_told_to_the_next() {
    let report = "I made the page.\n\n```loopwright-report\n{\"decisions\":[{\"title\":\"Opening hours live in one file\",\
                  \"text\":\"All opening hours are read from quince.json and nowhere else\",\"why\":\"two places disagreed\"}],\
                  \"entities\":[{\"name\":\"quince.json\",\"kind\":\"file\",\"description\":\"the opening hours\"}]}\n```\n";
    let acts = vec![page("Sauerteig"), Act::Print { text: report.into() }];
    let says = ["All opening hours are read from quince.json", "two places disagreed"];
    only_memory_says_it(
        ("A page for a bakery", vec![acts]),
        None,
        "Change the opening hours to eight",
        &says,
        first_request,
    );
}

#[test]
fn a_term_that_was_explained_once_is_told_when_it_is_used() {
    let long = "A page for a bakery called Sauerteig that shows what it sells today, where it is and how to get there by tram.";
    let first = format!("{long} \"Kipferl\" means the small order form with three fields.");
    let says = ["the small order form with three fields"];
    let acts = vec![page("Sauerteig")];
    only_memory_says_it((&first, vec![acts]), None, "Make the Kipferl wider", &says, |_| {
        "term kipferl".into()
    });
}

#[test]
fn what_mended_a_failure_is_told_when_it_could_happen_again() {
    const APP: &str = "[app]\nkind = \"static\"\n[start]\nrun = [\"{loopwrightd}\", \"serve-static\", \"public\"]\nfiles = [\"public\"]\n\
        [health]\npath = \"/\"\ntimeout_s = 15\n[build]\nrun = [[\"sh\", \"-c\", \"grep -q '</h1>' public/index.html || { echo 'error: public/index.html:3: the heading is not closed' >&2; exit 1; }\"]]\n";
    let broken = crew::write("app/public/index.html", "<!doctype html>\n<title>S</title>\n<h1>S\n");
    let words = "It was the generator's quoting, which now escapes slashes.";
    let mended = vec![page("Sauerteig"), Act::Print { text: format!("{words}\n") }];
    let says = ["Mended by attempt 2", "the generator's quoting, which now escapes slashes"];
    let first = ("A page for a bakery", vec![vec![broken], mended]);
    only_memory_says_it(first, Some(APP), "Write a heading that is closed", &says, first_request);
}

#[test]
fn a_newer_note_supersedes_and_what_is_refused_says_why() {
    let house = House::practice();
    let push = |title: &str, text: &str, source: &str, supersedes: Vec<NoteId>| {
        let note = NewNote { source: Some(source.into()), supersedes, ..a_note(title, text) };
        match house.call(&Request::Push { project: None, note }) {
            Response::Pushed { mut notes } => notes.remove(0),
            other => unreachable!("{other:?}"),
        }
    };
    let blue = push("Colour", "The colour of the shop is blue", "docs/colour.md", vec![]).note;
    let green = push("Colour", "The colour of the shop is green", "docs/colour.md", vec![]);
    assert_eq!(green.superseded, std::slice::from_ref(&blue), "the same source again");
    let red = push("Colour", "The colour of the shop is red", "docs/new.md", vec![green.note.clone()]);
    assert_eq!(red.superseded, std::slice::from_ref(&green.note));
    let found = house.recall("which colour has the shop");
    assert_eq!(found.iter().map(|row| &row.note).collect::<Vec<_>>(), [&red.note], "{found:?}");
    let cycle = Request::Supersede { note: red.note.clone(), by: blue.clone() };
    assert_eq!(house.refused(&cycle).code, Code::Conflict);
    assert_eq!(house.call(&Request::Forget { note: red.note }), Response::Done);
    assert_eq!(
        house.recall("which colour has the shop")[0].note,
        green.note,
        "the one before is current again"
    );

    let bad = |text: String| house.refused(&Request::Push { project: None, note: a_note("x", &text) });
    for text in [String::new(), "\u{200B}".into(), "\0\u{1}\u{2}ELF".into(), "y".repeat(clean::MAX_NOTE + 1)]
    {
        let refused = bad(text);
        assert_eq!((refused.code, refused.next.is_some()), (Code::BadInput, true), "{refused}");
    }
    let many = |n: usize| Request::PushMany { project: None, notes: vec![a_note("t", "a word"); n] };
    assert_eq!(house.refused(&many(101)).code, Code::BadInput);
    assert_eq!(house.refused(&many(0)).code, Code::BadInput);
    match house.call(&many(100)) {
        Response::Pushed { notes } => assert_eq!(notes.len(), 100),
        other => unreachable!("{other:?}"),
    }
    let key = format!("ghp_{}", "q7Zt2Lw9Xc4Vb6Nm1Kj8Hg5Fd3Sa0PoIuYtR");
    let note = house.push("Access", &format!("push with {key}"));
    let row = house.notes().into_iter().find(|row| row.note == note).unwrap();
    assert_eq!(row.text, "push with [a GitHub token, not kept]");
    house.memory_is_sound();
    house.is_sound();
}
