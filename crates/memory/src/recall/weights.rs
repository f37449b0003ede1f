//! Every number of the ranking that was chosen, and on what: by measuring, or by judgement where it says so. Goals are held
//! against other halves than those that were measured on.
//!
//! "Conversations": LoCoMo, conversations 0–4, turn by turn. "Sessions": the same by session. "Code": CoSQA's dev questions.

/// BM25's two: how much a word that comes again still adds, and how much a long text has to pay.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bm25 {
    pub(super) k1: f32,
    pub(super) b: f32,
}
/// Conversations like 0.9 and 0.4 best, sessions more of both.
pub(super) const PROSE: Bm25 = Bm25 { k1: 1.0, b: 0.6 };
/// The textbook's. A long function has every word, and nothing is gained from looking at its pieces: half a point of 33.
pub(super) const CODE: Bm25 = Bm25 { k1: 1.2, b: 0.75 };

/// A word of the title counts as so many in the text. By judgement: none of the sets that were measured on has titles.
pub(super) const TITLE: f32 = 3.0;

/// A word that a reader put beside the note counts less than one in it. By judgement.
pub(super) const READING: f32 = 0.5;

/// A translated word counts less than the word itself. By judgement.
pub(super) const TRANSLATED: f32 = 0.6;

/// Another English word for about the same. On the tuning half of our own set.
pub(super) const ALIKE: f32 = 0.2;

/// What is left of a word that is in many questions ("get", "use", "two"). On the tuning half of our own set.
pub(super) const WEAK: f32 = 0.4;

/// What a note lends of a word to the ones before and after it in its thread, and to the next but one. Conversations:
/// 0.6 and 0.4 were a little better for recall@10, and worse for the first hit.
pub(super) const LENT: [f32; 2] = [0.5, 0.25];

/// Of the smaller one, when a note has a word and its neighbour lends it too. On conversations.
pub(super) const LENT_BESIDE: f32 = 0.2;

/// Words up to which a note lends in full; a longer one says more by itself and lends less. By judgement: turns are mostly
/// shorter, and the sessions that were measured are no threads.
pub(super) const LENDER: f32 = 60.0;

/// Share of the best passages in a long note's score, unless it is code; the rest is the note as a whole. On sessions.
pub(super) const PASSAGES: f32 = 0.5;
/// The second best passage beside the best. On sessions.
pub(super) const SECOND: f32 = 0.3;

/// Weight of closeness in meaning beside the words: on conversations (0.3 to 0.5) and sessions (0.2 to 0.3).
pub(super) const DENSE: f32 = 0.35;
/// Weight of the words beside closeness in meaning, for code: the share of the question's words that occur. On code.
pub(super) const CODE_WORDS: f32 = 0.12;

/// A note with nothing of the question but its meaning is at least so close; a note about anything else is at 0.1 or so.
/// By judgement: low, since a model's own scale is not known here, and at 0.15 some questions across languages lost their note.
pub(super) const CLOSE: f32 = 0.1;

/// A passage that is close to many others is close to every question; so much of its nearness to its nearest ones among
/// the candidates is taken off. On code and conversations alike.
pub(super) const CROWDED: f32 = 0.3;
pub(super) const CROWD: usize = 10;
/// 200 were a tenth of a point better than 100, on both.
pub(super) const CANDIDATES: usize = 200;

/// Weight of what the question names beside its words: small, so that it decides among equals. By judgement; sessions like it
/// a little better than none.
pub(super) const NAMED: f32 = 0.15;
/// One relation further. By judgement.
pub(super) const HOP: f32 = 0.3;

/// What the newest note has over an old one, and when the question asks how things are now. By judgement: only near-ties turn.
pub(super) const RECENT: f64 = 0.02;
pub(super) const RECENT_NOW: f64 = 0.15;
/// Days after which half of that is left. By judgement.
pub(super) const HALF_LIFE_DAYS: f64 = 30.0;

/// What a note has of the score of one that it supersedes. By judgement.
pub(super) const SUCCESSOR: f32 = 0.95;

/// Hits below this share of the best one's score are noise. By judgement.
pub(super) const NOISE: f64 = 0.05;

/// Texts that share this much of their shingles say the same. By judgement; on code it changes nothing.
pub(super) const SAME: f64 = 0.8;
