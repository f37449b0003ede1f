//! What stands in the place of a model: names are what is written like a name, two of them in one sentence are related,
//! a text's vector is its words thrown into 384 buckets. The same text gives the same answer.

use base64::Engine;
use std::collections::BTreeSet;

pub const DIM: usize = 384;
/// Of one text, as a model that was told to be brief would give.
const NAMES: usize = 12;

/// The answer to a call with these messages' texts, told by what LightRAG's prompts ask for.
pub fn answer(messages: &[&str]) -> String {
    let last = messages.last().copied().unwrap_or_default();
    if messages.iter().any(|text| text.contains("high_level_keywords")) {
        return keywords(last);
    }
    if last.contains("Based on the last extraction task") {
        return "<|COMPLETE|>".to_owned();
    }
    match last.rsplit_once("---Input Text---") {
        Some((_, text)) => records(text.split("---Output---").next().unwrap_or(text)),
        // A summary of descriptions.
        None => "It is told of in several notes.".to_owned(),
    }
}

fn keywords(prompt: &str) -> String {
    let question = prompt.rsplit_once("User Query:").map_or(prompt, |(_, rest)| rest);
    let question = question.split("---Output---").next().unwrap_or(question);
    let words: Vec<&str> =
        question.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| w.len() > 3).collect();
    let low: BTreeSet<&str> = words.iter().copied().take(8).collect();
    let high: Vec<&&str> = words.iter().take(5).collect();
    serde_json::json!({ "high_level_keywords": high, "low_level_keywords": low }).to_string()
}

/// LightRAG's rows.
fn records(text: &str) -> String {
    let (mut rows, mut known, mut related) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for sentence in text.split(['.', '\n', '?', '!']) {
        let told = shortened(sentence);
        let mut here: Vec<String> = Vec::new();
        for name in names(sentence) {
            if known.len() < NAMES && known.insert(name.clone()) {
                rows.push(format!("entity<|#|>{name}<|#|>concept<|#|>{told}"));
            }
            if known.contains(&name) && !here.contains(&name) {
                here.push(name);
            }
        }
        for two in here.windows(2) {
            if let [a, b] = two
                && related.len() < 2 * NAMES
                && related.insert((a.clone().min(b.clone()), a.clone().max(b.clone())))
            {
                rows.push(format!("relation<|#|>{a}<|#|>{b}<|#|>told together<|#|>{told}"));
            }
        }
    }
    rows.push("<|COMPLETE|>".to_owned());
    rows.join("\n")
}

/// Words with a capital inside the sentence, and what is written like code.
fn names(sentence: &str) -> Vec<String> {
    let words = sentence.split_whitespace().enumerate();
    let words =
        words.map(|(place, word)| (place, word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_')));
    words
        .filter(|(place, word)| {
            let code = word.contains("::") || word.contains('_');
            word.len() > 2
                && word.len() < 60
                && (code || (*place > 0 && word.starts_with(char::is_uppercase)))
        })
        .map(|(_, word)| word.to_owned())
        .collect()
}

fn shortened(sentence: &str) -> String {
    let flat = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    flat.replace("<|", "").replace("|>", "").chars().take(200).collect()
}

/// Of length 1.
pub fn vector(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0f32; DIM];
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2) {
        let hash = hash(word);
        let bucket = usize::try_from(hash % DIM as u64).unwrap_or(0);
        if let Some(place) = vector.get_mut(bucket) {
            *place += if hash >> 63 == 0 { 1.0 } else { -1.0 };
        }
    }
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length == 0.0 {
        if let Some(first) = vector.first_mut() {
            *first = 1.0;
        }
        return vector;
    }
    vector.iter().map(|x| x / length).collect()
}

/// FNV-1a over the lower-case word.
fn hash(word: &str) -> u64 {
    let bytes = word.bytes().map(|byte| byte.to_ascii_lowercase());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// As OpenAI's clients ask for it: little-endian floats in base64.
pub fn packed(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_text_become_rows_and_neighbours_are_related() {
        let prompt =
            "---Input Text---\n```\nThe parser calls Vec::push and reads Cargo once.\n```\n---Output---\n";
        let rows = answer(&["system", prompt]);
        assert!(rows.contains("entity<|#|>Vec::push<|#|>concept<|#|>"));
        assert!(rows.contains("relation<|#|>Vec::push<|#|>Cargo<|#|>"));
        assert!(rows.ends_with("<|COMPLETE|>"));
    }

    #[test]
    fn the_same_words_are_close_and_vectors_have_length_one() {
        let dot = |a: &str, b: &str| vector(a).iter().zip(vector(b)).map(|(x, y)| x * y).sum::<f32>();
        assert!(dot("the berth file", "berth file of the pier") > dot("the berth file", "glaze and kiln"));
        assert!((dot("one two three", "one two three") - 1.0).abs() < 1e-5);
    }
}
