//! The memory's HTTP face, asked as LightRAG's own documentation asks it: what it takes, what it gives back, who it lets in,
//! what it keeps apart, and what bad input gets.

#![expect(clippy::indexing_slicing, reason = "test code")]

mod harness;
mod memory;

use harness::{House, PLAIN, QUICK, QUIET, program, tcp};
use memory::{Face, stumbling};
use protocol::fact::Fact;
use protocol::{Request, Response};
use serde_json::{Value, json};
use testkit::{Daemon, Workspace};

const MODES: [&str; 6] = ["naive", "local", "global", "hybrid", "mix", "bypass"];
const OPENING: &str = "The Bakery opens at seven. Anna Baker decided in src/hours.rs that Sunday is closed.";

#[test]
fn a_document_is_pushed_listed_asked_for_replaced_and_deleted() {
    let face = Face::open();
    let taken =
        face.ok("POST", "/documents/text", &json!({ "text": OPENING, "file_source": "docs/hours.md" }));
    assert_eq!(taken["status"], "success");
    let track = face.get(&format!("/documents/track_status/{}", taken["track_id"].as_str().unwrap()));
    assert_eq!((&track["total_count"], &track["documents"][0]["status"]), (&json!(1), &json!("processed")));
    let first = track["documents"][0]["id"].clone();
    assert_eq!(track["documents"][0]["file_path"], "docs/hours.md");
    assert_eq!(face.get("/documents/status_counts")["status_counts"]["processed"], 1);
    for mode in MODES {
        let asked = json!({ "query": "When does the Bakery open on Sunday?", "mode": mode, "top_k": 5 });
        let told = face.ok("POST", "/query", &asked);
        assert_eq!(told["llm_generated"], false, "{mode}: {told}");
        let data = face.ok("POST", "/query/data", &asked);
        assert_eq!(data["status"], "success", "{mode}: {data}");
        if mode == "bypass" {
            assert_eq!(data["data"]["chunks"], json!([]));
            continue;
        }
        assert!(told["response"].as_str().unwrap().contains("opens at seven"), "{mode}: {told}");
        assert_eq!(told["references"][0]["file_path"], "docs/hours.md");
        let chunk = &data["data"]["chunks"][0];
        assert_eq!((&chunk["file_path"], &chunk["reference_id"]), (&json!("docs/hours.md"), &json!("1")));
        let has_graph = !data["data"]["entities"].as_array().unwrap().is_empty();
        assert_eq!(has_graph, mode != "naive", "{mode}: {data}");
    }

    let newer = "The Bakery opens at eight now.";
    face.ok("POST", "/documents/text", &json!({ "text": newer, "file_source": "docs/hours.md" }));
    let listed = face.ok("POST", "/documents/paginated", &json!({ "page": 1, "page_size": 10 }));
    assert_eq!(listed["pagination"]["total_count"], 1, "the newer one took the place: {listed}");
    assert_eq!(listed["documents"][0]["content_summary"], newer);
    let asked = json!({ "query": "When does the Bakery open?", "only_need_context": true });
    assert!(!face.ok("POST", "/query", &asked)["response"].as_str().unwrap().contains("seven"));

    let second = listed["documents"][0]["id"].clone();
    assert_ne!(first, second);
    face.ok("DELETE", "/documents/delete_document", &json!({ "doc_ids": [second] }));
    assert_eq!(
        face.get("/documents/status_counts")["status_counts"]["all"],
        0,
        "its older version is not back"
    );
    let data = face.ok("POST", "/query/data", &json!({ "query": "When does the Bakery open?" }));
    assert_eq!(data["status"], "failure", "{data}");
    face.house.is_sound();
}

