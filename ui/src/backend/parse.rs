//! JSON text to a value. serde_json's parser is built to fill any type from any source; only its messages bring the
//! printing of floats with them. This one fills one type from a text that is there whole, in a tenth of the code; its
//! tests hold it to serde_json.

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Whole(i64),
    Float(f64),
    Text(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}

/// Deeper than any answer, shallower than the stack.
const DEEPEST: u32 = 100;

/// None for what is no JSON.
pub fn parse(text: &str) -> Option<Value> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(DEEPEST)?;
    reader.blank();
    (reader.at == text.len()).then_some(value)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Goes on if this stands next.
    fn take(&mut self, word: &str) -> bool {
        let next = self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes()));
        if next {
            self.at += word.len();
        }
        next
    }

    /// The same after blanks.
    fn mark(&mut self, word: &str) -> bool {
        self.blank();
        self.take(word)
    }

    fn value(&mut self, deeper: u32) -> Option<Value> {
        let deeper = deeper.checked_sub(1)?;
        self.blank();
        match self.peek()? {
            b'{' => self.object(deeper),
            b'[' => self.list(deeper),
            b'"' => self.string().map(Value::Text),
            b'-' | b'0'..=b'9' => self.number(),
            _ if self.take("null") => Some(Value::Null),
            _ if self.take("true") => Some(Value::Bool(true)),
            _ if self.take("false") => Some(Value::Bool(false)),
            _ => None,
        }
    }

    fn object(&mut self, deeper: u32) -> Option<Value> {
        let mut fields = Vec::new();
        self.at += 1;
        if self.mark("}") {
            return Some(Value::Object(fields));
        }
        loop {
            self.blank();
            let name = self.string()?;
            self.mark(":").then_some(())?;
            fields.push((name, self.value(deeper)?));
            if self.mark("}") {
                return Some(Value::Object(fields));
            }
            self.take(",").then_some(())?;
        }
    }

    fn list(&mut self, deeper: u32) -> Option<Value> {
        let mut items = Vec::new();
        self.at += 1;
        if self.mark("]") {
            return Some(Value::List(items));
        }
        loop {
            items.push(self.value(deeper)?);
            if self.mark("]") {
                return Some(Value::List(items));
            }
            self.take(",").then_some(())?;
        }
    }

    fn string(&mut self) -> Option<String> {
        self.take("\"").then_some(())?;
        let mut out = String::new();
        loop {
            let from = self.at;
            while self.peek().is_some_and(|b| b >= 0x20 && b != b'"' && b != b'\\') {
                self.at += 1;
            }
            out.push_str(self.text.get(from..self.at)?);
            if self.take("\"") {
                return Some(out);
            }
            self.take("\\").then_some(())?;
            out.push(self.escaped()?);
        }
    }

    fn escaped(&mut self) -> Option<char> {
        let kind = self.peek()?;
        self.at += 1;
        Some(match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let one = self.four()?;
                if !(0xD800..0xDC00).contains(&one) {
                    return char::from_u32(one);
                }
                self.take("\\u").then_some(())?;
                let other = self.four()?.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
                return char::from_u32(0x10000 + ((one - 0xD800) << 10) + other);
            }
            _ => return None,
        })
    }

    fn four(&mut self) -> Option<u32> {
        let mut code = 0;
        for _ in 0..4 {
            code = code * 16 + char::from(self.peek()?).to_digit(16)?;
            self.at += 1;
        }
        Some(code)
    }

    fn number(&mut self) -> Option<Value> {
        let minus = self.take("-");
        let (mut whole, mut exact) = (Some(0i64), 0f64);
        let first = self.peek();
        let digits = self.digits(|digit| {
            whole = whole.and_then(|n| n.checked_mul(10)?.checked_add(i64::from(digit)));
            exact = exact * 10.0 + f64::from(digit);
        });
        if digits == 0 || (digits > 1 && first == Some(b'0')) {
            return None;
        }
        let mut power = 0i32;
        let point = self.take(".");
        if point {
            power -= i32::try_from(self.digits(|digit| exact = exact * 10.0 + f64::from(digit))).ok()?;
            (power < 0).then_some(())?;
        }
        let raised = self.take("e") || self.take("E");
        if raised {
            let down = self.take("-");
            if !down {
                self.take("+");
            }
            let mut by = 0i32;
            let digits = self.digits(|digit| by = by.saturating_mul(10).saturating_add(i32::from(digit)));
            (digits > 0).then_some(())?;
            power = power.saturating_add(if down { -by } else { by });
        }
        Some(match whole {
            Some(n) if !point && !raised => Value::Whole(if minus { -n } else { n }),
            _ => Value::Float(if minus { -1.0 } else { 1.0 } * scaled(exact, power)),
        })
    }

    fn digits(&mut self, mut each: impl FnMut(u8)) -> usize {
        let from = self.at;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            each(digit - b'0');
            self.at += 1;
        }
        self.at - from
    }
}

