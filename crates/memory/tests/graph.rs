//! Entities and relations: what notes name, what readers say, what people change by hand.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod shelf;

use memory::GraphQuery;
use protocol::At;
use protocol::fact::NoteKind;
use protocol::note::{GraphEdit, Reading};
use protocol::view::GraphView;
use shelf::{Shelf, entity, relation, space};

fn graph(shelf: &Shelf, query: GraphQuery) -> GraphView {
    shelf.reader.graph(&space("bakery"), &query).unwrap()
}

fn names(view: &GraphView) -> Vec<&str> {
    view.nodes.iter().map(|node| node.name.as_str()).collect()
}

fn kind_between(shelf: &Shelf, a: &str, b: &str) -> Option<String> {
    shelf.reader.relation(&space("bakery"), a, b).unwrap().map(|row| row.kind)
}

/// A chain of files: each note names two that follow each other.
fn chain(of: usize) -> Shelf {
    let mut shelf = Shelf::new();
    for n in 0..of {
        shelf.push(&format!("n{n}"), "", &format!("From `src/f{n}.rs` one comes to `src/f{}.rs`.", n + 1));
    }
    shelf
}

#[test]
fn things_of_one_passage_are_related_and_more_notes_weigh_more() {
    let mut shelf = Shelf::new();
    shelf.push("n1", "", "`src/a.rs` reads DATABASE_URL.");
    shelf.push("n2", "", "`SRC/A.rs` again with DATABASE_URL, and `src/b.rs`.");
    let row = shelf.reader.relation(&space("bakery"), "database_url", "src/A.rs").unwrap().unwrap();
    assert_eq!((row.kind.as_str(), row.weight, row.notes.len()), ("with", 2.0, 2));
    let found = shelf.entity("SRC/a.RS").unwrap();
    assert_eq!((found.name.as_str(), found.kind.as_str()), ("src/a.rs", "file"), "as it was first written");
    assert_eq!(found.notes.iter().map(|note| note.as_str()).collect::<Vec<_>>(), ["n2", "n1"]);
    let view = graph(&shelf, GraphQuery::default());
    assert_eq!((view.nodes.len(), view.edges.len(), view.of), (3, 3, 3));
    assert_eq!(view.nodes[0].degree, 2);
    assert_eq!((view.nodes[0].first, view.nodes[0].last), (At(2_000), At(3_000)));
    shelf.forget("n1");
    assert_eq!(shelf.entity("src/a.rs").unwrap().name, "SRC/A.rs", "the first spelling that is left");
}

#[test]
fn what_mends_and_what_touches_depends_on_the_kind_of_note() {
    let mut shelf = Shelf::new();
    let failure = "TypeError: x is not a function\n\nMended by commit 3eb6f2c.";
    shelf.log.push("n1", NoteKind::Failure, "The build broke", failure);
    shelf.log.push("n2", NoteKind::Step, "Step 4", "Commit 4fb6f2c changed src/a.rs and src/b.rs.");
    shelf.apply();
    assert_eq!(kind_between(&shelf, "3eb6f2c", "TypeError: x is not a function").as_deref(), Some("fixes"));
    assert_eq!(kind_between(&shelf, "4fb6f2c", "src/b.rs").as_deref(), Some("touches"));
    assert_eq!(kind_between(&shelf, "src/a.rs", "src/b.rs").as_deref(), Some("with"));
}

