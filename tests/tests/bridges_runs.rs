//! Runs over a bridge by plain HTTP: started, waited for, cancelled, seen again after a crash; and as MCP Tasks.

#![expect(clippy::unwrap_used, reason = "test code")]

mod bridges;
mod harness;

use bridges::{AGENTS, Bridged, ENDLESS, TOOLS, at_work};
use harness::BAKERY;
use protocol::fact::Channel;
use protocol::{Fact, Request, RequestId};
use serde_json::{Value, json};

fn started(bridged: &Bridged, task: &str) -> String {
    let run = bridged.tool("run_task", json!({ "task": task })).unwrap();
    assert_eq!((&run["state"], &run["new"]), (&json!("queued"), &json!(true)));
    run["run_id"].as_str().unwrap().to_owned()
}

/// Waits as a client does, one call after the other.
fn waited(bridged: &Bridged, run: &str) -> Value {
    loop {
        let told = bridged.tool("wait_run", json!({ "run_id": run, "until": "end" })).unwrap();
        if told["state"] == "ended" {
            return told;
        }
    }
}

#[test]
fn a_run_goes_from_a_task_to_its_result() {
    let bridged = Bridged::open();
    assert_eq!(bridged.rows.len(), AGENTS.len());
    assert!(bridged.rows.iter().all(|row| row.up), "{:?}", bridged.rows);
    let listed = bridged.rpc("tools/list", &json!({}));
    let mut names: Vec<&str> = listed["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, TOOLS);

    let agent = bridged.tool("agent_status", json!({})).unwrap();
    assert_eq!((&agent["agent"], &agent["ready"]), (&json!(AGENTS[0]), &json!(true)), "{agent}");
    let run = started(&bridged, BAKERY);
    let early = bridged.tool("run_result", json!({ "run_id": run }));
    assert!(early.is_ok() || early.unwrap_err().contains("has not ended"));
    let end = waited(&bridged, &run);
    let result = bridged.tool("run_result", json!({ "run_id": run })).unwrap();
    assert_eq!(result["outcome"], "live", "{result}\n{}", bridged.house.story());
    assert_eq!(result["agent"], AGENTS[0]);
    assert_eq!(result["tokens"]["input"], 100);
    assert_eq!((&result["tokens"]["cache_read"], &result["tokens"]["output"]), (&json!(7), &json!(20)));
    assert!(result["commit"].is_string() && result["url"].is_string() && result["diffstat"]["files"] == 1);
    assert!(["reported", "list_price", "unknown"].contains(&result["cost"]["basis"].as_str().unwrap()));

    // Every entry of the run was told, once, in order, and nothing is left to tell.
    let request: RequestId = run.parse().unwrap();
    let of_run = bridged.house.daemon.entries().unwrap();
    let of_run: Vec<u64> =
        of_run.iter().filter(|entry| entry.fact.request() == Some(&request)).map(|entry| entry.seq).collect();
    let told: Vec<u64> =
        end["events"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(told, of_run);
    assert_eq!(end["next_seq"], *of_run.last().unwrap());
    let after = bridged.tool("wait_run", json!({ "run_id": run, "after_seq": end["next_seq"] })).unwrap();
    assert_eq!((&after["state"], &after["events"]), (&json!("ended"), &json!([])));
}

#[test]
fn a_run_is_cancelled_once_and_for_all() {
    let bridged = Bridged::open();
    let run = started(&bridged, ENDLESS);
    at_work(&bridged, &run);
    let status = bridged.tool("run_status", json!({ "run_id": run })).unwrap();
    assert_eq!((&status["state"], &status["yours"]), (&json!("working"), &json!(true)));
    let quick = bridged.tool("wait_run", json!({ "run_id": run, "max_wait_s": 0, "until": "end" })).unwrap();
    assert_eq!(quick["state"], "working");
    bridged.tool("cancel_run", json!({ "run_id": run, "reason": "not wanted any more" })).unwrap();
    waited(&bridged, &run);
    assert_eq!(bridged.tool("run_result", json!({ "run_id": run })).unwrap()["outcome"], "cancelled");
    let again = bridged.tool("cancel_run", json!({ "run_id": run })).unwrap();
    assert_eq!(again["state"], "ended");
}

#[test]
fn a_run_outlives_the_daemon_that_was_killed_in_the_middle_of_it() {
    let bridged = Bridged::open();
    let run = bridged.tool("run_task", json!({ "task": ENDLESS, "idempotency_key": "the same" })).unwrap();
    let id = run["run_id"].as_str().unwrap().to_owned();
    at_work(&bridged, &id);
    let bridged = bridged.killed_and_started("0");
    let status = bridged.tool("run_status", json!({ "run_id": id })).unwrap();
    assert_ne!(status["state"], "ended", "{status}");
    let again = bridged.tool("run_task", json!({ "task": ENDLESS, "idempotency_key": "the same" })).unwrap();
    assert_eq!((&again["run_id"], &again["new"]), (&json!(id), &json!(false)));
    bridged.tool("cancel_run", json!({ "run_id": id })).unwrap();
    waited(&bridged, &id);
    assert_eq!(bridged.tool("run_result", json!({ "run_id": id })).unwrap()["outcome"], "cancelled");
    bridged.house.is_sound();
}

#[test]
fn the_same_key_twice_at_once_is_one_run() {
    let bridged = Bridged::open();
    let ask =
        || bridged.tool("run_task", json!({ "task": ENDLESS, "idempotency_key": "k\u{fc}\n\"" })).unwrap();
    let runs: Vec<Value> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(runs.iter().all(|run| run["run_id"] == runs[0]["run_id"]), "{runs:?}");
    assert_eq!(runs.iter().filter(|run| run["new"] == true).count(), 1, "{runs:?}");
    let other = bridged.tool("run_task", json!({ "task": ENDLESS, "idempotency_key": "another" })).unwrap();
    assert_ne!(other["run_id"], runs[0]["run_id"]);
    for run in [&other, &runs[0]] {
        bridged.tool("cancel_run", json!({ "run_id": run["run_id"] })).unwrap();
    }
}

#[test]
fn what_others_started_may_be_read_and_nothing_else() {
    let bridged = Bridged::open();
    let ask = |agent: usize, client: &str| {
        let mut ask = harness::asking_as(client, ENDLESS);
        if let Request::Ask { agent: wish, .. } = &mut ask {
            *wish = Some(AGENTS[agent].parse().unwrap());
        }
        bridged.house.accepted(&ask).0.to_string()
    };
    let (ours, of_another) = (ask(0, "a"), ask(1, "b"));
    let status = bridged.tool("run_status", json!({ "run_id": ours })).unwrap();
    assert_eq!(status["yours"], false);
    for (tool, args) in
        [("cancel_run", json!({ "run_id": ours })), ("answer_run", json!({ "run_id": ours, "text": "yes" }))]
    {
        assert!(bridged.tool(tool, args).unwrap_err().contains("not started over MCP"), "{tool}");
    }
    for id in [of_another.as_str(), "r00000000000000", "", "../../etc/passwd"] {
        for tool in ["run_status", "run_result", "wait_run", "cancel_run"] {
            assert!(
                bridged.tool(tool, json!({ "run_id": id })).unwrap_err().starts_with("not_found: "),
                "{tool} {id}"
            );
        }
    }
    let run = started(&bridged, ENDLESS);
    let received = bridged.house.wait(|entry| match &entry.fact {
        Fact::RequestReceived(received) if received.request.as_str() == run => Some(received.clone()),
        _ => None,
    });
    assert_eq!((received.channel, received.agent.unwrap().as_str()), (Channel::Mcp, AGENTS[0]));
    let open = bridged.tool("answer_run", json!({ "run_id": run, "text": "yes" })).unwrap_err();
    assert!(open.contains("0 open questions"), "{open}");
    for id in [&ours, &of_another, &run] {
        bridged.house.call(&Request::Cancel { request: id.parse().unwrap() });
    }
}

#[test]
fn a_task_is_the_run_and_outlives_the_daemon_too() {
    let bridged = Bridged::open();
    let begun =
        bridged.of_task("tools/call", json!({ "name": "run_task", "arguments": { "task": ENDLESS } }));
    let task = &begun["result"];
    assert_eq!((&task["resultType"], &task["status"]), (&json!("task"), &json!("working")), "{begun}");
    let id = task["taskId"].as_str().unwrap().to_owned();
    at_work(&bridged, &id);
    let bridged = bridged.killed_and_started("0");
    let get = |bridged: &Bridged| bridged.of_task("tasks/get", json!({ "taskId": id }))["result"].clone();
    assert_eq!(get(&bridged)["status"], "working");
    let ack = bridged.of_task("tasks/cancel", json!({ "taskId": id }));
    assert!(ack.get("result").is_some(), "{ack}");
    waited(&bridged, &id);
    assert_eq!(get(&bridged)["status"], "cancelled");

    let begun = bridged.of_task("tools/call", json!({ "name": "run_task", "arguments": { "task": BAKERY } }));
    let id = begun["result"]["taskId"].as_str().unwrap().to_owned();
    waited(&bridged, &id);
    let done = bridged.of_task("tasks/get", json!({ "taskId": id }))["result"].clone();
    assert_eq!(done["status"], "completed", "{done}");
    assert_eq!(done["result"]["structuredContent"]["result"]["outcome"], "live");
    let unknown = bridged.of_task("tasks/get", json!({ "taskId": "nobody" }));
    assert_eq!(unknown["error"]["code"], -32602);
}
