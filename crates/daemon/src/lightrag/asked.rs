//! What a query asks for. Fields that only steer a model that answers are read, so that what is wrong is told, and are
//! heard where a prompt is asked for.

use super::fields::Fields;
use super::refuse::Refusal;
use protocol::note::RecallMode;

const MOST_QUERY: usize = 64 * 1024;
const MOST_KEYWORDS: usize = 64;
const MOST_KEYWORD: usize = 512;
const MOST_TOP: u64 = 1000;
const MOST_TOKENS: u64 = 1_000_000;
const SHORT: &str = "RAG query is too short. Enter at least 3 English characters or an equivalent combination where each \
                     Chinese, Japanese or Korean character counts as 2.";

#[derive(Debug)]
pub struct Asked {
    pub query: String,
    pub mode: RecallMode,
    pub only_context: bool,
    pub only_prompt: bool,
    /// Entities and relations, and passages, at most.
    pub top: usize,
    pub top_passages: usize,
    pub budget: Budget,
    pub high: Vec<String>,
    pub low: Vec<String>,
    pub response_type: Option<String>,
    pub user_prompt: Option<String>,
    pub references: bool,
    pub chunk_content: bool,
    pub progress: bool,
    pub stream: bool,
}

/// Tokens at most, each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    pub entities: u64,
    pub relations: u64,
    pub passages: u64,
}

impl Asked {
    /// `usual`: tokens of the passages where the request names no number.
    pub fn read(body: &[u8], usual: u64) -> Result<Self, Refusal> {
        let mut fields = Fields::of_body(body)?;
        let words = RecallMode::ALL.map(RecallMode::word);
        let query = query(&mut fields);
        let mode = fields.one_of("mode", &words).and_then(|place| RecallMode::ALL.get(place).copied());
        let mode = mode.unwrap_or_default();
        let top = fields.number("top_k", 1, MOST_TOP).unwrap_or(40);
        let top_passages = fields.number("chunk_top_k", 1, MOST_TOP).unwrap_or(20);
        let entities = fields.number("max_entity_tokens", 1, MOST_TOKENS);
        let relations = fields.number("max_relation_tokens", 1, MOST_TOKENS);
        let total = fields.number("max_total_tokens", 1, MOST_TOKENS);
        let high = keywords(&mut fields, "hl_keywords");
        let low = keywords(&mut fields, "ll_keywords");
        let asked = Self {
            mode,
            only_context: fields.flag("only_need_context").unwrap_or(false),
            only_prompt: fields.flag("only_need_prompt").unwrap_or(false),
            top: usize::try_from(top).unwrap_or(usize::MAX),
            top_passages: usize::try_from(top_passages).unwrap_or(usize::MAX),
            budget: budget(entities, relations, total, usual),
            high,
            low,
            response_type: fields.maybe_text("response_type"),
            user_prompt: fields.maybe_text("user_prompt"),
            references: fields.flag("include_references").unwrap_or(true),
            chunk_content: fields.flag("include_chunk_content").unwrap_or(false),
            progress: fields.flag("include_progress").unwrap_or(false),
            stream: fields.flag("stream").unwrap_or(true),
            query,
        };
        fields.end()?;
        if mode != RecallMode::Bypass && weight(&asked.query) < 3 {
            fields.refuse_all(SHORT);
        }
        fields.end()?;
        Ok(asked)
    }
}

fn query(fields: &mut Fields) -> String {
    let query = fields.text("query").trim().to_owned();
    if fields.is_text("query") {
        if query.chars().count() > MOST_QUERY {
            fields.refuse("query", &format!("a query has at most {MOST_QUERY} characters"));
        } else if !super::documents::shows(&query) {
            fields.refuse("query", "Query must not be empty.");
        }
    }
    query
}

fn keywords(fields: &mut Fields, name: &str) -> Vec<String> {
    let words = fields.texts(name).unwrap_or_default();
    if words.len() > MOST_KEYWORDS {
        fields.refuse(name, &format!("at most {MOST_KEYWORDS} keywords are taken"));
    }
    if words.iter().any(|word| word.chars().count() > MOST_KEYWORD) {
        fields.refuse(name, &format!("each keyword must be at most {MOST_KEYWORD} characters"));
    }
    words.into_iter().filter(|word| !word.trim().is_empty()).collect()
}

/// What is named for all is shared in LightRAG's proportions; what is named for one part is that part's.
fn budget(entities: Option<u64>, relations: Option<u64>, total: Option<u64>, usual: u64) -> Budget {
    let share = |tenths: u64| total.unwrap_or(usual) * tenths / 30;
    let entities = entities.unwrap_or_else(|| share(6));
    let relations = relations.unwrap_or_else(|| share(8));
    let passages = match total {
        Some(total) => total.saturating_sub(entities.min(share(6)) + relations.min(share(8))),
        None => usual,
    };
    Budget { entities, relations, passages: passages.max(1) }
}

/// The length of a query as LightRAG weighs it.
fn weight(query: &str) -> usize {
    query.chars().map(|c| if is_wide(c) { 2 } else { 1 }).take(3).sum()
}

/// Whether a character is of the scripts of Chinese, Japanese or Korean, by Unicode's blocks.
fn is_wide(c: char) -> bool {
    matches!(u32::from(c),
        0x1100..=0x11FF | 0x2E80..=0x4DBF | 0x4E00..=0x9FFF | 0xA960..=0xA97F | 0xAC00..=0xD7FF
        | 0xF900..=0xFAFF | 0xFE30..=0xFE4F | 0xFF00..=0xFFEE | 0x16FE0..=0x16FFF | 0x1AFF0..=0x1B2FF
        | 0x20000..=0x3FFFD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_says_what_it_wants() {
        let body =
            br#"{"query":" who? ","mode":"local","top_k":3,"max_total_tokens":3000,"ll_keywords":["a"," "]}"#;
        let asked = Asked::read(body, 3000).unwrap();
        assert_eq!((asked.query.as_str(), asked.mode, asked.top), ("who?", RecallMode::Local, 3));
        assert_eq!(asked.budget, Budget { entities: 600, relations: 800, passages: 1600 });
        assert_eq!((asked.low.len(), asked.references, asked.stream), (1, true, true));
        let asked = Asked::read(br#"{"query":"who is it"}"#, 3000).unwrap();
        assert_eq!((asked.mode, asked.budget.passages), (RecallMode::Mix, 3000));
    }

    #[test]
    fn a_query_that_says_nothing_is_refused() {
        for body in
            [r#"{"query":"hi"}"#, r#"{"query":"  "}"#, r#"{"query":"\u200b"}"#, r#"{"query":7}"#, "{}"]
        {
            let Err(Refusal::Fields(wrong)) = Asked::read(body.as_bytes(), 1) else { panic!("{body}") };
            assert_eq!(wrong.len(), 1, "{body}: {wrong:?}");
        }
        for fine in [r#"{"query":"面包"}"#, r#"{"query":"hi","mode":"bypass"}"#] {
            assert!(Asked::read(fine.as_bytes(), 1).is_ok(), "{fine}");
        }
    }
}