#[test]
fn the_graph_is_read_and_changed_by_hand() {
    let face = Face::open();
    face.ok("POST", "/documents/text", &json!({ "text": OPENING, "file_source": "hours.md" }));
    let labels = face.get("/graph/label/list");
    assert!(labels.as_array().unwrap().iter().any(|label| label == "src/hours.rs"), "{labels}");
    assert_eq!(face.get("/graph/label/search?q=hours&limit=5"), json!(["hours.md", "src/hours.rs"]));
    let graph = face.get("/graphs?label=*&max_depth=2&max_nodes=100");
    let ids: Vec<&str> =
        graph["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap()).collect();
    for edge in graph["edges"].as_array().unwrap() {
        assert!(
            ids.contains(&edge["source"].as_str().unwrap())
                && ids.contains(&edge["target"].as_str().unwrap())
        );
    }
    let make = |name: &str| json!({ "entity_name": name, "entity_data": { "entity_type": "PERSON", "description": "bakes" } });
    for name in ["Berta", "Bertha"] {
        let made = face.ok("POST", "/graph/entity/create", &make(name));
        assert_eq!(made["data"]["graph_data"]["entity_type"], "PERSON", "{made}");
    }
    let again = face.call("POST", "/graph/entity/create", &make("Berta"));
    assert_eq!((again.0, again.1["detail"].as_str()), (400, Some("Entity 'Berta' already exists")));
    let relation = json!({ "source_entity": "Berta", "target_entity": "src/hours.rs",
        "relation_data": { "description": "keeps the hours", "keywords": "keeps", "weight": 2.0 } });
    face.ok("POST", "/graph/relation/create", &relation);
    assert_eq!(face.call("POST", "/graph/relation/create", &relation).0, 400);
    let around = face.get("/graphs?label=Berta&max_depth=1");
    assert_eq!(around["edges"][0]["properties"]["description"], "keeps the hours", "{around}");
    let edit = json!({ "source_id": "src/hours.rs", "target_id": "Berta", "updated_data": { "description": "wrote them" } });
    assert_eq!(face.ok("POST", "/graph/relation/edit", &edit)["data"]["graph_data"]["keywords"], "keeps");
    let edit =
        json!({ "entity_name": "Bertha", "updated_data": { "entity_name": "Berta" }, "allow_rename": true });
    assert_eq!(face.call("POST", "/graph/entity/edit", &edit).0, 400, "it is there already");
    let merge = json!({ "entities_to_change": ["Bertha"], "entity_to_change_into": "Berta" });
    face.ok("POST", "/graph/entities/merge", &merge);
    assert_eq!(face.get("/graph/entity/exists?name=Bertha"), json!({ "exists": false }));
    let rename = json!({ "entity_name": "Berta", "updated_data": { "entity_name": "Berta B." }, "allow_rename": true });
    let renamed = face.ok("POST", "/graph/entity/edit", &rename);
    assert_eq!(renamed["operation_summary"]["final_entity"], "Berta B.");
    let ends = json!({ "source_entity": "Berta B.", "target_entity": "src/hours.rs" });
    assert_eq!(face.ok("DELETE", "/graph/relation/delete", &ends)["status"], "success");
    assert_eq!(face.call("DELETE", "/graph/relation/delete", &ends).0, 404);
    face.ok("DELETE", "/graph/entity/delete", &json!({ "entity_name": "Berta B." }));
    assert_eq!(face.call("DELETE", "/graph/entity/delete", &json!({ "entity_name": "Berta B." })).0, 404);
    face.house.is_sound();
}

#[test]
fn nobody_comes_in_without_the_key_and_no_page_of_another_origin_with_it() {
    let face = Face::open();
    face.ok("POST", "/documents/text", &json!({ "text": "a secret of mine", "file_source": "s.md" }));
    let host = face.address.clone();
    let status = |headers: &[(&str, &str)], path: &str| {
        let mut all = vec![("host", host.as_str())];
        all.retain(|_| !headers.iter().any(|(name, _)| *name == "host"));
        all.extend(headers);
        tcp::send(&face.address, "GET", path, &all, "").status
    };
    let bearer = format!("Bearer {}", face.key);
    let counts = "/documents/status_counts";
    assert_eq!(status(&[], counts), 403);
    assert_eq!(status(&[("x-api-key", "guess")], counts), 403);
    assert_eq!(status(&[("authorization", "Bearer guest")], counts), 401);
    assert_eq!(status(&[("authorization", &bearer)], counts), 200);
    assert_eq!(status(&[("authorization", "Bearer guest"), ("x-api-key", &face.key)], counts), 200);
    assert_eq!(status(&[("x-api-key", &face.key), ("origin", "http://evil.test")], counts), 403);
    assert_eq!(status(&[("x-api-key", &face.key), ("host", "evil.test:9621")], counts), 403);
    let health = tcp::send(&face.address, "GET", "/health", &[("host", &host)], "");
    let health: Value = serde_json::from_str(&health.body).unwrap();
    assert_eq!((&health["status"], health.get("configuration")), (&json!("healthy"), None));
    assert!(face.get("/health").get("configuration").is_some());
    let token =
        serde_json::from_str::<Value>(&tcp::send(&host, "GET", "/auth-status", &[("host", &host)], "").body);
    let token = token.unwrap()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(
        status(&[("authorization", &format!("Bearer {token}"))], counts),
        401,
        "a guest's token opens nothing"
    );
    let file = face.house.workspace.home().join("memory.key");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_workspace_is_a_memory_of_its_own() {
    let face = Face::open();
    for (space, text) in
        [("team-a", "The tiger lives in team a."), ("team_b", "The tiger moved out of team b.")]
    {
        let body = json!({ "text": text, "file_source": "tiger.md" }).to_string();
        assert_eq!(face.in_space(space, "POST", "/documents/text", &body).0, 200);
    }
    let ask = json!({ "query": "Where does the tiger live?" }).to_string();
    let told =
        |space: &str| face.in_space(space, "POST", "/query", &ask).1["response"].as_str().unwrap().to_owned();
    assert!(told("team-a").contains("lives in team a") && !told("team-a").contains("team b"));
    assert!(told("team_b").contains("moved out") && !told("team_b").contains("team a"));
    assert!(
        !face.ok("POST", "/query", &json!({ "query": "tiger lives" }))["response"]
            .as_str()
            .unwrap()
            .contains("team")
    );
    let of_b = face.in_space("team_b", "POST", "/documents/paginated", "{}").1;
    let id = of_b["documents"][0]["id"].clone();
    let gone = face
        .in_space("team-a", "DELETE", "/documents/delete_document", &json!({ "doc_ids": [id] }).to_string())
        .1;
    assert!(gone["message"].as_str().unwrap().contains("of no document here"), "{gone}");
    assert_eq!(face.in_space("team-a", "DELETE", "/documents", "").0, 200);
    let count = |space: &str| {
        face.in_space(space, "GET", "/documents/status_counts", "").1["status_counts"]["all"].clone()
    };
    assert_eq!((count("team-a"), count("team_b")), (json!(0), json!(1)));
    for odd in ["../x", "a b", "-x", "a/b", "x'; DROP TABLE notes", &"x".repeat(81)] {
        assert_eq!(face.in_space(odd, "POST", "/documents/text", &ask).0, 400, "{odd}");
    }
    face.house.is_sound();
}

#[test]
fn bad_input_gets_a_clear_answer_and_leaves_nothing() {
    let face = Face::open();
    let post = |body: &str| face.raw("POST", "/documents/text", body);
    for (body, status, kind) in [
        (r#"{"text":"   "}"#.to_owned(), 422, "value_error"),
        (r#"{"text":"\u200b\ufeff"}"#.to_owned(), 422, "value_error"),
        (r#"{"text":5}"#.to_owned(), 422, "string_type"),
        ("{}".to_owned(), 422, "missing"),
        ("nonsense".to_owned(), 422, "json_invalid"),
        (String::new(), 422, "missing"),
    ] {
        let (got, answer) = post(&body);
        assert_eq!((got, &answer["detail"][0]["type"]), (status, &json!(kind)), "{body}: {answer}");
    }
    let (status, answer) = post(&json!({ "text": "x".repeat(10 << 20) }).to_string());
    assert_eq!(status, 413, "{answer}");
    let (status, answer) = post(&json!({ "text": "word ".repeat(300_000) }).to_string());
    assert_eq!(status, 400, "one note has a megabyte at most: {answer}");
    for (name, bytes, status) in [
        ("a.pdf", "%PDF-1.4 \0\u{1}", 400),
        ("../../etc/passwd", "x", 400),
        ("empty.md", " \n", 400),
        ("fine.rs", "fn bakery() {}", 200),
    ] {
        let (got, answer) = face.upload(name, bytes);
        assert_eq!(got, status, "{name}: {answer}");
    }
    assert_eq!(face.raw("GET", "/query", "").0, 405);
    assert_eq!(face.raw("GET", "/nowhere", "").0, 404);
    let scan = face.raw("POST", "/documents/scan", "");
    assert!(scan.0 == 501 && scan.1["detail"].as_str().unwrap().contains("import"), "{scan:?}");
    let (status, answer) = face.raw("POST", "/query/data", r#"{"query":"hi"}"#);
    assert_eq!((status, &answer["status"]), (400, &json!("failure")));
    let (status, answer) = face.raw("POST", "/query", r#"{"query":"who is it","mode":"psychic","top_k":0}"#);
    assert_eq!((status, answer["detail"].as_array().unwrap().len()), (422, 2), "{answer}");
    assert_eq!(face.raw("GET", "/graphs", "").0, 422);
    let right_to_left = "\u{202b}האופה פותחת בשבע\u{202c} and the rest";
    face.ok("POST", "/documents/text", &json!({ "text": right_to_left, "file_source": "rtl.md" }));
    let told = face.ok("POST", "/query", &json!({ "query": "האופה" }));
    assert!(told["response"].as_str().unwrap().contains("האופה"), "{told}");
    assert_eq!(face.get("/documents/status_counts")["status_counts"]["all"], 2);
    face.house.is_sound();
}

#[test]
fn a_stream_is_lines_of_json() {
    let face = Face::open();
    face.ok(
        "POST",
        "/documents/texts",
        &json!({ "texts": [OPENING, "Rye only."], "file_sources": ["a.md", "b.md"] }),
    );
    let lines = |body: &Value| {
        let answer = face.send("POST", "/query/stream", &[], &body.to_string());
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
        answer.body.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>()
    };
    let asked = json!({ "query": "When does the Bakery open?", "include_chunk_content": true });
    let told = lines(&asked);
    assert_eq!(told.len(), 2);
    assert!(told[0]["references"][0]["content"][0].as_str().unwrap().contains("opens at seven"));
    assert!(told[1]["response"].as_str().unwrap().contains("opens at seven"));
    let told = lines(
        &json!({ "query": "When does the Bakery open?", "stream": false, "include_references": false }),
    );
    assert_eq!((told.len(), told[0].get("references")), (1, None));
}

#[test]
fn a_client_sees_the_same_after_the_daemon_was_killed() {
    let face = Face::open();
    face.ok("POST", "/documents/text", &json!({ "text": OPENING, "file_source": "hours.md" }));
    let asked = json!({ "query": "When does the Bakery open?" });
    let data = |face: &Face| face.ok("POST", "/query/data", &asked)["data"]["chunks"].clone();
    let before = data(&face);
    let key = face.key.clone();
    let face = face.killed_and_started();
    assert_eq!((data(&face), face.key.clone()), (before, key));
    face.house.is_sound();
}

#[test]
fn pushes_and_deletes_at_the_same_time_lose_nothing() {
    let face = Face::open();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let face = &face;
            scope.spawn(move || {
                for nth in 0..6 {
                    let body = json!({ "text": format!("Note {nth} of writer {writer}."), "file_source": format!("w{writer}-{nth}.md") });
                    let taken = face.ok("POST", "/documents/text", &body);
                    if nth % 2 == 1 {
                        let track = face.get(&format!("/documents/track_status/{}", taken["track_id"].as_str().unwrap()));
                        let id = track["documents"][0]["id"].clone();
                        face.ok("DELETE", "/documents/delete_document", &json!({ "doc_ids": [id] }));
                    }
                }
            });
        }
    });
    let listed = face.ok(
        "POST",
        "/documents/paginated",
        &json!({ "page_size": 50, "sort_field": "file_path", "sort_direction": "asc" }),
    );
    let names: Vec<String> = listed["documents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["file_path"].as_str().unwrap().to_owned())
        .collect();
    let expected: Vec<String> = (0..4).flat_map(|w| [0, 2, 4].map(|n| format!("w{w}-{n}.md"))).collect();
    assert_eq!(names, expected);
    match face.house.call(&Request::VerifyMemory) {
        Response::MemoryVerified { equal, .. } => assert!(equal),
        other => panic!("{other:?}"),
    }
    face.house.is_sound();
}

#[test]
fn a_taken_port_leaves_the_daemon_at_work_and_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let house = memory::start(&port.to_string());
    let Response::Memory(view) = house.call(&Request::Memory { project: None }) else { panic!("no view") };
    assert_eq!(view.address, None);
    assert!(view.address_why.unwrap().contains(&port.to_string()));
    drop(taken);
    let Response::Memory(view) = house.call(&Request::Memory { project: None }) else { panic!("no view") };
    assert_eq!(
        view.address,
        Some(format!("http://127.0.0.1:{port}")),
        "it is tried again when somebody asks"
    );
}

#[test]
fn a_loop_may_use_a_server_elsewhere_and_does_not_miss_it() {
    let face = Face::open();
    let colour = "The brand colour of the bakery is saffron, hex f4c430.";
    face.ok("POST", "/documents/text", &json!({ "text": colour, "file_source": "look.md" }));
    let workspace = Workspace::new().unwrap();
    let server = format!("[memory.lightrag]\nurl = \"http://{}\"\nkey_env = \"RAG_KEY\"\n", face.address);
    workspace.settings(&format!("{QUIET}{QUICK}{server}")).unwrap();
    let daemon =
        Daemon::start_program(&program(&workspace), &workspace, &PLAIN, &[("RAG_KEY", &face.key)]).unwrap();
    let house = House { daemon, workspace };
    house.wait(|entry| matches!(entry.fact, Fact::ProjectActivated(_)).then_some(()));
    let request = house.live("A page for the bakery in its brand colour");
    let brief = house.brief(&request, 1);
    assert!(brief.contains("f4c430") && brief.contains("look.md"), "{brief}");

    let note = house.push("Flour", "Rye is the only flour of the bakery.");
    // Delivered without being asked for: it is an entry of the other daemon's journal.
    let name = format!("loopwright-{note}.md");
    face.house.wait(|entry| match &entry.fact {
        Fact::MemoryPushed(f) if f.source == name => Some(()),
        _ => None,
    });
    house.call(&Request::Forget { note: note.clone() });
    face.house.wait(|entry| matches!(entry.fact, Fact::MemoryForgotten(_)).then_some(()));

    let Face { house: House { daemon, workspace: _elsewhere }, .. } = face;
    daemon.kill9().unwrap();
    let request = house.live("A page for the bakery with opening hours");
    assert!(!house.brief(&request, 1).contains("f4c430"));
    let Response::Memory(view) = house.call(&Request::Memory { project: None }) else { panic!("no view") };
    assert!(view.elsewhere.unwrap().contains("does not answer"));
    house.is_sound();
}

#[test]
fn a_note_that_a_server_elsewhere_falls_over_holds_the_others_up_for_a_while_only() {
    let (address, documents) = stumbling::start("quince");
    let workspace = Workspace::new().unwrap();
    let server = format!("[memory.lightrag]\nurl = \"http://{address}\"\n");
    workspace.settings(&format!("{QUIET}{server}")).unwrap();
    let house = House::start_with(workspace, &["--port", "0", "--starter", "static"]);
    house.push("Fruit", "All fruit is quince.");
    let given = || documents.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
    for (tries, title) in [(1, "Flour"), (2, "Salt")] {
        let (taken, body) = given();
        assert!(!taken && body.contains("quince"), "{tries}: {body}");
        house.push(title, "It is bought on Mondays.");
    }
    assert!(!given().0, "a third time");
    for title in ["Flour", "Salt"] {
        let (taken, body) = given();
        assert!(taken && body.contains(title), "{body}");
    }
    house.is_sound();
}
