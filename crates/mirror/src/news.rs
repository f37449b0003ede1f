//! What is worth telling somebody who does not look: requests that ended, and agents that wait for an answer.

use crate::{Error, Folder};
use journal::Reader;
use protocol::fact::Outcome;
use protocol::{Fact, RequestId};

/// Entries that are looked at; of more than that at once nothing is news.
const RECENT: u32 = 500;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    pub request: RequestId,
    pub what: What,
    /// The request's own words; none once they were forgotten.
    pub text: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Ended(Outcome),
    Asks,
}

impl Folder {
    /// What the entries after a number tell, oldest first.
    pub fn news(&self, after: u64) -> Result<Vec<News>, Error> {
        let reader = Reader::open(&self.journal())?;
        let mut news = Vec::new();
        for entry in reader.entries(after, RECENT)? {
            let (request, what) = match entry.fact {
                Fact::RequestClosed(closed) => (closed.request, What::Ended(closed.outcome)),
                Fact::AttemptAsked(asked) => (asked.request, What::Asks),
                _ => continue,
            };
            let text = reader.request(&request)?.and_then(|row| row.text);
            news.push(News { request, what, text });
        }
        Ok(news)
    }
}
