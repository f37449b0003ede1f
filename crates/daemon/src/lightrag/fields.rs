//! A request's fields, read one by one; what is wrong with them is gathered and told as clients of FastAPI know it.
//! Fields that are not asked for are let be: clients of other versions send more.

use super::refuse::Refusal;
use serde_json::{Map, Value, json};

pub struct Fields {
    place: &'static str,
    given: Map<String, Value>,
    wrong: Vec<Value>,
}

impl Fields {
    /// Of a body that is one JSON object.
    pub fn of_body(body: &[u8]) -> Result<Self, Refusal> {
        if body.is_empty() {
            return Err(one(
                json!({ "type": "missing", "loc": ["body"], "msg": "Field required", "input": null }),
            ));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(given)) => Ok(Self { place: "body", given, wrong: Vec::new() }),
            Ok(other) => {
                let msg = "Input should be a valid dictionary or object to extract fields from";
                Err(one(
                    json!({ "type": "model_attributes_type", "loc": ["body"], "msg": msg, "input": other }),
                ))
            }
            Err(e) => {
                let at = offset(body, e.line(), e.column());
                Err(one(json!({
                    "type": "json_invalid", "loc": ["body", at], "msg": "JSON decode error", "input": {},
                    "ctx": { "error": e.to_string() },
                })))
            }
        }
    }

    /// Of the part of an address behind the `?`.
    pub fn of_query(query: Option<&str>) -> Self {
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let given = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), Value::String(decoded(value)))
        });
        Self { place: "query", given: given.collect(), wrong: Vec::new() }
    }

    /// None for a field that is not there, or is null.
    fn get(&self, name: &str) -> Option<Value> {
        self.given.get(name).filter(|value| !value.is_null()).cloned()
    }

    pub fn is_there(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn missing(&mut self, name: &str) {
        let whole = if self.place == "body" { Value::Object(self.given.clone()) } else { Value::Null };
        let loc = json!([self.place, name]);
        self.wrong.push(json!({ "type": "missing", "loc": loc, "msg": "Field required", "input": whole }));
    }

    fn is_wrong(&mut self, name: &str, kind: &str, msg: String, input: Value, ctx: Option<Value>) {
        let mut wrong = json!({ "type": kind, "loc": [self.place, name], "msg": msg, "input": input });
        if let (Some(wrong), Some(ctx)) = (wrong.as_object_mut(), ctx) {
            wrong.insert("ctx".into(), ctx);
        }
        self.wrong.push(wrong);
    }

    /// A value that is of the right type and yet not right.
    pub fn refuse(&mut self, name: &str, says: &str) {
        let input = self.given.get(name).cloned().unwrap_or_default();
        let ctx = json!({ "error": {} });
        self.is_wrong(name, "value_error", format!("Value error, {says}"), input, Some(ctx));
    }

    /// The fields do not fit together.
    pub fn refuse_all(&mut self, says: &str) {
        let input = Value::Object(self.given.clone());
        self.wrong.push(json!({
            "type": "value_error", "loc": [self.place], "msg": format!("Value error, {says}"), "input": input,
            "ctx": { "error": {} },
        }));
    }

    pub fn text(&mut self, name: &str) -> String {
        if !self.is_there(name) {
            self.missing(name);
        }
        self.maybe_text(name).unwrap_or_default()
    }

    pub fn is_text(&self, name: &str) -> bool {
        self.given.get(name).is_some_and(Value::is_string)
    }

    pub fn maybe_text(&mut self, name: &str) -> Option<String> {
        match self.get(name)? {
            Value::String(text) => Some(text),
            other => {
                self.is_wrong(name, "string_type", "Input should be a valid string".into(), other, None);
                None
            }
        }
    }

    /// One that stands for something; blanks around it go.
    pub fn name(&mut self, name: &str, says: &str) -> String {
        let before = self.wrong.len();
        let text = self.text(name).trim().to_owned();
        if text.is_empty() && self.wrong.len() == before {
            self.refuse(name, says);
        }
        text
    }

    pub fn number(&mut self, name: &str, least: u64, most: u64) -> Option<u64> {
        let input = self.get(name)?;
        let number = match &input {
            Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let Some(number) = number else {
            let (kind, msg) = match &input {
                Value::String(_) => {
                    ("int_parsing", "Input should be a valid integer, unable to parse string as an integer")
                }
                _ => ("int_type", "Input should be a valid integer"),
            };
            self.is_wrong(name, kind, msg.into(), input, None);
            return None;
        };
        let (least_i, most_i) = (i64::try_from(least).unwrap_or(0), i64::try_from(most).unwrap_or(i64::MAX));
        if number < least_i {
            let msg = format!("Input should be greater than or equal to {least}");
            self.is_wrong(name, "greater_than_equal", msg, input, Some(json!({ "ge": least })));
            return None;
        }
        if number > most_i {
            let msg = format!("Input should be less than or equal to {most}");
            self.is_wrong(name, "less_than_equal", msg, input, Some(json!({ "le": most })));
            return None;
        }
        u64::try_from(number).ok()
    }

    pub fn flag(&mut self, name: &str) -> Option<bool> {
        let input = self.get(name)?;
        let word = match &input {
            Value::Bool(flag) => return Some(*flag),
            Value::String(word) => word.to_ascii_lowercase(),
            other => other.to_string(),
        };
        match word.as_str() {
            "1" | "true" | "t" | "yes" | "y" | "on" => Some(true),
            "0" | "false" | "f" | "no" | "n" | "off" => Some(false),
            _ => {
                let msg = "Input should be a valid boolean, unable to interpret input";
                self.is_wrong(name, "bool_parsing", msg.into(), input, None);
                None
            }
        }
    }

    /// One of these words; the place of the one that was given.
    pub fn one_of(&mut self, name: &str, words: &[&str]) -> Option<usize> {
        let input = self.given.get(name)?.clone();
        let place = input.as_str().and_then(|given| words.iter().position(|word| *word == given));
        if place.is_none() {
            let expected = listed(words);
            let msg = format!("Input should be {expected}");
            self.is_wrong(name, "literal_error", msg, input, Some(json!({ "expected": expected })));
        }
        place
    }

    pub fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let input = self.get(name)?;
        let Value::Array(items) = input else {
            self.is_wrong(name, "list_type", "Input should be a valid list".into(), input, None);
            return None;
        };
        let mut texts = Vec::with_capacity(items.len());
        for (nth, item) in items.into_iter().enumerate() {
            match item {
                Value::String(text) => texts.push(text),
                other => self.wrong.push(json!({
                    "type": "string_type", "loc": [self.place, name, nth], "msg": "Input should be a valid string",
                    "input": other,
                })),
            }
        }
        Some(texts)
    }

    /// A list that must be there and must not be empty.
    pub fn some_texts(&mut self, name: &str) -> Vec<String> {
        if !self.is_there(name) {
            self.missing(name);
        }
        let texts = self.texts(name);
        if texts.as_ref().is_some_and(Vec::is_empty) {
            let msg = "List should have at least 1 item after validation, not 0".into();
            let ctx = json!({ "field_type": "List", "min_length": 1, "actual_length": 0 });
            self.is_wrong(name, "too_short", msg, json!([]), Some(ctx));
        }
        texts.unwrap_or_default()
    }

    pub fn object(&mut self, name: &str) -> Map<String, Value> {
        match self.get(name) {
            Some(Value::Object(object)) => object,
            Some(other) => {
                self.is_wrong(name, "dict_type", "Input should be a valid dictionary".into(), other, None);
                Map::new()
            }
            None => {
                self.missing(name);
                Map::new()
            }
        }
    }

    /// All that was wrong, if anything was.
    pub fn end(&mut self) -> Result<(), Refusal> {
        if self.wrong.is_empty() { Ok(()) } else { Err(Refusal::Fields(std::mem::take(&mut self.wrong))) }
    }
}

