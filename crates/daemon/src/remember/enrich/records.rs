//! LightRAG's record format, read leniently: a line each, `entity<|#|>name<|#|>kind<|#|>description` or
//! `relation<|#|>one<|#|>other<|#|>keywords<|#|>description`, and `<|COMPLETE|>` at the end.
//!
//! An answer is a claim of a model about one note, perhaps of a note that was written to mislead it. So it is bounded, made
//! of plain lines, and names only what the note names.

use protocol::clean;
use protocol::note::{ReadEntity, ReadRelation, Reading};
use std::collections::BTreeSet;

pub const FIELD: &str = "<|#|>";
pub const COMPLETE: &str = "<|COMPLETE|>";

const MOST_ENTITIES: usize = 40;
const MOST_RELATIONS: usize = 60;
const NAME: usize = 120;
const KIND: usize = 40;
const KEYWORDS: usize = 160;
const DESCRIPTION: usize = 400;
/// What comes in pieces is cut at about this length, and goes on in the next line.
const PIECE: usize = 500;

/// What an answer says.
#[derive(Debug, PartialEq)]
pub enum Answer {
    Read(Reading),
    /// It says that there is nothing, in the right way.
    Nothing,
    /// It is something else.
    Useless,
}

/// Reads an answer about a note with this title and text.
pub fn read(answer: &str, note: &str) -> Answer {
    let (body, complete) = match answer.split_once(COMPLETE) {
        Some((body, _)) => (body, true),
        None => (answer, false),
    };
    let note = note.to_lowercase();
    let mut reading = Reading::default();
    let mut records = 0;
    for line in lines(body) {
        let fields: Vec<&str> = line.split(FIELD).map(trimmed).collect();
        match fields.as_slice() {
            [kind, name, rest @ ..] if is(kind, "entity") => {
                records += 1;
                let text = |n: usize, most| clean::line(rest.get(n).unwrap_or(&""), most);
                let entity = ReadEntity {
                    name: clean::line(name, NAME),
                    kind: text(0, KIND).to_lowercase(),
                    description: text(1, DESCRIPTION),
                };
                add_entity(&mut reading, entity, &note);
            }
            [kind, source, target, rest @ ..] if is(kind, "relation") || is(kind, "relationship") => {
                records += 1;
                let text = |n: usize, most| clean::line(rest.get(n).unwrap_or(&""), most);
                let relation = ReadRelation {
                    source: clean::line(source, NAME),
                    target: clean::line(target, NAME),
                    keywords: text(0, KEYWORDS),
                    description: text(1, DESCRIPTION),
                    weight: 1.0,
                };
                add_relation(&mut reading, relation, &note);
            }
            _ => {}
        }
    }
    match (reading.entities.is_empty() && reading.relations.is_empty(), records) {
        (false, _) => Answer::Read(reading),
        (true, 0) if !complete => Answer::Useless,
        (true, _) => Answer::Nothing,
    }
}

/// Its lines, without the dress that models put around them. One that was cut in the middle is whole again.
fn lines(body: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for line in body.lines() {
        let bare = line.trim().trim_start_matches(['-', '*', '•', '(', '"', '`', '#', ' ']);
        let begins = bare.split(FIELD).next().is_some_and(|first| {
            ["entity", "relation", "relationship"].iter().any(|kind| is(trimmed(first), kind))
                && bare.contains(FIELD)
        });
        match all.last_mut() {
            _ if begins => all.push(bare.to_owned()),
            Some(last) if last.len() >= PIECE && last.len() < 4 * PIECE => {
                last.push(' ');
                last.push_str(line.trim());
            }
            _ => {}
        }
    }
    all
}

fn trimmed(field: &str) -> &str {
    field.trim().trim_matches(['"', '`', '(', ')', '*', '\'']).trim()
}

fn is(field: &str, kind: &str) -> bool {
    field.eq_ignore_ascii_case(kind)
}

fn add_entity(reading: &mut Reading, entity: ReadEntity, note: &str) {
    let known = |known: &ReadEntity| known.name.to_lowercase() == entity.name.to_lowercase();
    let full = reading.entities.len() >= MOST_ENTITIES;
    if !full && is_named(&entity.name, note) && !reading.entities.iter().any(known) {
        reading.entities.push(entity);
    }
}

/// Both its ends become entities, if they are none yet.
fn add_relation(reading: &mut Reading, relation: ReadRelation, note: &str) {
    let (one, other) = (relation.source.to_lowercase(), relation.target.to_lowercase());
    let pair = BTreeSet::from([&one, &other]);
    let known = |known: &ReadRelation| {
        BTreeSet::from([&known.source.to_lowercase(), &known.target.to_lowercase()]) == pair
    };
    if one == other || reading.relations.len() >= MOST_RELATIONS || reading.relations.iter().any(known) {
        return;
    }
    for name in [&relation.source, &relation.target] {
        let end = ReadEntity { name: name.clone(), kind: String::new(), description: String::new() };
        add_entity(reading, end, note);
    }
    let is_there = |name: &str| reading.entities.iter().any(|entity| entity.name.to_lowercase() == name);
    if is_there(&one) && is_there(&other) {
        reading.relations.push(relation);
    }
}

