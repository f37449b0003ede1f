//! A question to the memory, and its answer in the words of the protocol.

use memory::{Found, Query};
use protocol::At;
use protocol::api::RecallAsk;
use protocol::view::{NoteRow, RecalledView};

/// Notes in an answer where the caller names no limit.
const FOUND: u32 = 20;

/// What an ask means to the memory.
pub fn query(ask: RecallAsk, now: At) -> Query {
    let known = Query::new(ask.query, now);
    Query {
        mode: ask.mode,
        limit: crate::rows::page(ask.limit.or(Some(FOUND))) as usize,
        tokens: ask.tokens.map_or(known.tokens, u64::from),
        kinds: ask.kinds,
        since: ask.since,
        until: ask.until,
        superseded: ask.superseded,
        ..known
    }
}

/// What was found, with what the journal says of each note. A note that was forgotten meanwhile is left out.
pub fn told(reader: &journal::Reader, found: Found) -> Result<RecalledView, journal::Error> {
    let mut rows = Vec::with_capacity(found.hits.len());
    for hit in found.hits {
        if let Some(note) = reader.note(&hit.note)? {
            let text = hit.passages.join("\n[…]\n");
            let (score, why) = (Some(hit.score), Some(hit.why));
            rows.push(NoteRow { score, why, text, tokens: hit.tokens, ..note });
        }
    }
    Ok(RecalledView {
        rows,
        entities: found.entities,
        relations: found.relations,
        tokens: found.tokens,
        of_tokens: found.of_tokens,
        model: found.model,
    })
}
