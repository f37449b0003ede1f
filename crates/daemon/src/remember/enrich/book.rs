//! What waits to be read and what was spent, from the journal's memory facts alone: so neither a crash nor a restart loses
//! a note, repeats one, or forgets what a day has cost.

use protocol::fact::{Entry, Fact, MemoryPushed, NoteKind, Usage};
use protocol::{At, BlobId, NoteId, ProjectId};
use std::collections::BTreeMap;

/// What a call counts for the budget when nobody told what it cost.
const UNKNOWN_CALL: u64 = 4_000;
const DAY: i64 = 24 * 60 * 60 * 1000;

#[derive(Debug)]
pub struct Book {
    /// The entry after which notes are read: from when it was switched on.
    after: u64,
    /// The newest entry that was taken in.
    pub seen: u64,
    /// By the entry that pushed them.
    open: BTreeMap<u64, Open>,
    /// Tokens of the newest day that anything was spent on.
    spent: (i64, u64),
    /// Of the newest call.
    last: u64,
}

/// A note that nobody has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    pub note: NoteId,
    pub project: ProjectId,
    pub blob: BlobId,
    superseded_by: Option<NoteId>,
    /// Calls about it that failed in this life of the daemon.
    pub tries: u32,
}

impl Book {
    pub fn new(after: u64) -> Self {
        Self { after, seen: 0, open: BTreeMap::new(), spent: (0, 0), last: 0 }
    }

    /// Takes the next entry. True: it is a note that may be worth a reading.
    pub fn tell(&mut self, entry: &Entry) -> bool {
        self.seen = self.seen.max(entry.seq);
        match &entry.fact {
            Fact::MemoryPushed(f) if entry.seq > self.after && f.note_kind != NoteKind::Glossary => {
                self.open.insert(entry.seq, Open::of(f));
                return true;
            }
            Fact::MemoryEnriched(f) => {
                self.drop(&f.note);
                self.spend(entry.at, &f.usage);
            }
            Fact::MemorySuperseded(f) => {
                for open in self.open.values_mut().filter(|open| open.note == f.note) {
                    open.superseded_by = Some(f.by.clone());
                }
            }
            Fact::MemoryForgotten(f) => {
                self.drop(&f.note);
                for open in self.open.values_mut().filter(|open| open.superseded_by.as_ref() == Some(&f.note))
                {
                    open.superseded_by = None;
                }
            }
            _ => {}
        }
        false
    }

    /// It is not worth a reading.
    pub fn drop(&mut self, note: &NoteId) {
        self.open.retain(|_, open| open.note != *note);
    }

    pub fn failed(&mut self, note: &NoteId) {
        for open in self.open.values_mut().filter(|open| open.note == *note) {
            open.tries += 1;
        }
    }

    fn waiting(&self) -> impl Iterator<Item = (&u64, &Open)> {
        self.open.iter().filter(|(_, open)| open.superseded_by.is_none())
    }

    pub fn count(&self) -> u64 {
        self.waiting().count() as u64
    }

    /// The one to read next: those that failed less often first, then the oldest. None that failed `most` times.
    pub fn next(&self, most: u32) -> Option<Open> {
        let open = self.waiting().filter(|(_, open)| open.tries < most);
        open.min_by_key(|(seq, open)| (open.tries, **seq)).map(|(_, open)| open.clone())
    }

    fn spend(&mut self, at: At, usage: &Usage) {
        let Some(tokens) = tokens(usage) else { return };
        self.last = tokens;
        match day(at).cmp(&self.spent.0) {
            std::cmp::Ordering::Greater => self.spent = (day(at), tokens),
            std::cmp::Ordering::Equal => self.spent.1 += tokens,
            // The clock was set back: what is spent stays spent.
            std::cmp::Ordering::Less => self.spent.1 += tokens,
        }
    }

    /// Tokens of this day (UTC).
    pub fn used(&self, now: At) -> u64 {
        if day(now) <= self.spent.0 { self.spent.1 } else { 0 }
    }

    /// What the newest call cost.
    pub fn last(&self) -> u64 {
        self.last
    }
}

impl Open {
    fn of(f: &MemoryPushed) -> Self {
        Self {
            note: f.note.clone(),
            project: f.project.clone(),
            blob: f.text.blob.clone(),
            superseded_by: None,
            tries: 0,
        }
    }
}

fn day(at: At) -> i64 {
    at.0.div_euclid(DAY)
}

/// Until the next day begins.
pub fn until_tomorrow(now: At) -> std::time::Duration {
    let left = DAY - now.0.rem_euclid(DAY);
    std::time::Duration::from_millis(left.unsigned_abs())
}