fn one(wrong: Value) -> Refusal {
    Refusal::Fields(vec![wrong])
}

/// `'a', 'b' or 'c'`.
fn listed(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    match words.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        _ => words.concat(),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it was seen to be whole and small")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
}

fn offset(body: &[u8], line: usize, column: usize) -> usize {
    let before: usize =
        body.split(|byte| *byte == b'\n').take(line.saturating_sub(1)).map(|l| l.len() + 1).sum();
    before + column.saturating_sub(1)
}

/// `%20` and `+` as the blanks that they stand for.
pub fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match (byte, next_byte(&rest)) {
            (b'%', Some(code)) => {
                bytes.push(code);
                rest.nth(1);
            }
            (b'+', _) => bytes.push(b' '),
            (other, _) => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The byte that the next two hex digits stand for, if they are some.
fn next_byte(rest: &std::str::Bytes<'_>) -> Option<u8> {
    let mut ahead = rest.clone();
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    let (high, low) = (digit(ahead.next())?, digit(ahead.next())?);
    u8::try_from(high * 16 + low).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(body: &str, read: impl Fn(&mut Fields)) -> Vec<String> {
        let mut fields = match Fields::of_body(body.as_bytes()) {
            Ok(fields) => fields,
            Err(Refusal::Fields(wrong)) => return wrong.iter().map(|w| w["type"].to_string()).collect(),
            Err(other) => panic!("{other:?}"),
        };
        read(&mut fields);
        let Err(Refusal::Fields(wrong)) = fields.end() else { return Vec::new() };
        wrong.iter().map(|wrong| wrong["type"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let read = |fields: &mut Fields| {
            fields.text("query");
            fields.one_of("mode", &["local", "mix"]);
            fields.number("top_k", 1, 10);
            fields.number("most", 1, 10);
            fields.texts("words");
            fields.flag("flag");
            fields.some_texts("list");
        };
        let body = r#"{"query":5,"mode":"x","top_k":0,"most":"y","words":"a","flag":"maybe","list":[]}"#;
        let expected = [
            "string_type",
            "literal_error",
            "greater_than_equal",
            "int_parsing",
            "list_type",
            "bool_parsing",
            "too_short",
        ];
        assert_eq!(wrong(body, read), expected);
        assert_eq!(wrong("{}", |fields| drop(fields.text("query"))), ["missing"]);
        let fine = r#"{"query":"a","mode":"mix","top_k":"3","most":2.0,"words":[],"flag":"on","list":["x"],"more":1}"#;
        assert_eq!(wrong(fine, read), Vec::<String>::new());
    }

    #[test]
    fn a_body_that_is_no_object_is_told_as_such() {
        let kinds = |body: &str| wrong(body, |_| ());
        assert_eq!(kinds(""), ["\"missing\""]);
        assert_eq!(kinds("[]"), ["\"model_attributes_type\""]);
        assert_eq!(kinds("{\"a\":"), ["\"json_invalid\""]);
    }

    #[test]
    fn an_address_is_read_as_it_was_meant() {
        let mut fields = Fields::of_query(Some("q=caf%C3%A9+bar&limit=7&empty=&odd=%zz%4"));
        assert_eq!(fields.text("q"), "café bar");
        assert_eq!(fields.number("limit", 1, 10), Some(7));
        assert_eq!(fields.text("empty"), "");
        assert_eq!(fields.text("odd"), "%zz%4");
        assert!(fields.end().is_ok());
    }

    #[test]
    fn words_are_listed_as_clients_know_it() {
        assert_eq!(listed(&["a"]), "'a'");
        assert_eq!(listed(&["a", "b", "c"]), "'a', 'b' or 'c'");
    }
}
