//! Questions asked, and what came of them.

use super::{Half, Question, Set};
use anyhow::Result;

/// One question's answer, judged.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub question: String,
    pub half: Half,
    pub lang: String,
    pub crosses: bool,
    /// All that is wrong was superseded, not only contradicted.
    pub replaced: bool,
    /// None: there is no answer in the memory.
    pub judged: Option<Judged>,
    /// Notes that were given.
    pub given: usize,
}

#[derive(Debug, Clone, Copy)]
pub struct Judged {
    /// Share of the answers among the first five.
    pub recall5: f64,
    /// 1 ÷ the rank of the first answer; 0 if there is none.
    pub reciprocal: f64,
    pub first: bool,
    /// Only where something is wrong: a wrong note stands above the first answer.
    pub misled: Option<bool>,
}

/// Asks every question; `rank` gives the ids of notes, best first.
pub fn judge_all(set: &Set, mut rank: impl FnMut(&Question) -> Result<Vec<String>>) -> Result<Vec<Outcome>> {
    set.questions
        .iter()
        .map(|question| {
            let ranked = rank(question)?;
            Ok(Outcome {
                question: question.id.clone(),
                half: question.half,
                lang: question.lang.clone(),
                crosses: set.crosses(question),
                replaced: {
                    let old = set.superseded(&question.space);
                    question.wrong.iter().all(|id| old.contains(id.as_str()))
                },
                judged: (!question.answers.is_empty()).then(|| judge(question, &ranked)),
                given: ranked.len(),
            })
        })
        .collect()
}

fn judge(question: &Question, ranked: &[String]) -> Judged {
    let place = |ids: &[String]| ranked.iter().position(|id| ids.contains(id));
    let first = place(&question.answers);
    let in_five = ranked.iter().take(5).filter(|id| question.answers.contains(id)).count();
    let misled = match (place(&question.wrong), first) {
        (Some(wrong), Some(right)) => wrong < right,
        (Some(_), None) => true,
        (None, _) => false,
    };
    Judged {
        recall5: share(in_five, question.answers.len()),
        reciprocal: first.map_or(0.0, |place| share(1, place + 1)),
        first: first == Some(0),
        misled: (!question.wrong.is_empty()).then_some(misled),
    }
}

/// Means over some outcomes, in per cent.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Figures {
    pub questions: usize,
    pub recall5: f64,
    pub mrr: f64,
    pub first: f64,
    /// Questions with something wrong to say, and those where it stood above the answer.
    pub traps: usize,
    pub misled: usize,
}

impl Figures {
    /// Of those that have an answer.
    pub fn of<'o>(outcomes: impl IntoIterator<Item = &'o Outcome>) -> Figures {
        let judged: Vec<Judged> = outcomes.into_iter().filter_map(|outcome| outcome.judged).collect();
        let count = judged.len();
        let mean = |of: fn(&Judged) -> f64| 100.0 * judged.iter().map(of).sum::<f64>() / as_f64(count.max(1));
        Figures {
            questions: count,
            recall5: mean(|one| one.recall5),
            mrr: mean(|one| one.reciprocal),
            first: mean(|one| f64::from(u8::from(one.first))),
            traps: judged.iter().filter(|one| one.misled.is_some()).count(),
            misled: judged.iter().filter(|one| one.misled == Some(true)).count(),
        }
    }
}

fn share(part: usize, of: usize) -> f64 {
    as_f64(part) / as_f64(of.max(1))
}

#[expect(clippy::cast_precision_loss, reason = "counts of notes and questions")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(answers: &[&str], wrong: &[&str], ranked: &[&str]) -> Judged {
        let own = |ids: &[&str]| -> Vec<String> { ids.iter().map(ToString::to_string).collect() };
        let question = Question {
            id: "q".into(),
            space: "s".into(),
            text: "?".into(),
            lang: "en".into(),
            answers: own(answers),
            wrong: own(wrong),
            half: Half::Held,
            history: false,
        };
        judge(&question, &own(ranked))
    }

    #[test]
    fn answers_are_counted_among_the_first_five() {
        let one = judged(&["a", "b"], &[], &["x", "a", "y", "z", "w", "b"]);
        assert_eq!((one.recall5, one.reciprocal, one.first, one.misled), (0.5, 0.5, false, None));
        assert_eq!(judged(&["a"], &[], &["x"]).reciprocal, 0.0);
    }

    #[test]
    fn a_wrong_note_misleads_if_it_stands_above_or_alone() {
        assert_eq!(judged(&["a"], &["o"], &["a", "o"]).misled, Some(false));
        assert_eq!(judged(&["a"], &["o"], &["o", "a"]).misled, Some(true));
        assert_eq!(judged(&["a"], &["o"], &["x", "o"]).misled, Some(true));
        assert_eq!(judged(&["a"], &["o"], &["x"]).misled, Some(false));
    }
}
