//! `loopwrightd memory import`, `export` and the other commands, as a person types them.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod harness;

use harness::{House, program};
use protocol::{Request, Response};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Whether it called it a success, and what it said.
fn memory(house: &House, args: &[&str]) -> (bool, String) {
    with_stdin(house, args, "")
}

fn with_stdin(house: &House, args: &[&str], stdin: &str) -> (bool, String) {
    let mut command = Command::new(program(&house.workspace));
    command.arg("--home").arg(house.workspace.home()).arg("memory").args(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    (done.status.success(), said)
}

fn fine(house: &House, args: &[&str]) -> String {
    let (fine, said) = memory(house, args);
    assert!(fine, "{args:?}: {said}");
    said
}

fn imported(house: &House, args: &[&str]) -> Value {
    let said = fine(house, &[&["--json", "import"], args].concat());
    serde_json::from_str(said.lines().find(|line| line.starts_with('{')).unwrap()).unwrap()
}

fn sources(house: &House) -> Vec<String> {
    let Response::Notes { rows } =
        house.call(&Request::Notes { project: None, limit: None, superseded: false })
    else {
        panic!("no notes")
    };
    let mut sources: Vec<String> = rows.into_iter().map(|row| row.source).collect();
    sources.sort();
    sources
}

fn put(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn markdown_is_imported_once_and_again_only_where_it_changed() {
    let house = House::open("");
    let docs = house.workspace.path().join("docs");
    put(&docs, "hours.md", "---\ntitle: x\n---\n# Hours\n\nThe Bakery opens at seven.\n");
    put(&docs, "deep/rye.md", "Rye is the only flour.");
    put(&docs, "long.md", &"A paragraph of the long one.\n\n".repeat(40_000));
    put(&docs, "odd.md", "\0");
    let path = docs.to_str().unwrap();
    let first = imported(&house, &["--markdown", path]);
    assert_eq!((&first["unchanged"], first["left"].as_array().unwrap().len()), (&json!(0), 1), "{first}");
    let all = first["pushed"].as_u64().unwrap();
    assert!(all >= 5, "the long one is cut: {first}");
    let again = imported(&house, &["--markdown", path]);
    assert_eq!((&again["pushed"], &again["unchanged"]), (&json!(0), &json!(all)), "{again}");
    put(&docs, "hours.md", "# Hours\n\nThe Bakery opens at eight.\n");
    let changed = imported(&house, &["--markdown", path]);
    assert_eq!((&changed["pushed"], &changed["replaced"]), (&json!(1), &json!(1)), "{changed}");
    assert!(sources(&house).contains(&"docs/deep/rye.md".to_owned()));
    let told = fine(&house, &["recall", "When does the Bakery open?"]);
    assert!(told.contains("opens at eight") && !told.contains("opens at seven"), "{told}");
    house.is_sound();
}

#[test]
fn a_git_history_becomes_notes() {
    let house = House::open("");
    let repository = house.workspace.path().join("repo");
    put(&repository, "menu.md", "rye");
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(&repository).args(["-c", "user.name=T", "-c", "user.email=t@example.org"]);
        assert!(command.args(args).status().unwrap().success());
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "menu: rye bread only\n\nWheat was out of stock."]);
    let done = imported(&house, &["--git", repository.to_str().unwrap()]);
    assert_eq!(done["pushed"], 1, "{done}");
    let told = fine(&house, &["recall", "Why is there no wheat on the menu?"]);
    assert!(told.contains("out of stock"), "{told}");
    assert_eq!(imported(&house, &["--git", repository.to_str().unwrap()])["unchanged"], 1);
    let (fine, said) = memory(&house, &["import", "--git", "/nowhere/at/all"]);
    assert!(!fine && said.contains("failed to read the history"), "{said}");
}

