//! Shapes as JSON schemas that every client can read: some map them onto a dialect in which a type is one word, and some
//! complain of number formats that they do not know.

use rmcp::handler::server::tool::{schema_for_input, schema_for_output};
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use rmcp::schemars::JsonSchema;
use serde_json::{Value, json};
use std::sync::Arc;

/// A tool that takes `I` and gives `O`.
pub fn of<I: JsonSchema + 'static, O: JsonSchema + 'static>(
    name: &'static str,
    says: &'static str,
    hints: ToolAnnotations,
) -> Tool {
    // Our own types are objects, which is all that can be wrong with a schema.
    let input = schema_for_input::<I>().unwrap_or_else(|_| Arc::default());
    let output = schema_for_output::<O>();
    Tool::new(name, says, plain(&input, Null::LeftOut))
        .with_raw_output_schema(Arc::new(plain(&output, Null::Told)))
        .with_annotations(hints)
}

/// What becomes of fields that may be null: a caller leaves them out, an answer has them.
#[derive(Debug, Clone, Copy)]
enum Null {
    LeftOut,
    Told,
}

fn plain(schema: &JsonObject, null: Null) -> JsonObject {
    let mut schema = schema.clone();
    schema.remove("$schema");
    simplify(&mut schema, null);
    schema
}

fn simplify(schema: &mut JsonObject, null: Null) {
    let of_number = schema.get("type").is_some_and(|kind| !kind.to_string().contains("string"));
    if of_number {
        schema.remove("format");
    }
    if let Some(Value::Array(kinds)) = schema.get("type") {
        let one: Vec<Value> = kinds.iter().filter(|kind| **kind != json!("null")).cloned().collect();
        match (null, one.as_slice()) {
            (Null::LeftOut, [kind]) => {
                schema.insert("type".into(), kind.clone());
                schema.remove("default");
            }
            (Null::Told, [kind]) => {
                schema.remove("type");
                schema.insert("anyOf".into(), json!([{ "type": kind }, { "type": "null" }]));
            }
            _ => {}
        }
    }
    for inner in schema.values_mut() {
        walk(inner, null);
    }
}

fn walk(value: &mut Value, null: Null) {
    match value {
        Value::Object(object) => simplify(object, null),
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, null)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_as_plain_as_they_can_be() {
        let field = json!({ "type": ["integer", "null"], "format": "uint64", "default": null });
        let schema = json!({ "$schema": "x", "type": "object", "properties": { "n": field } });
        let of = |null| plain(schema.as_object().unwrap(), null)["properties"]["n"].clone();
        assert_eq!(of(Null::LeftOut), json!({ "type": "integer" }));
        let told = of(Null::Told);
        assert_eq!(told["anyOf"], json!([{ "type": "integer" }, { "type": "null" }]));
        assert_eq!(told.get("format"), None);
        assert!(!plain(schema.as_object().unwrap(), Null::Told).contains_key("$schema"));
    }
}