#[test]
fn the_graph_is_shown_around_a_focus_by_kind_by_time_and_by_letters() {
    let mut shelf = chain(10);
    shelf.push("late", "", "`src/f3.rs` needs SHOP_KEY.");
    let focus =
        |depth| GraphQuery { focus: Some("SRC/F3.rs".into()), depth: Some(depth), ..GraphQuery::default() };
    assert_eq!(names(&graph(&shelf, focus(0))), ["src/f3.rs"]);
    let near = graph(&shelf, focus(1));
    assert_eq!((near.nodes.len(), near.nodes[0].name.as_str(), near.nodes[0].degree), (4, "src/f3.rs", 3));
    assert_eq!(graph(&shelf, focus(2)).nodes.len(), 6);
    assert_eq!(graph(&shelf, GraphQuery { limit: Some(2), ..focus(2) }).nodes.len(), 2);
    let kinds = GraphQuery { kinds: vec!["env".into()], ..GraphQuery::default() };
    assert_eq!(names(&graph(&shelf, kinds)), ["SHOP_KEY"]);
    let early = GraphQuery { until: Some(At(3_000)), ..GraphQuery::default() };
    assert_eq!(names(&graph(&shelf, early)), ["src/f1.rs", "src/f0.rs", "src/f2.rs"]);
    let find = GraphQuery { find: Some("_key".into()), ..GraphQuery::default() };
    assert_eq!(names(&graph(&shelf, find)), ["SHOP_KEY"]);
    assert_eq!(shelf.reader.entities(&space("bakery"), "", 3).unwrap()[0].name, "src/f3.rs");
    assert!(
        graph(&shelf, GraphQuery { focus: Some("nobody".into()), ..GraphQuery::default() }).nodes.is_empty()
    );
}

#[test]
fn the_way_between_two_is_the_shortest_and_then_the_heaviest() {
    let mut shelf = chain(6);
    let way = |shelf: &Shelf, a: &str, b: &str| {
        let view = shelf.reader.path(&space("bakery"), a, b).unwrap();
        view.map(|view| (names(&view).join(" "), view.edges.len()))
    };
    let six = "src/f0.rs src/f1.rs src/f2.rs src/f3.rs src/f4.rs src/f5.rs src/f6.rs";
    assert_eq!(way(&shelf, "src/f0.rs", "src/f6.rs"), Some((six.into(), 6)));
    shelf.push("a", "", "`src/f0.rs` with LIGHT_WAY");
    shelf.push("b", "", "`src/f6.rs` with LIGHT_WAY");
    for n in 0..3 {
        shelf.push(&format!("c{n}"), "", "`src/f0.rs` with HEAVY_WAY");
        shelf.push(&format!("d{n}"), "", "`src/f6.rs` with HEAVY_WAY");
    }
    assert_eq!(way(&shelf, "src/f0.rs", "src/f6.rs"), Some(("src/f0.rs HEAVY_WAY src/f6.rs".into(), 2)));
    assert_eq!(way(&shelf, "src/f0.rs", "src/f0.rs"), Some(("src/f0.rs".into(), 0)));
    shelf.push("e", "", "ALONE_HERE");
    assert_eq!(way(&shelf, "src/f0.rs", "ALONE_HERE"), None);
    assert_eq!(way(&shelf, "src/f0.rs", "nobody"), None);
}

#[test]
fn a_reading_adds_entities_and_relations_and_goes_with_its_note() {
    let mut shelf = Shelf::new();
    shelf.push("n1", "", "Ms Baker wants the shop to open at seven, says `src/hours.rs`.");
    shelf.log.enrich(
        "n1",
        &Reading {
            entities: vec![
                entity("Shop", "place", "where bread is sold"),
                entity("src/hours.rs", "module", "the hours"),
            ],
            relations: vec![relation("Shop", "src/hours.rs", "opens when"), relation("Shop", "Owner", "")],
        },
    );
    shelf.log.enrich("nobody", &Reading { entities: vec![entity("Ghost", "", "")], relations: vec![] });
    shelf.apply();
    let shop = shelf.entity("shop").unwrap();
    assert_eq!(
        (shop.kind.as_str(), shop.description.as_str(), shop.notes.len()),
        ("place", "where bread is sold", 1)
    );
    let file = shelf.entity("src/hours.rs").unwrap();
    assert_eq!((file.kind.as_str(), file.description.as_str()), ("file", "the hours"));
    let row = shelf.reader.relation(&space("bakery"), "src/hours.rs", "shop").unwrap().unwrap();
    assert_eq!((row.kind.as_str(), row.description.as_str()), ("opens when", "Shop and src/hours.rs"));
    assert!(shelf.entity("Owner").is_some(), "an end of a relation is an entity");
    assert!(shelf.entity("Ghost").is_none());
    let named = shelf.reader.note_entities(&space("bakery"), &shelf::note_id("n1")).unwrap();
    assert!(named.iter().any(|row| row.name == "Shop") && named[0].name == "src/hours.rs", "{named:?}");
    shelf.forget("n1");
    assert_eq!(shelf.reader.sizes(&space("bakery")).unwrap().entities, 0);
}

