//! Vectors of passages, which come later than the passages.

mod shelf;

use memory::Error;
use shelf::{Shelf, space};

fn bakery() -> protocol::ProjectId {
    space("bakery")
}

#[test]
fn each_passage_waits_for_a_vector_of_the_model_in_use() {
    let mut shelf = Shelf::new();
    shelf.push("n1", "Hours", "nine to five");
    shelf.push("n2", "", &"The baker opens the shop at seven. ".repeat(60));
    let all = shelf.memory.unembedded(&bakery(), "small", 100).unwrap();
    assert!(all.len() > 2, "{all:?}");
    assert_eq!(all[0].1, "Hours\nnine to five");
    assert!(all[1].1.starts_with("The baker"), "no title, no line for it");
    let put = |shelf: &mut Shelf, model, of: &[(i64, String)]| {
        let vectors: Vec<_> = of.iter().map(|(id, _)| (*id, vec![0.5, -1.0])).collect();
        shelf.memory.put_vectors(&bakery(), model, 2, &vectors).unwrap()
    };
    assert_eq!(put(&mut shelf, "small", &all[..1]), 1);
    assert_eq!(shelf.memory.unembedded(&bakery(), "small", 100).unwrap(), all[1..]);
    assert_eq!(put(&mut shelf, "small", &all[1..]), all.len() - 1);
    assert_eq!(shelf.reader.waiting(&bakery(), "small").unwrap(), 0);
    shelf.push("n3", "More", "bread");
    assert_eq!(shelf.memory.unembedded(&bakery(), "small", 100).unwrap().len(), 1, "a newer one waits");
    assert_eq!(
        shelf.reader.waiting(&bakery(), "large").unwrap(),
        all.len() as u64 + 1,
        "another model begins anew"
    );
    let again = shelf.memory.unembedded(&bakery(), "large", 2).unwrap();
    assert_eq!(put(&mut shelf, "large", &again), 2);
    assert_eq!(shelf.reader.waiting(&bakery(), "large").unwrap(), all.len() as u64 - 1);
}

#[test]
fn a_vector_of_a_forgotten_passage_is_dropped_and_one_of_another_length_refused() {
    let mut shelf = Shelf::new();
    shelf.push("n1", "Hours", "nine to five");
    shelf.push("n2", "Hours", "ten to six");
    let all = shelf.memory.unembedded(&bakery(), "small", 100).unwrap();
    shelf.forget("n1");
    let vectors: Vec<_> = all.iter().map(|(id, _)| (*id, vec![0.5, f32::NAN])).collect();
    assert_eq!(shelf.memory.put_vectors(&bakery(), "small", 2, &vectors).unwrap(), 1);
    let wrong = [(all[1].0, vec![1.0; 3])];
    for dim in [2, 3] {
        let refused = shelf.memory.put_vectors(&bakery(), "small", dim, &wrong);
        assert!(matches!(refused, Err(Error::Dimension { expected: 2, got: 3, .. })), "{refused:?}");
    }
    assert_eq!(shelf.memory.put_vectors(&space("nowhere"), "small", 2, &vectors).unwrap(), 0);
    let mut out = Vec::new();
    shelf.reader.dump_vectors(&bakery(), &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap().lines().count(), 1);
}