/// Exact for as many digits as a figure of ours has; beyond that to the last bit or two.
fn scaled(number: f64, power: i32) -> f64 {
    let mut ten = 1.0;
    for _ in 0..power.unsigned_abs().min(400) {
        ten *= 10.0;
    }
    if power < 0 { number / ten } else { number * ten }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same by serde_json.
    fn known(value: serde_json::Value) -> Value {
        use serde_json::Value as Json;
        match value {
            Json::Null => Value::Null,
            Json::Bool(yes) => Value::Bool(yes),
            Json::Number(n) => n.as_i64().map_or_else(|| Value::Float(n.as_f64().unwrap()), Value::Whole),
            Json::String(text) => Value::Text(text),
            Json::Array(items) => Value::List(items.into_iter().map(known).collect()),
            Json::Object(fields) => {
                Value::Object(fields.into_iter().map(|(name, v)| (name, known(v))).collect())
            }
        }
    }

    #[test]
    fn json_is_read_as_serde_json_reads_it() {
        for text in [
            "null",
            " true ",
            "false",
            "0",
            "-0.5",
            "12",
            "-9223372036854775807",
            "1.25",
            "1e3",
            "2.5E-2",
            "0.1234",
            r#""""#,
            r#""a\"\\\/\b\f\n\r\tz""#,
            r#""\u00e9\u4e2d\ud83d\ude00 é 中 😀""#,
            "[]",
            "[ 1 , [2] , {} ]",
            "{}",
            "{\"a\" : [ { \"b\" : null } ] , \"c\" : \"}\" }\n",
        ] {
            assert_eq!(parse(text), Some(known(serde_json::from_str(text).unwrap())), "{text}");
        }
        assert_eq!(parse("18446744073709551615"), Some(Value::Float(18446744073709551615.0)));
    }

    #[test]
    fn what_is_no_json_is_none() {
        for text in [
            "",
            "nul",
            "tru",
            "01",
            "1.",
            ".5",
            "-",
            "1e",
            "+1",
            "\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\n\"",
            "[",
            "[1",
            "[1,]",
            "[1 2]",
            "{",
            "{a:1}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "1 2",
            "<html>",
            "\u{feff}1",
        ] {
            assert!(serde_json::from_str::<serde_json::Value>(text).is_err(), "{text}");
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&"[".repeat(100_000)), None, "too deep is no crash");
    }

    /// An answer that was cut or changed on its way is never a panic.
    #[test]
    fn a_damaged_text_is_read_or_refused_as_serde_json_does() {
        let good = r#"{"answer":"text","text":"é\n\ud83d\ude00","n":[-1,2.5e1,true,null]}"#;
        for at in (0..good.len()).filter(|at| good.is_char_boundary(*at)) {
            let cut = &good[..at];
            assert_eq!(parse(cut).is_some(), serde_json::from_str::<serde_json::Value>(cut).is_ok(), "{cut}");
            for put in ["\"", "\\", "{", "]", ",", "0", "é", "\u{0}"] {
                let changed = format!("{cut}{put}{}", &good[at..]);
                let read = serde_json::from_str::<serde_json::Value>(&changed).is_ok();
                assert_eq!(parse(&changed).is_some(), read, "{changed}");
            }
        }
    }
}
