//! LightRAG clients that others wrote and that know nothing of us, against the memory on LightRAG's own port: the MCP servers
//! `lightrag-mcp` and `mcp-lightrag` and the package `lightrag-api`, all from PyPI and unmodified.
//! `scripts/memory-clients/install` brings them. Each test is alone in a network that holds nothing but loopback.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

mod harness;
mod memory;

use memory::Face;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use testkit::namespace::{alone, tools_dir};

/// Where every client looks by itself.
const PORT: &str = "9621";
const MODES: [&str; 5] = ["naive", "local", "global", "hybrid", "mix"];
/// In what a tool says of one of several things.
const FAILED: &str = "\"status\":\"fail\"";
const OPENING: &str = "The Bakery opens at seven. Anna Baker decided in src/hours.rs that Sunday is closed.";

fn programs() -> PathBuf {
    let folder = tools_dir().join("memory-clients/python/bin");
    assert!(folder.exists(), "{} is not there; run scripts/memory-clients/install", folder.display());
    folder
}

/// An MCP server on stdin and stdout.
struct Server {
    child: Child,
    tell: ChildStdin,
    told: BufReader<ChildStdout>,
    calls: u64,
}

impl Server {
    fn start(program: &str, key: &str, dir: &Path) -> Server {
        let mut command = Command::new(programs().join(program));
        command.args(["--host", "localhost", "--port", PORT, "--api-key", key]);
        command.env("LIGHTRAG_API_KEY", key).current_dir(dir);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (tell, told) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut server = Server { child, tell, told, calls: 0 };
        let hello = json!({ "protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } });
        server.rpc("initialize", &hello);
        writeln!(server.tell, "{}", json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
            .unwrap();
        server
    }

    fn rpc(&mut self, method: &str, params: &Value) -> Value {
        self.calls += 1;
        let call = json!({ "jsonrpc": "2.0", "id": self.calls, "method": method, "params": params });
        writeln!(self.tell, "{call}").unwrap();
        loop {
            let mut line = String::new();
            assert_ne!(self.told.read_line(&mut line).unwrap(), 0, "{method}: the server ended");
            let Ok(answer) = serde_json::from_str::<Value>(&line) else { continue };
            if answer["id"] == self.calls {
                return answer["result"].clone();
            }
        }
    }

    /// For a tool that does its work and then cannot write down what came of it: the caller looks for itself.
    fn does(&mut self, name: &str, args: Value) {
        self.rpc("tools/call", &json!({ "name": name, "arguments": args }));
    }

    /// What a tool answers, which says itself whether it worked.
    fn tool(&mut self, name: &str, args: Value) -> Value {
        let result = self.rpc("tools/call", &json!({ "name": name, "arguments": args }));
        let text: String =
            result["content"].as_array().unwrap().iter().filter_map(|part| part["text"].as_str()).collect();
        assert_ne!(result["isError"], true, "{name}: {text}");
        let told: Value = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
        assert_ne!(told["status"], "error", "{name}: {told}");
        assert!(told["error"].is_null(), "{name}: {told}");
        told
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn mcp_lightrag_goes_through_it_all() {
    alone("mcp_lightrag_goes_through_it_all", || {
        let face = Face::open_at(PORT);
        let dir = face.house.workspace.path().to_owned();
        let file = dir.join("hours.md");
        std::fs::write(&file, OPENING).unwrap();
        let mut client = Server::start("mcp-lightrag", &face.key, &dir);
        client.tool("verify_server_health", json!({}));
        client.tool("ingest_text", json!({ "content": "Rye is the only flour." }));
        client.tool("ingest_text", json!({ "content": ["One more.", "And another."] }));
        client.tool("upload_and_index", json!({ "file_path": file }));
        client.tool("check_indexing_status", json!({}));
        let found = client.tool("find_document", json!({ "filename": "hours.md" }));
        let found = found.to_string();
        assert!(found.contains("processed") && found.contains("opens at seven"), "{found}");
        let same = client.tool("upsert_document", json!({ "file_path": file })).to_string();
        assert!(same.contains("skipped"), "{same}");
        std::fs::write(&file, format!("{OPENING} On Monday it opens at nine.")).unwrap();
        let newer = client.tool("upsert_document", json!({ "file_path": file })).to_string();
        assert!(newer.contains("updated"), "{newer}");
        // Its tool that asks fails before it asks anybody (it gives its own model a field that it does not have), so the
        // other clients ask.
        assert!(client.tool("get_graph_metadata", json!({})).to_string().contains("src/hours.rs"));

        // It goes on with a daemon that was killed under it as if nothing had been.
        let face = face.killed_and_started();
        let made = json!({ "entities": [
            { "name": "Berta", "type": "person", "description": "bakes", "source_id": "x" },
            { "name": "Bertha", "type": "person", "description": "bakes too", "source_id": "x" }] });
        let made = client.tool("create_entities", made).to_string();
        assert!(!made.contains(FAILED), "{made}");
        let relation = json!({ "relations": [
            { "source": "Berta", "target": "Bertha", "description": "same", "keywords": "same", "weight": 1.0 }] });
        let relation = client.tool("connect_entities", relation).to_string();
        assert!(!relation.contains(FAILED), "{relation}");
        client.tool("unify_entities", json!({ "sources": ["Bertha"], "target": "Berta" }));
        assert_eq!(face.get("/graph/entity/exists?name=Bertha"), json!({ "exists": false }));
        let removed = client.tool("remove_entities", json!({ "names": ["Berta"] })).to_string();
        assert!(!removed.contains(FAILED), "{removed}");
        let listed = face.ok("POST", "/documents/paginated", &json!({}));
        assert_eq!(listed["pagination"]["total_count"], 4, "{listed}");
        let ids: Vec<&Value> = listed["documents"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
        let purged = client.tool("purge_by_document", json!({ "doc_ids": ids })).to_string();
        assert!(!purged.contains(FAILED), "{purged}");
        assert_eq!(face.get("/documents/status_counts")["status_counts"]["all"], 0);
        face.house.is_sound();
    });
}

#[test]
fn lightrag_mcp_which_speaks_to_older_servers_works_too() {
    alone("lightrag_mcp_which_speaks_to_older_servers_works_too", || {
        let face = Face::open_at(PORT);
        let dir = face.house.workspace.path().to_owned();
        let file = dir.join("hours.md");
        std::fs::write(&file, OPENING).unwrap();
        let mut client = Server::start("lightrag-mcp", &face.key, &dir);
        client.tool("check_lightrag_health", json!({}));
        client.tool("insert_document", json!({ "text": ["Rye is the only flour.", "One more."] }));
        client.tool("insert_file", json!({ "file_path": file }));
        client.tool("upload_document", json!({ "file_path": file }));
        client.tool("get_pipeline_status", json!({}));
        let listed = client.tool("get_documents", json!({})).to_string();
        assert!(listed.contains("hours.md") && listed.contains("processed"), "{listed}");
        for mode in MODES {
            let told =
                client.tool("query_document", json!({ "query": "When does the Bakery open?", "mode": mode }));
            assert!(told.to_string().contains("opens at seven"), "{mode}: {told}");
        }
        assert!(client.tool("get_graph_labels", json!({})).to_string().contains("src/hours.rs"));
        let made = json!({ "entities": [
            { "entity_name": "Berta", "entity_type": "person", "description": "bakes", "source_id": "x" },
            { "entity_name": "Bertha", "entity_type": "person", "description": "bakes", "source_id": "x" }] });
        // Its own models of entities do not go through the SDK that it is installed with.
        client.does("create_entities", made);
        assert_eq!(face.get("/graph/entity/exists?name=Berta"), json!({ "exists": true }));
        client.does("delete_by_entities", json!({ "entity_names": ["Berta"] }));
        assert_eq!(face.get("/graph/entity/exists?name=Berta"), json!({ "exists": false }));
        let rows = face.ok("POST", "/documents/paginated", &json!({}));
        let ids: Vec<&Value> = rows["documents"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
        client.does("delete_by_doc_ids", json!({ "doc_ids": ids }));
        assert_eq!(face.get("/documents/status_counts")["status_counts"]["all"], 0);
        face.house.is_sound();
    });
}

/// Its models refuse every answer of another shape than LightRAG's.
#[test]
fn the_package_lightrag_api_takes_every_answer() {
    alone("the_package_lightrag_api_takes_every_answer", || {
        let face = Face::open_at(PORT);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/lightrag_api.py");
        let done = Command::new(programs().join("python"))
            .arg(script)
            .arg(format!("http://{}", face.address))
            .env("LIGHTRAG_KEY", &face.key)
            .current_dir(face.house.workspace.path())
            .output()
            .unwrap();
        let said =
            String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success() && said.contains("all was as it should be"), "{said}");
        face.house.is_sound();
    });
}
