//! An agent behind a bridge that asks something, and what it may ask of the project's memory while it works.

#![expect(clippy::unwrap_used, reason = "test code")]

mod bridges;
mod harness;

use bridges::{ASKING, Bridged, call};
use serde_json::{Value, json};

fn waited(bridged: &Bridged, run: &Value) -> Value {
    loop {
        let told = bridged.tool("wait_run", json!({ "run_id": run, "until": "end" })).unwrap();
        if ["ended", "needs_answer"].contains(&told["state"].as_str().unwrap()) {
            return told;
        }
    }
}

#[test]
fn a_question_is_told_and_takes_one_of_its_answers() {
    let bridged = Bridged::open();
    let run = bridged.tool("run_task", json!({ "task": ASKING })).unwrap()["run_id"].clone();
    assert_eq!(waited(&bridged, &run)["state"], "needs_answer");
    let status = bridged.tool("run_status", json!({ "run_id": run })).unwrap();
    let ask = &status["asks"][0];
    assert_eq!(ask["kind"], "permission", "{status}");
    assert!(ask["question"].as_str().unwrap().contains("Delete the menu"), "{status}");
    let options = ask["options"].as_array().unwrap();
    assert!(options.iter().any(|option| option["id"] == "yes"), "{status}");
    for wrong in [
        json!({ "run_id": run }),
        json!({ "run_id": run, "option": "yes", "text": "yes" }),
        json!({ "run_id": run, "option": "perhaps" }),
        json!({ "run_id": run, "option": "yes", "ask": "another" }),
    ] {
        assert!(bridged.tool("answer_run", wrong.clone()).is_err(), "{wrong}");
    }
    bridged.tool("answer_run", json!({ "run_id": run, "option": "yes" })).unwrap();
    assert_eq!(waited(&bridged, &run)["state"], "ended");
    let result = bridged.tool("run_result", json!({ "run_id": run })).unwrap();
    assert_eq!(result["outcome"], "live", "{result}\n{}", bridged.house.story());
    assert!(bridged.tool("answer_run", json!({ "run_id": run, "option": "yes" })).is_err());
}

#[test]
fn a_task_asks_a_client_that_can_be_asked() {
    let bridged = Bridged::open();
    let begun = bridged.of_task("tools/call", json!({ "name": "run_task", "arguments": { "task": ASKING } }));
    let task = begun["result"]["taskId"].clone();
    waited(&bridged, &task);
    let asks = bridged.of_task("tasks/get", json!({ "taskId": task }))["result"].clone();
    assert_eq!(asks["status"], "input_required", "{asks}");
    let (ask, question) = asks["inputRequests"].as_object().unwrap().iter().next().unwrap();
    assert_eq!(question["method"], "elicitation/create", "{question}");
    assert!(question["params"]["message"].as_str().unwrap().contains("Delete the menu"));
    let answer = json!({ ask: { "action": "accept", "content": { "option": "yes" } } });
    let declined = json!({ ask: { "action": "decline" } });
    for responses in [declined, answer] {
        let ack = bridged.of_task("tasks/update", json!({ "taskId": task, "inputResponses": responses }));
        assert!(ack.get("result").is_some(), "{ack}");
    }
    waited(&bridged, &task);
    let done = bridged.of_task("tasks/get", json!({ "taskId": task }))["result"].clone();
    assert_eq!(done["status"], "completed", "{done}");
}

#[test]
fn an_agent_at_work_may_ask_its_projects_memory_and_nothing_else() {
    let bridged = Bridged::open();
    bridged.house.push("Rye", "The bakery sells rye bread on Tuesdays only.");
    let run = bridged.tool("run_task", json!({ "task": ASKING })).unwrap()["run_id"].clone();
    // It is in the middle of its work when it asks.
    assert_eq!(waited(&bridged, &run)["state"], "needs_answer");
    let (url, token) = bridged.memory_given();
    assert_ne!(token, format!("Bearer {}", bridged.token));
    let recalled = call(&url, &token, "recall", &json!({ "query": "when is there rye bread" }));
    let told: Value = serde_json::from_str(&recalled.body).unwrap();
    let note = &told["result"]["structuredContent"]["notes"][0];
    assert_eq!((&note["title"], &note["kind"]), (&json!("Rye"), &json!("decision")), "{told}");
    let remember = call(&url, &token, "remember", &json!({ "text": "I did well" }));
    assert!(remember.body.contains("-32602"), "{remember:?}");
    let wrong = call(&url, &token, "recall", &json!({ "query": "rye", "project": "another" }));
    assert!(wrong.body.contains("unknown field"), "{wrong:?}");
    // Neither the bridge itself nor a stranger.
    let bridge = url.replace("/memory", "/mcp");
    assert_eq!(call(&bridge, &token, "agent_status", &json!({})).status, 401);
    assert_eq!(call(&url, "Bearer guess", "recall", &json!({ "query": "rye" })).status, 401);
    bridged.tool("cancel_run", json!({ "run_id": run })).unwrap();
    while waited(&bridged, &run)["state"] != "ended" {}
    assert_eq!(call(&url, &token, "recall", &json!({ "query": "rye" })).status, 401, "its attempt has ended");
}