#[test]
fn what_is_deleted_by_hand_stays_so_until_it_is_put_again() {
    let mut shelf = chain(2);
    shelf.log.edit(&[GraphEdit::DeleteEntity { name: "SRC/f1.rs".into() }]);
    shelf.push("n9", "", "`src/f1.rs` and `src/f2.rs`");
    assert!(shelf.entity("src/f1.rs").is_none());
    assert!(!names(&graph(&shelf, GraphQuery::default())).contains(&"src/f1.rs"));
    shelf.log.edit(&[GraphEdit::PutEntity(entity("src/f1.rs", "module", "the second"))]);
    shelf.apply();
    let put = shelf.entity("src/f1.rs").unwrap();
    assert_eq!((put.kind.as_str(), put.description.as_str(), put.notes.len()), ("module", "the second", 3));
    assert_eq!(graph(&shelf, GraphQuery::default()).nodes.iter().filter(|n| n.kind == "module").count(), 1);
    shelf.log.edit(&[GraphEdit::DeleteRelation { source: "src/f2.rs".into(), target: "src/f1.rs".into() }]);
    shelf.apply();
    assert_eq!(kind_between(&shelf, "src/f1.rs", "src/f2.rs"), None);
    assert!(kind_between(&shelf, "src/f1.rs", "src/f0.rs").is_some());
    assert_eq!(shelf.dump(), Shelf::of(shelf.log.clone()).dump());
}

#[test]
fn entities_are_renamed_merged_and_related_by_hand() {
    let mut shelf = chain(3);
    let related = relation("src/f0.rs", "src/f3.rs", "belongs to");
    shelf.log.edit(&[
        GraphEdit::PutEntity(entity("The Files", "", "all of them")),
        GraphEdit::PutRelation(related),
        GraphEdit::RenameEntity { from: "src/f3.rs".into(), to: "The last".into() },
        GraphEdit::MergeEntities {
            from: vec!["src/f1.rs".into(), "src/f2.rs".into()],
            into: "the files".into(),
        },
    ]);
    shelf.apply();
    assert_eq!(shelf.entity("src/f3.rs").unwrap().name, "The last", "known by its old name too");
    let merged = shelf.entity("src/f2.rs").unwrap();
    assert_eq!(
        (merged.name.as_str(), merged.description.as_str(), merged.notes.len()),
        ("The Files", "all of them", 3)
    );
    assert_eq!(kind_between(&shelf, "src/f0.rs", "the last").as_deref(), Some("belongs to"));
    assert_eq!(kind_between(&shelf, "The Files", "The last").as_deref(), Some("with"));
    let view = graph(&shelf, GraphQuery::default());
    assert_eq!((view.nodes.len(), view.edges.len()), (3, 3), "{view:?}");
    let (rows, relations) = shelf.reader.described(&space("bakery"), &view).unwrap();
    assert_eq!((rows.len(), relations.len()), (3, 3));
    shelf.log.edit(&[
        GraphEdit::RenameEntity { from: "The last".into(), to: "src/f3.rs".into() },
        GraphEdit::MergeEntities { from: vec!["The Files".into()], into: "src/f3.rs".into() },
        GraphEdit::DeleteEntity { name: "nobody".into() },
        GraphEdit::PutRelation(relation("src/f3.rs", "The Files", "itself")),
    ]);
    shelf.apply();
    assert_eq!(graph(&shelf, GraphQuery::default()).nodes.len(), 2);
    assert_eq!(shelf.dump(), Shelf::of(shelf.log.clone()).dump());
}
