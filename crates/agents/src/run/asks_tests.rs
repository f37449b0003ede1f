//! What counts as a question, and what of a form can be asked.

use super::*;
use serde_json::json;

#[test]
fn a_message_that_ends_with_a_question_mark_is_a_question() {
    for words in [
        "Which colour?",
        "Shall I? ",
        "**Shall I go on?**",
        "どちらですか？",
        "(really?)",
        "ok\n\nSo, A or B?\n",
    ] {
        assert!(is_question(words), "{words}");
    }
    for words in ["", "done", "Why? Because.", "?!", "What I did: nothing"] {
        assert!(!is_question(words), "{words}");
    }
}

fn asked(schema: serde_json::Value) -> Vec<(String, String, Vec<String>, bool)> {
    let request = json!({ "mode": "form", "sessionId": "s", "message": "Choose", "requestedSchema": schema });
    let request: CreateElicitationRequest = serde_json::from_value(request).unwrap();
    let shown = |field: Field| {
        let options = field.options.into_iter().map(|option| option.label).collect();
        (field.key, field.question, options, field.many)
    };
    fields(&request).into_iter().map(shown).collect()
}

#[test]
fn a_form_is_asked_field_by_field() {
    let one = asked(json!({ "type": "object", "required": ["q0"], "properties": {
        "q0": { "type": "string", "title": "Colour", "oneOf": [
            { "const": "red", "title": "Red", "description": "as fire" }, { "const": "blue", "title": "Blue" } ] } } }));
    assert_eq!(one, [("q0".into(), "Choose".into(), vec!["Red: as fire".into(), "Blue".into()], false)]);
    let two = asked(json!({ "type": "object", "required": ["a", "b"], "properties": {
        "a": { "type": "string", "title": "Name" },
        "b": { "type": "array", "title": "Days", "items": { "type": "string", "enum": ["mon", "tue"] } } } }));
    assert_eq!(two[0], ("a".into(), "Choose\nName".into(), vec![], false));
    assert_eq!(two[1], ("b".into(), "Choose\nDays".into(), vec!["mon".into(), "tue".into()], true));
}

#[test]
fn a_form_that_must_have_what_we_cannot_ask_is_not_asked() {
    let number = json!({ "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } } });
    assert_eq!(asked(number), []);
    let optional = json!({ "type": "object", "required": ["a"], "properties": {
        "a": { "type": "string" }, "n": { "type": "boolean" } } });
    assert_eq!(asked(optional).len(), 1);
    assert_eq!(asked(json!({ "type": "object", "properties": {} })), []);
}

#[test]
fn a_question_is_no_longer_than_a_line_for_people() {
    let long = "é\u{1b}".repeat(MAX_QUESTION);
    let shown = shortened(&long);
    assert!(shown.len() <= MAX_QUESTION && !shown.contains('\u{1b}'), "{}", shown.len());
}
