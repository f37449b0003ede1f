//! Filling a copy: what is new comes by cursor, with its texts.

use crate::{Error, Folder, State, catch_up, open_memory};
use journal::{Journal, NewBlob, Opening, Reader};
use protocol::blobs::Kept;
use protocol::fact::Entry;
use protocol::view::Hello;
use protocol::{ApiError, At, BlobId, JournalId, Request, Response};
use std::future::Future;

/// Entries that are asked for at once.
const PAGE: u32 = 500;
/// Texts that are asked for at once.
const TEXTS: usize = 1000;

/// A daemon that can be asked.
pub trait Source {
    fn call(&self, request: &Request) -> impl Future<Output = Result<Response, ApiError>> + Send;
    /// The first ones of these, in order: at least one, and as many as one answer holds.
    fn blobs(&self, ids: &[BlobId]) -> impl Future<Output = Result<Vec<Kept>, ApiError>> + Send;
}

/// How a copy stands after it was filled.
#[derive(Debug, Clone, PartialEq)]
pub struct Pulled {
    pub journal: JournalId,
    pub head: u64,
    pub warning: Option<String>,
}

impl Folder {
    /// Pulls what is new; `now` is when. An end in the middle loses nothing: the next pull goes on from there.
    pub async fn pull(&self, source: &impl Source, now: At) -> Result<Pulled, Error> {
        let Response::Hello(hello) = source.call(&Request::Hello).await? else {
            return Err(Error::OddAnswer);
        };
        let folder = self.clone();
        let theirs = hello.journal.clone();
        let (mut mirror, mut state) = blocking(move || folder.begin(&theirs)).await?;
        let (mine, _) = mirror.head();
        if hello.head < mine {
            let words = format!(
                "{} is at entry {} and this copy at {mine}: it was set back, or somebody took entries away; the copy keeps what it has",
                hello.host, hello.head
            );
            return self.warned(state, hello.journal, mine, words);
        }
        // The newest one again: whether it is still the same one.
        let mut after = mine.saturating_sub(1);
        loop {
            let ask = Request::Journal { after, limit: Some(PAGE) };
            let Response::Journal { entries, .. } = source.call(&ask).await? else {
                return Err(Error::OddAnswer);
            };
            let Some(last) = entries.last().map(|entry| entry.seq) else { break };
            let fresh = entries.iter().filter(|entry| entry.seq > mine);
            let blobs = texts(source, fresh).await?;
            let journal = hello.journal.clone();
            let taken = blocking(move || {
                let taken = mirror.mirror(&journal, &entries, &blobs);
                Ok((mirror, taken))
            });
            let taken = taken.await?;
            mirror = taken.0;
            match taken.1 {
                Ok(_) => {}
                Err(broken @ journal::Error::BrokenChain { .. }) => {
                    let words = format!("{}: {broken}; the copy keeps what it has", hello.host);
                    return self.warned(state, hello.journal, mirror.head().0, words);
                }
                Err(error) => return Err(error.into()),
            }
            if last >= hello.head {
                break;
            }
            after = last;
        }
        if let Ok(Response::Agents { rows }) = source.call(&Request::Agents { fresh: false }).await {
            state.agents =
                rows.into_iter().map(|row| protocol::view::AgentRow { now: None, ..row }).collect();
        }
        let (folder, journal) = (self.clone(), hello.journal.clone());
        let head = mirror.head().0;
        blocking(move || {
            let mut memory = open_memory(&folder.memory(), &journal)?;
            catch_up(&mut memory, &Reader::open(&folder.journal())?)?;
            state.at = Some(now);
            state.hello = Some(Hello { head, ..hello });
            folder.keep(&state)?;
            Ok(Pulled { journal, head, warning: state.warning })
        })
        .await
    }

    /// Opens the copy for writing. One of another journal is wiped, which is remembered as a warning.
    fn begin(&self, theirs: &JournalId) -> Result<(Journal, State), Error> {
        self.prepare()?;
        let mut state = self.state();
        let mirror = Journal::open(&self.journal(), Opening::Mirror)?;
        if mirror.head().0 == 0 || mirror.id() == theirs {
            if state.hello.as_ref().is_some_and(|hello| hello.journal == *theirs) && mirror.head().0 > 0 {
                // What stood here before is judged anew, but that it was another journal once stays said.
                state.warning = state.warning.filter(|said| said.starts_with(ANOTHER));
            }
            return Ok((mirror, state));
        }
        let (was, head) = (mirror.id().clone(), mirror.head().0);
        drop(mirror);
        self.wipe()?;
        self.prepare()?;
        let warning = format!(
            "{ANOTHER}: the copy was of {was} up to entry {head}, and now {theirs} answers there; the old copy was thrown away and the new one fetched"
        );
        Ok((
            Journal::open(&self.journal(), Opening::Mirror)?,
            State { warning: Some(warning), ..State::default() },
        ))
    }

    fn warned(
        &self,
        mut state: State,
        journal: JournalId,
        head: u64,
        words: String,
    ) -> Result<Pulled, Error> {
        state.warning = Some(words);
        self.keep(&state)?;
        Ok(Pulled { journal, head, warning: state.warning })
    }
}

const ANOTHER: &str = "this is another journal than before";

/// What was forgotten meanwhile is not there any more; the entry that says so comes later.
async fn texts<'a>(
    source: &impl Source,
    entries: impl Iterator<Item = &'a Entry>,
) -> Result<Vec<NewBlob>, Error> {
    let ids: Vec<BlobId> = entries.flat_map(|entry| entry.fact.texts()).cloned().collect();
    let mut texts = Vec::with_capacity(ids.len());
    let mut rest = ids.as_slice();
    while let Some(asked) = rest.get(..TEXTS.min(rest.len())).filter(|asked| !asked.is_empty()) {
        let kept = source.blobs(asked).await?;
        if kept.is_empty() || kept.len() > asked.len() {
            return Err(Error::OddAnswer);
        }
        rest = rest.get(kept.len()..).unwrap_or_default();
        let named = asked.iter().zip(kept);
        texts.extend(
            named.filter_map(|(id, kept)| kept.map(|(salt, data)| NewBlob { id: id.clone(), salt, data })),
        );
    }
    Ok(texts)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Ended)?
}
