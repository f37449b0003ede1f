//! Text that nobody would write by hand.

mod shelf;

use memory::{GraphQuery, Query};
use protocol::At;
use shelf::{Shelf, space};

#[test]
fn odd_texts_are_kept_found_and_forgotten_like_others() {
    let long: String = (0..30_000).map(|n| format!("The baker opens shop {n} at seven. ")).collect();
    let texts = [
        String::new(),
        "\0\u{1}\u{2}\u{7f} bread \u{fffd}\u{fffd}".into(),
        "zero\u{200B}width\u{FEFF} \u{202E}bread daerb\u{202C} שעות פתיחה ساعات".into(),
        "🦀🥐🥖".repeat(300),
        "{[(<".repeat(5_000),
        "`".repeat(5_000),
        "a\u{301}".repeat(3_000),
        "x".repeat(200_000),
        "../../etc/passwd '; DROP TABLE note; -- \" OR 1=1".into(),
        long[..1_000_000].into(),
    ];
    let mut shelf = Shelf::new();
    for (n, text) in texts.iter().enumerate() {
        shelf.push(&format!("n{n}"), text.get(..100).unwrap_or_default(), text);
        shelf.push(&format!("m{n}"), "", text);
    }
    assert_eq!(shelf.reader.sizes(&space("bakery")).unwrap().notes, 20);
    let graph = shelf.reader.graph(&space("bakery"), &GraphQuery::default()).unwrap();
    assert!(graph.nodes.iter().all(|node| !node.name.is_empty()));
    shelf.reader.recall(&space("bakery"), &Query::new("bread baker 29000", At(1)), None).unwrap();
    assert_eq!(shelf.dump(), Shelf::of(shelf.log.clone()).dump());
    for n in 0..texts.len() {
        shelf.log.forget(&format!("n{n}"));
        shelf.log.forget(&format!("m{n}"));
    }
    let rest = shelf.log.batch(&shelf.memory, &shelf.log.entries[21..]);
    shelf.memory.apply_all(&rest).unwrap();
    assert_eq!(shelf.dump(), "");
    assert_eq!(shelf.reader.sizes(&space("bakery")).unwrap().entities, 0);
}

#[test]
fn a_hundred_thousand_things_in_one_note_are_few_in_the_graph() {
    let mut shelf = Shelf::new();
    let text: String = (0..70_000).map(|n| format!("src/f{n}.rs ")).collect();
    shelf.push("n1", "Files", &text);
    let sizes = shelf.reader.sizes(&space("bakery")).unwrap();
    assert!((24..=120).contains(&sizes.entities), "{sizes:?}");
}
