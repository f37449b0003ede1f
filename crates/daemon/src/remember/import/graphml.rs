//! The graph that LightRAG keeps as GraphML: entities and relations as changes of ours. Only what its writer writes is
//! read: keys, nodes, edges and their data.

use protocol::note::{GraphEdit, ReadEntity, ReadRelation};
use std::collections::HashMap;

/// Between the parts of a description that LightRAG put together.
const SEPARATOR: &str = "<SEP>";

#[derive(Default)]
struct Thing {
    /// An edge has two ends, a node is one.
    ends: (String, Option<String>),
    data: HashMap<String, String>,
}

pub fn edits(text: &str) -> Vec<GraphEdit> {
    let mut names: HashMap<String, String> = HashMap::new();
    let (mut entities, mut relations) = (Vec::new(), Vec::new());
    let mut open: Option<Thing> = None;
    let mut rest = text;
    while let Some((tag, after)) = next_tag(rest) {
        rest = after;
        match (tag.name, open.as_mut()) {
            ("key", _) => {
                if let (Some(id), Some(name)) = (tag.attribute("id"), tag.attribute("attr.name")) {
                    names.insert(id, name);
                }
            }
            ("node", _) => {
                open = tag.attribute("id").map(|id| Thing { ends: (id, None), ..Thing::default() });
            }
            ("edge", _) => {
                let ends = tag.attribute("source").zip(tag.attribute("target"));
                open = ends.map(|(one, other)| Thing { ends: (one, Some(other)), ..Thing::default() });
            }
            ("data", Some(thing)) if !tag.closed => {
                let end = rest.find('<').unwrap_or(rest.len());
                let value = unescaped(rest.get(..end).unwrap_or_default());
                if let Some(name) = tag.attribute("key").and_then(|key| names.get(&key)) {
                    thing.data.insert(name.clone(), value);
                }
            }
            _ => {}
        }
        if tag.name == "/node" || tag.name == "/edge" || (tag.closed && matches!(tag.name, "node" | "edge")) {
            match open.take() {
                Some(Thing { ends: (one, Some(other)), data }) => relations.push(relation(one, other, data)),
                Some(Thing { ends: (name, None), data }) => entities.push(entity(name, data)),
                None => {}
            }
        }
    }
    // Both ends of a relation must be there before it.
    entities.into_iter().chain(relations).collect()
}

fn entity(name: String, mut data: HashMap<String, String>) -> GraphEdit {
    let mut take = |key: &str| data.remove(key).unwrap_or_default();
    GraphEdit::PutEntity(ReadEntity {
        name,
        kind: take("entity_type"),
        description: together(&take("description")),
    })
}

fn relation(source: String, target: String, mut data: HashMap<String, String>) -> GraphEdit {
    let mut take = |key: &str| data.remove(key).unwrap_or_default();
    let weight = take("weight").parse().ok().filter(|weight: &f64| weight.is_finite() && *weight >= 0.0);
    GraphEdit::PutRelation(ReadRelation {
        source,
        target,
        keywords: take("keywords"),
        description: together(&take("description")),
        weight: weight.unwrap_or(1.0),
    })
}

fn together(description: &str) -> String {
    description.split(SEPARATOR).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

struct Tag<'a> {
    name: &'a str,
    attributes: &'a str,
    closed: bool,
}

/// The next tag and what is behind it. A `>` within quotes ends none.
fn next_tag(text: &str) -> Option<(Tag<'_>, &str)> {
    let start = text.find('<')?;
    let inside = text.get(start + 1..)?;
    let mut quote = None;
    let end = inside.char_indices().find_map(|(at, c)| {
        match (quote, c) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
        None
    })?;
    let (inner, after) = (inside.get(..end)?, inside.get(end + 1..)?);
    let closed = inner.ends_with('/');
    let inner = inner.trim_end_matches('/');
    let (name, attributes) = inner.split_once(|c: char| c.is_whitespace()).unwrap_or((inner, ""));
    Some((Tag { name, attributes, closed }, after))
}

impl Tag<'_> {
    fn attribute(&self, name: &str) -> Option<String> {
        let mut rest = self.attributes;
        while let Some((key, after)) = rest.split_once('=') {
            let after = after.trim_start();
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (value, left) = after.get(1..)?.split_once(quote)?;
            if key.trim() == name {
                return Some(unescaped(value));
            }
            rest = left;
        }
        None
    }
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        match after.split_once(';').and_then(|(name, left)| Some((meant(name)?, left))) {
            Some((c, left)) => {
                out.push(c);
                rest = left;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out + rest
}

fn meant(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        other => {
            let number = other.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAPH: &str = r#"<?xml version='1.0' encoding='utf-8'?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><key id="d7" for="edge" attr.name="weight" attr.type="double"/>
<key id="d8" for="edge" attr.name="description" attr.type="string"/>
<key id="d1" for="node" attr.name="entity_type" attr.type="string"/>
<key id="d2" for="node" attr.name="description" attr.type="string"/>
<graph edgedefault="undirected"><node id="A &amp; &quot;B&quot; &gt;">
  <data key="d1">concept</data>
  <data key="d2">one &lt;tag&gt;&lt;SEP&gt;two</data>
</node>
<node id="C"><data key="d2"></data></node>
<node id="D"/>
<edge source="A &amp; &quot;B&quot; &gt;" target="C">
  <data key="d7">2.5</data><data key="d8">works &#x2014; with</data>
</edge>
</graph></graphml>"#;

    #[test]
    fn entities_come_before_their_relations() {
        let entity = |name: &str, kind: &str, description: &str| {
            GraphEdit::PutEntity(ReadEntity {
                name: name.into(),
                kind: kind.into(),
                description: description.into(),
            })
        };
        let relation = GraphEdit::PutRelation(ReadRelation {
            source: "A & \"B\" >".into(),
            target: "C".into(),
            keywords: String::new(),
            description: "works — with".into(),
            weight: 2.5,
        });
        let expected = [
            entity("A & \"B\" >", "concept", "one <tag> two"),
            entity("C", "", ""),
            entity("D", "", ""),
            relation,
        ];
        assert_eq!(edits(GRAPH), expected);
    }

    #[test]
    fn a_file_that_is_cut_anywhere_gives_what_was_whole() {
        let all = edits(GRAPH).len();
        for end in (0..GRAPH.len()).filter(|end| GRAPH.is_char_boundary(*end)) {
            assert!(edits(&GRAPH[..end]).len() <= all);
        }
        assert_eq!(unescaped("a & b &nope; &#0; &amp;amp;"), "a & b &nope; \u{0} &amp;");
    }
}
