use super::*;
use protocol::fact::NoteKind;

fn named_in(kind: NoteKind, title: &str, text: &str, source: &str) -> Vec<(String, Kind)> {
    let chunks = chunks(text, source);
    let mut terms = Terms::default();
    terms.add(1, "", "Levain: a\nbulk rise: b");
    terms.add(9, "proofing", "");
    let subject = Subject { kind, title, text, source };
    mentions(&subject, &chunks, &terms.before(5)).into_iter().map(|m| (m.name, m.kind)).collect()
}

fn named(text: &str) -> Vec<(String, Kind)> {
    named_in(NoteKind::Document, "", text, "you")
}

#[track_caller]
fn has(found: &[(String, Kind)], name: &str, kind: Kind) {
    assert!(found.contains(&(name.to_owned(), kind)), "no {name} {kind:?} in {found:?}");
}

#[test]
fn what_developers_write_is_seen() {
    let found = named(
        "The form in ./app/routes/hours.tsx:12:3 sends POST /orders and calls `saveOrder()`; see (crates/shop/src/lib.rs). \
         It reads $SHOP_KEY and process.env.DATABASE_URL with @remix-run/node@2.1.0, via shop::hours::open. \
         Run `npm install --save left-pad@1.2.3` first. Commit 1234567 and 3eb6f2c did it: https://example.org/a?b=c#d.",
    );
    has(&found, "app/routes/hours.tsx", Kind::File);
    has(&found, "crates/shop/src/lib.rs", Kind::File);
    has(&found, "/orders", Kind::Route);
    has(&found, "saveOrder", Kind::Symbol);
    has(&found, "SHOP_KEY", Kind::Env);
    has(&found, "DATABASE_URL", Kind::Env);
    has(&found, "@remix-run/node", Kind::Package);
    has(&found, "shop::hours::open", Kind::Symbol);
    has(&found, "left-pad", Kind::Package);
    has(&found, "1234567", Kind::Commit);
    has(&found, "3eb6f2c", Kind::Commit);
    has(&found, "https://example.org/a?b=c", Kind::Url);
    assert_eq!(found.len(), 12, "{found:?}");
}

#[test]
fn a_name_is_a_name_within_a_sentence_or_when_it_comes_again() {
    let found = named("Yesterday we met Anna Schmidt of Sauerteig. Maybe she likes GitHub. Probably not.");
    has(&found, "Anna Schmidt", Kind::Name);
    has(&found, "Sauerteig", Kind::Name);
    has(&found, "GitHub", Kind::Name);
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(named("Bread is good. Rye as well. Butter too."), []);
    has(&named("Stripe is used. Then Stripe again."), "Stripe", Kind::Name);
    has(&named("Use Stripe Checkout for it."), "Stripe Checkout", Kind::Name);
    assert_eq!(named("# All The Words Of This Heading\n\nare written so."), []);
    let german = "Der Bäcker öffnet am Morgen die Tür und legt das Brot in die Auslage, danach kommt die Kundschaft zum Laden.";
    assert_eq!(named(german), [], "a language that writes its nouns so");
}

#[test]
fn terms_that_were_known_before_are_seen_in_any_form() {
    let found = named("Feed the levain before the Bulk  Rise; two levains in proofing.");
    has(&found, "levain", Kind::Term);
    has(&found, "bulk rise", Kind::Term);
    assert_eq!(found.len(), 2, "{found:?}");
    let own = named_in(
        NoteKind::Glossary,
        "Words",
        "- **Autolyse**: flour and water\n- **folding**: turning",
        "you",
    );
    has(&own, "Autolyse", Kind::Term);
    has(&own, "folding", Kind::Term);
}

