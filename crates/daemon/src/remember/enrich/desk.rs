//! The reader's desk: one note after the other, what to do after each, and how long to wait before the next.

use super::book::{self, Book, Open};
use super::prompt::Prompt;
use super::records::{self, Answer};
use super::{By, Said, by_agent, chat};
use crate::context::{Daemon, internal};
use crate::remember::service::Failed;
use crate::settings::EnrichSettings;
use crate::shell::{Report, give};
use engine::Input;
use protocol::fact::{Fact, MemoryEnriched, Usage};
use protocol::note::Reading;
use protocol::{ApiError, BlobId, NoteId, clean, note};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{info, warn};

/// A note of fewer words says no more than the extraction without a model finds.
const WORDS: usize = 40;
/// Calls about one note that may fail in one life of the daemon.
const TRIES: u32 = 5;
/// Answers that are no records, before the note is given up for good.
const USELESS: u32 = 2;
/// After so many failures in a row it waits for the next note.
const IN_A_ROW: u32 = 5;
/// Between failures: 2 s, 8 s, 32 s, 2 min.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// However long a service says that it wants to be left alone.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 60 * 60);
const PAGE: u32 = 512;

/// What to do after a step.
enum Next {
    /// The next note.
    Go,
    /// Until something new is remembered.
    Rest,
    /// For so long, whatever is remembered meanwhile.
    Pause(Duration),
    /// Until the daemon is started with other settings.
    Never,
}

pub struct Desk {
    daemon: Arc<Daemon>,
    set: EnrichSettings,
    by: By,
    book: Book,
    /// Failures since the last success.
    in_a_row: u32,
    /// Answers of no use, and what they cost.
    useless: HashMap<NoteId, (u32, Usage)>,
}

impl Desk {
    /// `after`: the entry after which notes are read.
    pub fn new(daemon: Arc<Daemon>, set: EnrichSettings, by: By, after: u64) -> Self {
        Self { daemon, set, by, book: Book::new(after), in_a_row: 0, useless: HashMap::new() }
    }

