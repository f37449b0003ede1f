//! Recalling: the notes that are nearest to a question, and why.

use crate::error::Error;
use crate::index::Memory;
use crate::terms;
use protocol::fact::Recalled;
use protocol::{NoteId, ProjectId};

/// A title's word weighs as much as four in the text.
const NEAREST: &str = "
SELECT note, -bm25(words, 4.0, 1.0, 1.0), notes.at,
    highlight(words, 0, char(1), char(2)), highlight(words, 1, char(1), char(2)), highlight(words, 2, char(1), char(2))
FROM words JOIN notes ON notes.seq = words.rowid
WHERE words MATCH ?1 AND notes.project = ?2
ORDER BY bm25(words, 4.0, 1.0, 1.0), notes.at DESC LIMIT ?3";

/// What it adds to a score that all of the question's words occur. Little beside BM25, but in a memory of a few notes,
/// where nearly every word is in most of them, BM25 is nearly zero for all and this decides.
const ALL_WORDS: f64 = 0.5;

impl Memory {
    /// The project's notes in which any of the query's words occurs (by their stem), nearest first: by BM25, then by
    /// how many of the words occur, then the newer. Empty when none does.
    pub fn recall(&self, project: &ProjectId, query: &str, limit: usize) -> Result<Vec<Recalled>, Error> {
        let asked = terms::asked(query);
        if asked.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        // More than are wanted, since the words that occur still change the order.
        let candidates = limit.saturating_mul(4).clamp(32, 400);
        let mut found = self.nearest(project, &asked, candidates)?;
        found.sort_by(|a, b| b.0.score.total_cmp(&a.0.score).then(b.1.cmp(&a.1)));
        Ok(found.into_iter().take(limit).map(|(recalled, _)| recalled).collect())
    }

    /// Notes and when they were pushed.
    fn nearest(
        &self,
        project: &ProjectId,
        asked: &[String],
        most: usize,
    ) -> Result<Vec<(Recalled, i64)>, Error> {
        let mut query = self.db.prepare_cached(NEAREST)?;
        let mut rows =
            query.query((terms::any_of(asked), project.as_str(), i64::try_from(most).unwrap_or(i64::MAX)))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let note =
                NoteId::new(row.get::<_, String>(0)?).map_err(|why| Error::Damaged(why.to_string()))?;
            let mut hits = Vec::new();
            for column in 3..6 {
                marked(&row.get::<_, String>(column)?, &mut hits);
            }
            let matched = matched(asked, &hits);
            #[expect(clippy::cast_precision_loss, reason = "at most a few dozen words")]
            let share = matched.len() as f64 / asked.len() as f64;
            let score = row.get::<_, f64>(1)?.max(0.0) + ALL_WORDS * share;
            found.push((
                Recalled { note, score, why: format!("matched: {}", matched.join(", ")) },
                row.get(2)?,
            ));
        }
        Ok(found)
    }
}

/// The words between FTS5's marks, lower-case, each once.
fn marked(text: &str, hits: &mut Vec<String>) {
    for piece in text.split('\u{1}').skip(1) {
        for word in terms::words(piece.split('\u{2}').next().unwrap_or_default()) {
            if !hits.contains(&word) {
                hits.push(word);
            }
        }
    }
}

/// Which of the asked words were hit. FTS5 says what it found in the note, not for which word; stems differ from words
/// at their end, so it was the asked word that begins most like it.
fn matched<'a>(asked: &'a [String], hits: &[String]) -> Vec<&'a str> {
    let best = |hit: &String| asked.iter().max_by_key(|word| alike(word, hit));
    let hit: Vec<&String> = hits.iter().filter_map(best).collect();
    asked.iter().filter(|word| hit.contains(word)).map(String::as_str).collect()
}

/// Length of the common beginning, then nearness in length.
fn alike(a: &str, b: &str) -> (usize, std::cmp::Reverse<usize>) {
    let common = a.chars().zip(b.chars()).take_while(|(x, y)| x == y).count();
    (common, std::cmp::Reverse(a.chars().count().abs_diff(b.chars().count())))
}
