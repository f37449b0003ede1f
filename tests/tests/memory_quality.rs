//! How well the memory answers our own set of questions (`crates/memory/sets/development`), with nothing but what is always
//! there: words, order and graph, no embedding model. The floors were taken from the figures of the day on which the
//! weights were frozen, a little below; BM25, given the same notes, is a floor of its own.

use bench::recall_set::{Figures, Half, Outcome, Set, ask_bm25, ask_memory};

/// As many as a caller would look through.
const LIMIT: usize = 10;

struct Floor {
    name: &'static str,
    of: fn(&Outcome) -> bool,
    recall5: f64,
    mrr: f64,
}

const FLOORS: [Floor; 4] = [
    Floor { name: "tune half", of: |it| it.half == Half::Tune, recall5: 74.5, mrr: 66.5 },
    Floor { name: "held half", of: |it| it.half == Half::Held, recall5: 79.0, mrr: 69.5 },
    Floor {
        name: "held, English",
        of: |it| it.half == Half::Held && it.lang == "en",
        recall5: 85.0,
        mrr: 74.0,
    },
    Floor { name: "across languages", of: |it| it.crosses, recall5: 69.0, mrr: 59.0 },
];

#[test]
fn recall_stays_above_its_floors_and_above_bm25() {
    let set = Set::own().unwrap();
    let (ours, bm25) = (ask_memory(&set, None, LIMIT, None).unwrap(), ask_bm25(&set, LIMIT).unwrap());
    let mut below = Vec::new();
    println!(
        "{:<18} {:>9} {:>9} {:>7} {:>9} {:>7} {:>7}",
        "", "questions", "recall@5", "MRR", "BM25 r@5", "MRR", "floors"
    );
    for Floor { name, of, recall5, mrr } in FLOORS {
        let figures = |outcomes: &[Outcome]| Figures::of(outcomes.iter().filter(|outcome| of(outcome)));
        let (ours, bm25) = (figures(&ours), figures(&bm25));
        println!(
            "{name:<18} {:>9} {:>9.1} {:>7.1} {:>9.1} {:>7.1} {recall5:>7.1} {mrr:>7.1}",
            ours.questions, ours.recall5, ours.mrr, bm25.recall5, bm25.mrr
        );
        assert!(ours.questions >= 25, "{name}: {} questions say little", ours.questions);
        if ours.recall5 < recall5.max(bm25.recall5) || ours.mrr < mrr.max(bm25.mrr) {
            below.push(name);
        }
    }
    assert!(below.is_empty(), "below a floor: {below:?}; the table above says by how much");
}

#[test]
fn a_superseded_note_never_stands_above_the_one_that_replaced_it() {
    let set = Set::own().unwrap();
    let ours = ask_memory(&set, None, LIMIT, None).unwrap();
    let traps: Vec<&Outcome> = ours
        .iter()
        .filter(|it| it.replaced && it.judged.is_some_and(|judged| judged.misled.is_some()))
        .collect();
    assert!(traps.len() >= 40, "{} questions have an older note to fall for", traps.len());
    let misled: Vec<&str> = traps
        .iter()
        .filter(|it| it.judged.is_some_and(|judged| judged.misled == Some(true)))
        .map(|it| it.question.as_str())
        .collect();
    assert!(misled.is_empty(), "an older note stands above the newer one: {misled:?}");
}