    /// Goes on until the daemon stops.
    pub async fn work(mut self) {
        let stop = self.daemon.stop.clone();
        let mut applied = self.daemon.memory.keeper.applied.clone();
        loop {
            applied.borrow_and_update();
            let next = tokio::select! {
                next = self.step() => next,
                () = stop.cancelled() => return,
            };
            let until = match next {
                Next::Go => continue,
                Next::Rest | Next::Never => None,
                Next::Pause(pause) => Some(Instant::now() + pause),
            };
            // What is remembered meanwhile is counted, and ends a rest, and no pause.
            loop {
                let timer = async {
                    match until {
                        Some(until) => tokio::time::sleep_until(until).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    woken = applied.changed() => match (woken, &next) {
                        (Err(_), _) => return,
                        (Ok(()), Next::Rest) => break,
                        (Ok(()), _) => {
                            applied.borrow_and_update();
                            let _ = self.catch_up().await;
                        }
                    },
                    () = timer => break,
                    () = stop.cancelled() => return,
                }
            }
        }
    }

    async fn step(&mut self) -> Next {
        if let Err(e) = self.catch_up().await {
            warn!(error = %e, "failed to look which notes wait to be read");
            return self.pause(e.message, None);
        }
        let Some(open) = self.book.next(TRIES) else { return Next::Rest };
        let prompt = match self.prompt(&open).await {
            Ok(Some(prompt)) => prompt,
            // Forgotten meanwhile.
            Ok(None) => {
                self.book.drop(&open.note);
                return Next::Go;
            }
            Err(e) => return self.pause(e.message, None),
        };
        if let Some(wait) = self.over_budget(&open, &prompt) {
            return wait;
        }
        match self.ask(&prompt).await {
            Ok(said) => self.judge(&open, said).await,
            Err(failed) => self.fail(&open, failed).await,
        }
    }

    /// Takes in what the journal has since, and shows it.
    async fn catch_up(&mut self) -> Result<(), ApiError> {
        loop {
            let after = self.book.seen;
            let page = self.daemon.reads.ask(move |reader| reader.memory_entries(after, PAGE)).await?;
            if page.is_empty() {
                break;
            }
            for entry in &page {
                if self.book.tell(entry)
                    && let Fact::MemoryPushed(f) = &entry.fact
                    && !self.is_worth_it(&f.text.blob).await?
                {
                    self.book.drop(&f.note);
                }
            }
        }
        let (waiting, used) = (self.book.count(), self.book.used(crate::names::now()));
        self.daemon.enrichment.change(|view| {
            view.waiting = waiting;
            view.used = used;
        });
        self.daemon.nudge();
        Ok(())
    }

    async fn is_worth_it(&self, blob: &BlobId) -> Result<bool, ApiError> {
        let text = self.text(blob).await?;
        Ok(text.is_some_and(|text| words(&text) >= WORDS))
    }

    async fn text(&self, blob: &BlobId) -> Result<Option<String>, ApiError> {
        let blob = blob.clone();
        let bytes = self.daemon.reads.ask(move |reader| reader.blob(&blob)).await?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    async fn prompt(&self, open: &Open) -> Result<Option<Prompt>, ApiError> {
        let Some(packed) = self.text(&open.blob).await? else { return Ok(None) };
        let random: [u8; 6] = crate::names::random().map_err(|e| internal("get random bytes", e))?;
        let mark = protocol::hex(random);
        let (title, text) = note::unpack(&packed);
        Ok(Some(Prompt::new(title, text, &mark)))
    }

    /// Whether this call would go beyond the day's budget, and what to do then.
    fn over_budget(&mut self, open: &Open, prompt: &Prompt) -> Option<Next> {
        let budget = self.set.daily_tokens?;
        let now = crate::names::now();
        let used = self.book.used(now);
        if used == 0 && prompt.tokens() > budget {
            let says = format!("a note takes about {} tokens, and daily_tokens is {budget}", prompt.tokens());
            self.daemon.enrichment.change(|view| view.failed = Some(says));
            (0..TRIES).for_each(|_| self.book.failed(&open.note));
            return Some(Next::Go);
        }
        let expected = prompt.tokens().max(self.book.last());
        (used > 0 && used.saturating_add(expected) > budget).then(|| Next::Pause(book::until_tomorrow(now)))
    }

    async fn ask(&self, prompt: &Prompt) -> Result<Said, Failed> {
        let limit = Duration::from_secs(self.set.timeout_s.max(1));
        match &self.by {
            By::Agent(agent) => {
                by_agent::quiet(&self.daemon).await;
                by_agent::ask(&self.daemon, agent, prompt, limit).await
            }
            By::Chat { service, model } => {
                let (service, model, prompt) = (service.clone(), model.clone(), prompt.clone());
                let asked =
                    tokio::task::spawn_blocking(move || chat::ask(&service, &model, &prompt, limit)).await;
                asked.unwrap_or_else(|e| Err(Failed::Passing { why: e.to_string(), after: None }))
            }
        }
    }

    async fn judge(&mut self, open: &Open, said: Said) -> Next {
        let text = match self.text(&open.blob).await {
            Ok(text) => text.unwrap_or_default(),
            Err(e) => return self.pause(e.message, None),
        };
        let before = self.useless.get(&open.note).cloned();
        let usage =
            before.as_ref().map_or_else(|| said.usage.clone(), |(_, spent)| book::sum(spent, &said.usage));
        match records::read(&said.text, &text) {
            Answer::Read(reading) => {
                info!(note = %open.note, entities = reading.entities.len(), "a note was read");
                self.write(open, Some(reading), usage, None).await
            }
            Answer::Nothing => {
                self.write(open, None, usage, Some("it found nothing that the note names".into())).await
            }
            Answer::Useless => {
                let times = before.map_or(0, |(times, _)| times) + 1;
                if times >= USELESS {
                    let why = format!("{times} answers of {} were no records", self.by.name());
                    return self.write(open, None, usage, Some(why)).await;
                }
                self.useless.insert(open.note.clone(), (times, usage));
                self.book.failed(&open.note);
                Next::Go
            }
        }
    }

    /// What came of it goes into the journal; from there the book learns of it.
    async fn write(
        &mut self,
        open: &Open,
        reading: Option<Reading>,
        usage: Usage,
        why: Option<String>,
    ) -> Next {
        self.in_a_row = 0;
        self.useless.remove(&open.note);
        self.daemon.enrichment.change(|view| view.failed = None);
        let packed = match reading.map(|reading| serde_json::to_vec(&reading)).transpose() {
            Ok(packed) => packed,
            Err(e) => return self.pause(e.to_string(), None),
        };
        let blob = match packed.map(|bytes| self.daemon.blob(bytes)).transpose() {
            Ok(blob) => blob,
            Err(e) => return self.pause(e.message, None),
        };
        let (blobs, named) = blob.map_or((Vec::new(), None), |(blob, named)| (vec![blob], Some(named)));
        let fact = MemoryEnriched {
            project: open.project.clone(),
            note: open.note.clone(),
            reading: named,
            by: self.by.name(),
            usage,
            why,
        };
        give(&self.daemon, Report { input: Input::Enriched(fact), blobs }).await;
        // Also where it was refused, since the note was forgotten meanwhile.
        self.book.drop(&open.note);
        Next::Go
    }

    async fn fail(&mut self, open: &Open, failed: Failed) -> Next {
        match failed {
            Failed::Passing { why, after } => {
                self.book.failed(&open.note);
                self.pause(why, after)
            }
            Failed::Refused { why } => {
                warn!(reason = %why, "notes are not read any more");
                self.show(&format!(
                    "{why}; correct [memory.enrich] in loopwright.toml and start the daemon again"
                ));
                Next::Never
            }
            // It is refused for good.
            Failed::Unfit { why } => {
                let why = clean::line(&why, 400);
                let spent = self.useless.get(&open.note).map(|(_, spent)| spent.clone()).unwrap_or_default();
                self.write(open, None, spent, Some(why)).await
            }
            Failed::Useless { why } => {
                let usage = Usage { requests: Some(1), ..Usage::default() };
                self.show(&why);
                self.judge(open, Said { text: String::new(), usage }).await
            }
        }
    }

    fn show(&self, why: &str) {
        let why = clean::line(why, 400);
        self.daemon.enrichment.change(|view| view.failed = Some(why));
        self.daemon.nudge();
    }

    /// Longer after each failure; after a few it waits for a new note. What waits is tried again at the next start too.
    fn pause(&mut self, why: String, after: Option<Duration>) -> Next {
        warn!(reason = %why, "a note was not read");
        self.in_a_row += 1;
        if self.in_a_row >= IN_A_ROW {
            self.show(&format!("{why}; it is tried again with the next note, or after the next start"));
            return Next::Rest;
        }
        self.show(&why);
        let pause = FIRST_PAUSE.saturating_mul(4_u32.saturating_pow(self.in_a_row - 1));
        Next::Pause(after.unwrap_or(pause).min(LONGEST_PAUSE))
    }
}

/// Words of a text; in a script without spaces two characters count as one.
fn words(text: &str) -> usize {
    let spaced = text.split_whitespace().count();
    let unspaced = text.chars().filter(
        |c| matches!(*c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{0E00}'..='\u{0E7F}'),
    );
    spaced + unspaced.count() / 2
}

#[cfg(test)]
mod tests {
    #[test]
    fn words_are_counted_in_scripts_with_and_without_spaces() {
        assert_eq!(super::words("two words"), 2);
        assert_eq!(super::words(&"字".repeat(80)), 41);
    }
}
