//! How well a set of notes and questions is answered: our own, or one in its form that the user names.

use super::models;
use crate::row::Row;
use anyhow::Result;
use bench::recall_set::{Figures, Half, Outcome, Set, ask_bm25, ask_memory};
use embed::Embedder;
use std::collections::BTreeSet;
use std::path::Path;

/// As many as a caller would look through.
const LIMIT: usize = 10;
/// Where all spaces are one.
const POOL: &str = "pool";

/// Our own set at level 0 and 1, and with the multilingual model.
pub fn own(models: Option<&Path>) -> Result<Vec<Row>> {
    let set = Set::own()?;
    let mut rows = rows(&set, "own set", None)?;
    for model in [&embed::MINILM, &embed::USE_MULTILINGUAL] {
        let name = format!("own set, {}", model.name);
        match models::open(models, model) {
            Ok(embedder) => rows.extend(self::rows(&set, &name, Some(&*embedder))?),
            Err(why) => rows.push(Row::not_measured(&name, &why)),
        }
    }
    Ok(rows)
}

/// Somebody's own.
pub fn named(folder: &Path, models: Option<&Path>) -> Result<Vec<Row>> {
    let set = Set::load(folder)?;
    let mut rows = rows(&set, "your set", None)?;
    match models::open(models, &embed::MINILM) {
        Ok(embedder) => rows.extend(self::rows(&set, "your set, minilm", Some(&*embedder))?),
        Err(why) => rows.push(Row::not_measured("your set, minilm", &why)),
    }
    Ok(rows)
}

fn rows(set: &Set, name: &str, embedder: Option<&dyn Embedder>) -> Result<Vec<Row>> {
    let ours = ask_memory(set, None, LIMIT, embedder)?;
    let bm25 = ask_bm25(set, LIMIT)?;
    let mut rows = Vec::new();
    for (half, word) in [(Half::Tune, "tune"), (Half::Held, "held")] {
        let of = |outcomes: &[Outcome]| Figures::of(outcomes.iter().filter(|outcome| outcome.half == half));
        let (ours, bm25) = (of(&ours), of(&bm25));
        if ours.questions > 0 {
            rows.extend(pair(&format!("{name}, {word} half"), ours, bm25, true));
        }
    }
    let langs: BTreeSet<&str> = ours.iter().map(|outcome| outcome.lang.as_str()).collect();
    for lang in langs {
        let of = |outcomes: &[Outcome]| Figures::of(outcomes.iter().filter(|outcome| outcome.lang == lang));
        rows.extend(
            pair(&format!("{name}, questions in {lang}"), of(&ours), of(&bm25), false).into_iter().take(1),
        );
    }
    let crossing = |outcomes: &[Outcome]| Figures::of(outcomes.iter().filter(|outcome| outcome.crosses));
    if crossing(&ours).questions > 0 {
        let (ours, bm25) = (crossing(&ours), crossing(&bm25));
        rows.extend(pair(&format!("{name}, across languages"), ours, bm25, false).into_iter().take(1));
    }
    if set.spaces().len() > 1 {
        let all = Figures::of(&ask_memory(set, Some(POOL), LIMIT, embedder)?);
        let how = format!(
            "{} questions, the notes of all {} spaces in one; MRR {:.1}",
            all.questions,
            set.spaces().len(),
            all.mrr
        );
        rows.push(Row::new(format!("{name}, pooled: recall@5"), "", all.recall5, 1, how));
    }
    for (replaced, what) in
        [(true, "a superseded note above its successor"), (false, "a contradicted note above the newer")]
    {
        let some = Figures::of(ours.iter().filter(|outcome| outcome.replaced == replaced));
        if some.traps > 0 {
            let how = format!("of {} questions with such a note to fall for", some.traps);
            let row = Row::new(format!("{name}, {what}"), "", count(some.misled), 1, how);
            // Nothing says of the others that they are old, but that they are older.
            rows.push(if replaced { row.at_most(0.0) } else { row });
        }
    }
    let silent: Vec<&Outcome> = ours.iter().filter(|outcome| outcome.judged.is_none()).collect();
    if !silent.is_empty() {
        let given = silent.iter().map(|outcome| count(outcome.given)).sum::<f64>() / count(silent.len());
        let how =
            format!("on average, of at most {LIMIT}, for {} questions that no note answers", silent.len());
        rows.push(Row::new(format!("{name}, notes given where there is no answer"), "", given, 1, how));
    }
    Ok(rows)
}

fn pair(name: &str, ours: Figures, bm25: Figures, held: bool) -> Vec<Row> {
    let how = format!("{} questions, the first one right in {:.1} %", ours.questions, ours.first);
    let row = |what: &str, ours: f64, bm25: f64| {
        let row = Row::new(format!("{name}: {what}"), "", ours, 1, how.clone());
        let row = row.beside("BM25 itself", format!("{bm25:.1}"), "this run");
        if held { row.at_least(bm25) } else { row }
    };
    vec![row("recall@5", ours.recall5, bm25.recall5), row("MRR", ours.mrr, bm25.mrr)]
}

#[expect(clippy::cast_precision_loss, reason = "some hundred questions")]
fn count(of: usize) -> f64 {
    of as f64
}