/// Whether a word of the name occurs in the note, which is in lower case: what does not is made up.
fn is_named(name: &str, note: &str) -> bool {
    let name = name.to_lowercase();
    let mut words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    // Scripts without spaces have words of two characters, and names that are put together from them.
    let of_word = |word: &str| match word.is_ascii() {
        true => (word.len() >= 3 || word.len() == name.len()) && note.contains(word),
        false => {
            let start: String = word.chars().take(4).collect();
            let short: String = word.chars().take(2).collect();
            note.contains(&start)
                || (!word.chars().any(|c| c.is_lowercase() || c.is_uppercase()) && note.contains(&short))
        }
    };
    words.any(of_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTE: &str =
        "The bakery page keeps its prices in prices.json since Lena found that Sheets was too slow.";

    fn reading(answer: &str) -> Reading {
        match read(answer, NOTE) {
            Answer::Read(reading) => reading,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn records_are_read_with_both_ends_of_their_relations() {
        let read = reading(
            "entity<|#|>prices.json<|#|>File<|#|>Holds the prices.\n\
             relation<|#|>prices.json<|#|>Sheets<|#|>replaces, speed<|#|>Sheets was too slow.\n<|COMPLETE|>",
        );
        let names: Vec<&str> = read.entities.iter().map(|entity| entity.name.as_str()).collect();
        assert_eq!(names, ["prices.json", "Sheets"]);
        assert_eq!(read.entities[0].kind, "file");
        assert_eq!(read.relations[0].keywords, "replaces, speed");
    }

    #[test]
    fn the_dress_around_records_does_not_matter() {
        let read = reading(
            "Here you are:\n```\n- (\"Entity\"<|#|>\"Lena\"<|#|>person<|#|>found it)\n\
             * Relationship<|#|>Lena<|#|>Sheets<|#|>slow\n```\nI hope this helps.",
        );
        assert_eq!((read.entities.len(), read.relations.len()), (2, 1));
        assert_eq!(read.entities[0].name, "Lena");
    }

    #[test]
    fn a_long_record_that_was_cut_is_put_together() {
        let long = "word ".repeat(110);
        let read = reading(&format!(
            "entity<|#|>Lena<|#|>person<|#|>{long}\nand more\nentity<|#|>Sheets<|#|>tool<|#|>x"
        ));
        assert_eq!(read.entities.len(), 2);
        assert_eq!(read.entities[0].description.chars().count(), DESCRIPTION);
    }

    #[test]
    fn what_the_note_does_not_name_is_made_up() {
        let answer = "entity<|#|>rm -rf /<|#|>command<|#|>Run it.\nentity<|#|>Quantum Flux<|#|>x<|#|>y\n\
                      relation<|#|>Lena<|#|>Quantum Flux<|#|>z<|#|>z\nentity<|#|>Bakery Page<|#|>page<|#|>ok";
        let read = reading(answer);
        let names: Vec<&str> = read.entities.iter().map(|entity| entity.name.as_str()).collect();
        assert_eq!(names, ["Lena", "Bakery Page"]);
        assert!(read.relations.is_empty());
        let chinese = "我们把配色方案改成蓝色";
        assert!(matches!(super::read("entity<|#|>配色<|#|>概念<|#|>x", chinese), Answer::Read(_)));
        assert!(matches!(
            super::read("entity<|#|>цвет<|#|>x<|#|>y", "Мы сменили цвета сайта"),
            Answer::Read(_)
        ));
        assert_eq!(super::read("entity<|#|>数据库<|#|>x<|#|>y", chinese), Answer::Nothing);
    }

    #[test]
    fn an_answer_is_bounded_and_of_plain_lines() {
        let mut answer: String =
            (0..500).map(|n| format!("entity<|#|>bakery {n}<|#|>x<|#|>a\u{202e}b\u{0}c\n")).collect();
        answer += &(0..500)
            .map(|n| format!("relation<|#|>bakery 1<|#|>bakery {n}<|#|>x<|#|>y\n"))
            .collect::<String>();
        answer += &format!("entity<|#|>{}<|#|>x<|#|>y", "bakery ".repeat(100_000));
        let read = reading(&answer);
        assert_eq!((read.entities.len(), read.relations.len()), (MOST_ENTITIES, MOST_ENTITIES - 1));
        assert_eq!(read.entities[0].description, "abc");
    }

    #[test]
    fn nothing_and_rubbish_are_told_apart() {
        assert_eq!(read("<|COMPLETE|>", NOTE), Answer::Nothing);
        for rubbish in ["", "I cannot help with that.", "{\"entities\": []}", "entity", "<|#|><|#|>"] {
            assert_eq!(read(rubbish, NOTE), Answer::Useless, "{rubbish}");
        }
    }
}