#[test]
fn what_a_lightrag_server_kept_comes_over_with_its_graph() {
    let house = House::open("");
    let rag = house.workspace.path().join("rag_storage");
    let documents = json!({ "doc-1": { "content": "Anna founded the Bakery.", "file_path": "a.md" } });
    put(&rag, "kv_store_full_docs.json", &documents.to_string());
    put(&rag, "kv_store_doc_status.json", "{}");
    put(
        &rag,
        "graph_chunk_entity_relation.graphml",
        r#"<graphml><key id="d0" for="node" attr.name="description"/>
        <key id="d1" for="edge" attr.name="description"/><graph>
        <node id="Anna"><data key="d0">bakes &amp; sells</data></node><node id="The Bakery"/>
        <edge source="Anna" target="The Bakery"><data key="d1">founded it</data></edge></graph></graphml>"#,
    );
    put(
        &rag,
        "team/kv_store_full_docs.json",
        &json!({ "doc-2": { "content": "Team note.", "file_path": "b.md" } }).to_string(),
    );
    let path = rag.to_str().unwrap();
    let done = imported(&house, &["--lightrag", path]);
    assert_eq!((&done["pushed"], &done["graph"]), (&json!(2), &json!(3)), "{done}");
    assert_eq!(sources(&house), ["a.md", "team/b.md"]);
    let drawn = fine(&house, &["graph", "Anna"]);
    assert!(drawn.contains("The Bakery"), "{drawn}");
    let way = fine(&house, &["path", "Anna", "The Bakery"]);
    assert!(way.contains("Anna") && way.contains("The Bakery"), "{way}");
    let again = imported(&house, &["--lightrag", path]);
    assert_eq!((&again["pushed"], &again["graph"]), (&json!(0), &json!(0)), "{again}");
    fs::write(rag.join("kv_store_full_docs.json"), "{\"doc-1\":").unwrap();
    let (fine, said) = memory(&house, &["import", "--lightrag", path]);
    assert!(!fine && said.contains("damaged"), "{said}");
    house.is_sound();
}

#[test]
fn every_command_does_what_it_says() {
    let house = House::open("");
    let older = fine(&house, &["push", "The menu is blue", "--source", "look", "--kind", "preference"]);
    let file = house.workspace.path().join("note.txt");
    fs::write(&file, "The menu is green\nsince Monday").unwrap();
    let newer =
        fine(&house, &["push", "--file", file.to_str().unwrap(), "--source", "look", "--title", "Green"]);
    let (newer, older) = (newer.split_whitespace().next().unwrap().to_owned(), older.trim().to_owned());
    let (fine_, said) =
        with_stdin(&house, &["push", "-", "--kind", "glossary"], "Sauerteig: a leaven of rye");
    assert!(fine_, "{said}");
    let leaven = said.trim().to_owned();
    assert!(!with_stdin(&house, &["push", "-"], " \n").0, "nothing to remember");
    let listed = fine(&house, &["list"]);
    assert!(listed.contains("Green") && !listed.contains(&older), "{listed}");
    assert!(fine(&house, &["list", "--superseded"]).contains(&older));
    let shown = fine(&house, &["note", &newer]);
    assert!(shown.contains("since Monday") && shown.contains(&format!("supersedes {older}")), "{shown}");
    let told = fine(
        &house,
        &["--json", "recall", "leaven", "--kind", "glossary", "--limit", "1", "--mode", "naive"],
    );
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["rows"][0]["note"], leaven, "{told}");
    fine(&house, &["supersede", &leaven, &newer]);
    assert!(fine(&house, &["status"]).contains("3 notes (2 superseded)"));
    let out = house.workspace.path().join("all.jsonl");
    fine(&house, &["export", "--to", out.to_str().unwrap()]);
    let lines: Vec<Value> =
        fs::read_to_string(&out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().any(|line| line["source"] == "look" && line["superseded_by"] == json!(newer)));
    assert!(fine(&house, &["verify"]).contains("is what the journal makes of it"));
    fine(&house, &["forget", &newer]);
    assert!(fine(&house, &["list"]).contains(&older), "what it had replaced is current again");
    let (fine_, said) = memory(&house, &["note", &newer]);
    assert!(!fine_ && said.contains("memory list"), "{said}");
    let (fine_, said) = memory(&house, &["key"]);
    assert!(!fine_ && said.contains("memory.key"), "none is made while nothing listens: {said}");
    house.is_sound();
}
