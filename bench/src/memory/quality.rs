//! How well public sets are answered, beside BM25 on the same notes: conversations turn by turn and by session (LoCoMo,
//! licensed for evaluation only, so it is read from where the user has it), and code (CoSQA). The weights of recall were
//! chosen on conversations 0–4 and on CoSQA's dev questions; only the rows of the other halves have goals.

use super::models;
use super::public::{self, Public};
use crate::row::Row;
use anyhow::{Context, Result};
use bench::recall_set::bm25::Bm25;
use bench::recall_set::{Half, fill, put_vectors};
use embed::Embedder;
use memory::Query;
use protocol::ProjectId;
use std::collections::BTreeMap;
use std::path::Path;

/// Ranks that count.
const LIMIT: usize = 20;
/// So that no budget cuts the ranking.
const TOKENS: u64 = 1_000_000;

/// Means in per cent.
#[derive(Debug, Clone, Copy, Default)]
struct Means {
    questions: usize,
    at5: f64,
    at10: f64,
    mrr: f64,
}

pub fn quality(sets: Option<&Path>, models: Option<&Path>) -> Result<Vec<Row>> {
    let sets = sets.context("no folder of public sets is known: set LOOPWRIGHT_SETS, or give --sets DIR")?;
    let mut rows = Vec::new();
    for (name, load) in public::SETS {
        match load(sets) {
            Ok(set) => rows.extend(of_set(name, &set, models)?),
            Err(why) => rows.push(Row::not_measured(name, &why)),
        }
    }
    Ok(rows)
}

fn of_set(name: &str, set: &Public, models: Option<&Path>) -> Result<Vec<Row>> {
    let plain = judge_bm25(set);
    let mut rows = rows(name, "level 0", set, &judge(set, None)?, &plain, set.goals[0]);
    match models::open(models, &embed::MINILM) {
        Ok(model) => {
            let ours = judge(set, Some(&*model))?;
            rows.extend(self::rows(name, "level 1", set, &ours, &plain, set.goals[1]));
        }
        Err(why) => rows.push(Row::not_measured(&format!("{name}, level 1"), &why)),
    }
    Ok(rows)
}

fn rows(
    name: &str,
    level: &str,
    set: &Public,
    ours: &[Vec<String>],
    plain: &[Vec<String>],
    goal: Option<f64>,
) -> Vec<Row> {
    let mut rows = Vec::new();
    for (half, word) in [(Half::Tune, "chosen on"), (Half::Held, "held out")] {
        let (ours, bm25) = (means(set, ours, half), means(set, plain, half));
        let what = |means: Means| match set.counts {
            public::Counts::At5 => means.at5,
            public::Counts::At10 => means.at10,
            public::Counts::Mrr => means.mrr,
        };
        let how = format!(
            "{} questions; recall@5 {:.1}, recall@10 {:.1}, MRR {:.1}",
            ours.questions, ours.at5, ours.at10, ours.mrr
        );
        let row = Row::new(format!("{name}, {level}, {word}: {}", set.counts.word()), "", what(ours), 1, how);
        let bm25 = what(bm25);
        rows.push(match half {
            Half::Held => row.at_least(goal.unwrap_or(0.0).max(bm25 + set.above)).beside(
                "BM25 itself, LightRAG's vectors",
                format!("{bm25:.1}, {}", set.lightrag),
                "this run, recorded",
            ),
            Half::Tune => row.beside("BM25 itself", format!("{bm25:.1}"), "this run"),
        });
    }
    rows
}

fn judge(set: &Public, embedder: Option<&dyn Embedder>) -> Result<Vec<Vec<String>>> {
    let folder = tempfile::tempdir_in("/var/tmp")?;
    let mut filled = fill(&set.set, folder.path(), None)?;
    if let Some(embedder) = embedder {
        put_vectors(&mut filled.memory, embedder)?;
    }
    let reader = filled.memory.reader();
    let ask = |question: &bench::recall_set::Question| {
        let mut query = Query::new(question.text.as_str(), filled.now);
        (query.limit, query.tokens) = (LIMIT, TOKENS);
        let found = reader.recall(&ProjectId::new(question.space.as_str())?, &query, embedder)?;
        Ok(found.hits.into_iter().map(|hit| hit.note.to_string()).collect())
    };
    set.set.questions.iter().map(ask).collect()
}

fn judge_bm25(set: &Public) -> Vec<Vec<String>> {
    let mut spaces: BTreeMap<&str, (Bm25, Vec<&str>)> = BTreeMap::new();
    for space in set.set.spaces() {
        let notes = || set.set.notes.iter().filter(|note| note.space == space);
        let index = Bm25::new(notes().map(|note| note.text.as_str()));
        spaces.insert(space, (index, notes().map(|note| note.id.as_str()).collect()));
    }
    let ask = |question: &bench::recall_set::Question| {
        let Some((index, ids)) = spaces.get(question.space.as_str()) else { return Vec::new() };
        let ranked = index.rank(&question.text).into_iter().take(LIMIT);
        ranked.filter_map(|number| ids.get(number).map(ToString::to_string)).collect()
    };
    set.set.questions.iter().map(ask).collect()
}

fn means(set: &Public, ranked: &[Vec<String>], half: Half) -> Means {
    let mut means = Means::default();
    for (question, ranked) in
        set.set.questions.iter().zip(ranked).filter(|(question, _)| question.half == half)
    {
        let among = |first: usize| {
            let found = ranked.iter().take(first).filter(|id| question.answers.contains(id)).count();
            as_f64(found) / as_f64(question.answers.len())
        };
        means.questions += 1;
        means.at5 += among(5);
        means.at10 += among(10);
        let place = ranked.iter().position(|id| question.answers.contains(id));
        means.mrr += place.map_or(0.0, |place| 1.0 / as_f64(place + 1));
    }
    for sum in [&mut means.at5, &mut means.at10, &mut means.mrr] {
        *sum *= 100.0 / as_f64(means.questions.max(1));
    }
    means
}

#[expect(clippy::cast_precision_loss, reason = "some thousand questions")]
fn as_f64(count: usize) -> f64 {
    count as f64
}