/// What a reading cost; none where no call was made for it. What was not told counts as a usual call does.
fn tokens(usage: &Usage) -> Option<u64> {
    let known = [usage.input, usage.cache_read, usage.cache_write, usage.output];
    let sum: u64 = known.iter().flatten().sum();
    match usage.requests {
        Some(calls) if usage.input.is_none() || usage.output.is_none() => {
            Some(sum.max(UNKNOWN_CALL.saturating_mul(calls)))
        }
        Some(_) => Some(sum),
        None => (sum > 0).then_some(sum),
    }
}

/// Both together; what one does not tell is not known of both.
pub fn sum(one: &Usage, other: &Usage) -> Usage {
    let add = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
    Usage {
        input: add(one.input, other.input),
        cache_read: add(one.cache_read, other.cache_read),
        cache_write: add(one.cache_write, other.cache_write),
        output: add(one.output, other.output),
        reasoning: add(one.reasoning, other.reasoning),
        requests: add(one.requests, other.requests),
        cost_usd: one.cost_usd.zip(other.cost_usd).map(|(a, b)| a + b),
        ..Usage::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::fact::{BlobRef, MemoryEnriched, MemoryForgotten, MemorySuperseded};

    fn id(n: u64) -> NoteId {
        NoteId::new(format!("n{n}")).unwrap()
    }

    fn blob() -> BlobRef {
        BlobRef { blob: BlobId::new("b").unwrap(), bytes: 1 }
    }

    fn project() -> ProjectId {
        ProjectId::new("p").unwrap()
    }

    fn pushed(note_kind: NoteKind, n: u64) -> Fact {
        Fact::MemoryPushed(MemoryPushed {
            note: id(n),
            project: project(),
            note_kind,
            title: String::new(),
            text: blob(),
            source: "you".into(),
            request: None,
            agent: None,
            confidence: None,
            batch: None,
        })
    }

    fn enriched(n: u64, usage: Usage) -> Fact {
        let reading = Some(blob());
        Fact::MemoryEnriched(MemoryEnriched {
            project: project(),
            note: id(n),
            reading,
            by: "m".into(),
            usage,
            why: None,
        })
    }

    fn book(after: u64, facts: Vec<(i64, Fact)>) -> Book {
        let mut book = Book::new(after);
        for (n, (at, fact)) in facts.into_iter().enumerate() {
            let entry =
                Entry { seq: n as u64 + 1, at: At(at), prev: String::new(), hash: String::new(), fact };
            book.tell(&entry);
        }
        book
    }

    fn call(input: u64, output: u64) -> Usage {
        Usage { input: Some(input), output: Some(output), requests: Some(1), ..Usage::default() }
    }

    #[test]
    fn what_waits_is_what_was_pushed_since_and_not_read() {
        let decision = |n| (0, pushed(NoteKind::Decision, n));
        let mut book = book(
            1,
            vec![
                decision(1),
                decision(2),
                decision(3),
                (0, enriched(2, call(1, 1))),
                (0, pushed(NoteKind::Glossary, 4)),
                decision(5),
            ],
        );
        assert_eq!(book.count(), 2);
        assert_eq!(book.next(3).unwrap().note, id(3));
        book.failed(&id(3));
        assert_eq!(book.next(3).unwrap().note, id(5), "one that failed waits behind the others");
        book.failed(&id(5));
        assert_eq!(book.next(3).unwrap().note, id(3));
        assert_eq!(book.next(1), None);
        book.drop(&id(3));
        assert_eq!(book.count(), 1);
    }

    #[test]
    fn a_superseded_note_waits_again_when_its_successor_is_forgotten() {
        let supersede =
            Fact::MemorySuperseded(MemorySuperseded { project: project(), note: id(1), by: id(2) });
        let facts = vec![(0, pushed(NoteKind::Step, 1)), (0, pushed(NoteKind::Step, 2)), (0, supersede)];
        assert_eq!(book(0, facts.clone()).count(), 1);
        let forget = MemoryForgotten { note: id(2), blob: blob().blob, readings: vec![], project: None };
        let all = facts.into_iter().chain([(0, Fact::MemoryForgotten(forget))]).collect();
        assert_eq!(book(0, all).next(9).unwrap().note, id(1));
    }

    #[test]
    fn a_day_is_added_up_from_what_was_told_and_a_free_reading_costs_nothing() {
        let untold = Usage { requests: Some(2), ..Usage::default() };
        let book = book(
            0,
            vec![
                (DAY - 1, enriched(1, call(100, 10))),
                (DAY, enriched(2, call(1, 2))),
                (DAY + 5, enriched(3, untold)),
                (DAY + 6, enriched(4, Usage::default())),
            ],
        );
        assert_eq!(book.used(At(DAY + 7)), 3 + 2 * UNKNOWN_CALL);
        assert_eq!(book.used(At(2 * DAY)), 0);
        assert_eq!(book.last(), 2 * UNKNOWN_CALL);
        assert_eq!(
            until_tomorrow(At(DAY + 1)).as_millis(),
            u128::from(DAY.unsigned_abs()) /* less the millisecond */ - 1_u128
        );
    }
}