#[test]
fn code_is_read_for_what_it_declares_and_brings_in() {
    let rust = "use tokio::fs;\nuse crate::shop;\npub struct Oven { heat: u32 }\nimpl Oven {\n    fn bake(&self) {}\n}\n";
    let found = named(&format!("See:\n\n```rust\n{rust}```\n"));
    for (name, kind) in [("tokio", Kind::Package), ("Oven", Kind::Symbol), ("bake", Kind::Symbol)] {
        has(&found, name, kind);
    }
    assert_eq!(found.len(), 3, "{found:?}");
    let tsx = "import { json } from '@remix-run/node/x';\nimport y from './y';\nexport const Hours = () => <b>{a}</b>;\n\
               export default function Shop() { return fetch('/api/orders'); }\ninterface Order { id: string }\n";
    let found = named_in(NoteKind::Document, "", tsx, "app/shop.tsx#L1");
    for (name, kind) in [
        ("@remix-run/node", Kind::Package),
        ("Hours", Kind::Symbol),
        ("Shop", Kind::Symbol),
        ("Order", Kind::Symbol),
        ("/api/orders", Kind::Route),
        ("app/shop.tsx", Kind::File),
    ] {
        has(&found, name, kind);
    }
    let python = "import os.path\nfrom flask import Flask\n\nclass Shop:\n    def opening_hours(self):\n        pass\n";
    let found = named_in(NoteKind::Document, "", python, "shop.py");
    for (name, kind) in [("flask", Kind::Package), ("Shop", Kind::Symbol), ("opening_hours", Kind::Symbol)] {
        has(&found, name, kind);
    }
}

#[test]
fn an_error_is_known_by_its_fingerprint() {
    let text = "It broke:\n\n```\n  TypeError: x is not a function at /srv/a.ts:3\n```\n";
    has(&named(text), "TypeError: x is not a function at …", Kind::Error);
}

#[test]
fn a_note_keeps_its_best_few_however_much_it_names() {
    let text: String = (0..100_000).map(|n| format!("src/file{n}.rs ")).collect();
    let found = named(&text);
    assert!(found.len() <= 120, "{}", found.len());
    let text: String = (0..60).map(|n| format!("src/file{n}.rs ")).collect();
    assert_eq!(named(&text).len(), 24);
    has(&named_in(NoteKind::Document, "About `src/file59.rs`", &text, "you"), "src/file59.rs", Kind::File);
}

#[test]
fn each_passage_knows_what_it_names() {
    let text = format!(
        "`first_thing` {}\n\n`second_thing` {}",
        "bread and butter. ".repeat(50),
        "bread. ".repeat(20)
    );
    let chunks = chunks(&text, "");
    let subject = Subject { kind: NoteKind::Document, title: "", text: &text, source: "" };
    let found = mentions(&subject, &chunks, &Terms::default().before(1));
    let of = |name: &str| found.iter().find(|m| m.name == name).map(|m| m.chunks.clone()).unwrap();
    assert_eq!(of("first_thing"), [0]);
    let second = chunks.iter().position(|chunk| text[chunk.range.clone()].contains("second_thing")).unwrap();
    assert!(second > 0 && of("second_thing").contains(&(second as u16)), "{found:?}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_text_breaks_it(
        text in "(\\PC|[`#*/_.:(){}\\[\\]<>\"'$@~=\n \u{200B}\u{202E}\0]|```rust\n|```\n|error: |/api/|::|fn a\\(|日本|Ab ){0,80}",
        source in "(a\\.rs|x\\.tsx|you|b\\.py)",
    ) {
        let chunks = chunks(&text, &source);
        for kind in [NoteKind::Glossary, NoteKind::Failure] {
            let subject = Subject { kind, title: &text, text: &text, source: &source };
            let found = mentions(&subject, &chunks, &Terms::default().before(1));
            for mention in &found {
                proptest::prop_assert!(!mention.name.is_empty());
                proptest::prop_assert!(mention.chunks.iter().all(|ordinal| usize::from(*ordinal) < chunks.len()));
            }
            proptest::prop_assert_eq!(&found, &mentions(&subject, &chunks, &Terms::default().before(1)));
        }
    }
}
