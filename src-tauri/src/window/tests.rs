//! The command as the page calls it, on a mocked runtime: no display, a real daemon where one is needed.

use super::{Config, EVENT, MAIN, shell};
use protocol::desk::{DeskAnswer, DeskEvent, DeskRequest, DeskSettings, Link, VaultState};
use protocol::{ApiError, Code, Request, Response};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;
use tauri::test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder, mock_context, noop_assets};
use tauri::webview::InvokeRequest;
use tauri::{App, Listener, Manager, WebviewWindow, WebviewWindowBuilder};

struct Page {
    app: App<MockRuntime>,
    window: WebviewWindow<MockRuntime>,
}

impl Page {
    fn open(config: Config) -> Self {
        let app = shell(mock_builder(), config).build(mock_context(noop_assets())).unwrap();
        let window = WebviewWindowBuilder::new(&app, MAIN, Default::default()).build().unwrap();
        Self { app, window }
    }

    fn ask(&self, request: &DeskRequest) -> Result<DeskAnswer, ApiError> {
        let url = if cfg!(windows) { "http://tauri.localhost" } else { "tauri://localhost" };
        let body = serde_json::json!({ "envelope": request });
        let request = InvokeRequest {
            cmd: "request".into(),
            callback: tauri::ipc::CallbackFn(0),
            error: tauri::ipc::CallbackFn(1),
            url: url.parse().unwrap(),
            body: body.into(),
            headers: Default::default(),
            invoke_key: INVOKE_KEY.to_string(),
        };
        match get_ipc_response(&self.window, request) {
            Ok(body) => Ok(body.deserialize().unwrap()),
            Err(refused) => Err(serde_json::from_value(refused).unwrap()),
        }
    }
}

fn config(data: &Path) -> Config {
    Config { data: Some(data.join("desktop")), home: Some(data.join("home")), ..Config::default() }
}

#[test]
fn without_a_daemon_the_window_says_so_and_answers_what_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let page = Page::open(config(dir.path()));
    let Ok(DeskAnswer::Places { places }) = page.ask(&DeskRequest::Places) else { panic!("no places") };
    assert_eq!((places.len(), places[0].place.as_str(), &places[0].link), (1, "here", &Link::Off));
    let refused = page.ask(&DeskRequest::Loop { place: "here".into(), request: Request::Home }).unwrap_err();
    assert!(refused.message.contains("nothing was copied"), "{refused}");
    assert!(refused.next.is_some());

    // What is asked of another workspace is never answered by this computer.
    let elsewhere = DeskRequest::Loop { place: "at-bakery".into(), request: Request::Hello };
    assert_eq!(page.ask(&elsewhere).unwrap_err().code, Code::NotFound);
    for request in [
        DeskRequest::Health { place: "here".into() },
        DeskRequest::Repair { place: "at-bakery".into() },
        DeskRequest::Meeting { meeting: "x".into() },
    ] {
        assert_eq!(page.ask(&request).unwrap_err().code, Code::NotFound, "{request:?}");
    }
    let preview = DeskRequest::Preview { place: "here".into(), url: "https://example.org/".into() };
    assert_eq!(page.ask(&preview).unwrap_err().code, Code::BadInput);
}

#[test]
fn settings_are_kept_and_a_wrong_envelope_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let set = DeskSettings { notify: true, close_to_tray: true, start_with_system: false };
    {
        let page = Page::open(config(dir.path()));
        let answer = page.ask(&DeskRequest::SetSettings { settings: set.clone() }).unwrap();
        assert_eq!(answer, DeskAnswer::Settings { settings: set.clone() });
        // Nothing here can start programs with the system: it is said, and not kept.
        let wanted = DeskSettings { start_with_system: true, ..set.clone() };
        assert!(page.ask(&DeskRequest::SetSettings { settings: wanted }).is_err());
    }
    let page = Page::open(config(dir.path()));
    assert_eq!(page.ask(&DeskRequest::Settings).unwrap(), DeskAnswer::Settings { settings: set });
}

#[test]
fn secrets_go_to_a_keychain_or_into_a_file_that_asks_for_a_passphrase() {
    let dir = tempfile::tempdir().unwrap();
    let page = Page::open(config(dir.path()));
    let Ok(DeskAnswer::Vault { vault }) = page.ask(&DeskRequest::Vault) else { panic!("no vault") };
    let VaultState::File { open: false, made: false, why } = vault else { return };
    assert!(!why.is_empty());
    let short = DeskRequest::Unlock { passphrase: "short".into() };
    assert_eq!(page.ask(&short).unwrap_err().code, Code::BadInput);
    let opened = page.ask(&DeskRequest::Unlock { passphrase: "correct horse".into() }).unwrap();
    assert!(matches!(opened, DeskAnswer::Vault { vault: VaultState::File { open: true, made: true, .. } }));
    assert!(dir.path().join("desktop/vault.json").exists());
}

#[test]
fn slow_a_daemon_is_heard_and_its_copy_answers_once_it_is_gone() {
    let workspace = testkit::Workspace::new().unwrap();
    let args = ["--port", "0", "--starter", "static"];
    let mut daemon = testkit::Daemon::start(&workspace, &args, &[]).unwrap();
    let data = tempfile::tempdir().unwrap();
    let page = Page::open(Config { home: Some(workspace.home()), ..config(data.path()) });
    let (told, events) = mpsc::channel();
    page.app.listen_any(EVENT, move |event| {
        let _ = told.send(serde_json::from_str::<DeskEvent>(event.payload()).unwrap());
    });
    let wait = |what: &str, found: &dyn Fn(&DeskEvent) -> bool| loop {
        let event = events.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("no {what}"));
        if found(&event) {
            return;
        }
    };
    let desk = page.app.state::<std::sync::Arc<crate::desk::Desk>>();
    tauri::async_runtime::block_on(async { desk.start() });
    wait("link", &|event| matches!(event, DeskEvent::Link { link: Link::Up { .. }, .. }));
    wait("copy", &|event| matches!(event, DeskEvent::Places));
    let ask = |request| page.ask(&DeskRequest::Loop { place: "here".into(), request });
    let pushed = Request::Push {
        project: None,
        note: protocol::api::NewNote {
            kind: protocol::fact::NoteKind::Decision,
            title: "Rye".into(),
            text: "The bakery sells rye bread on Tuesdays only.".into(),
            source: None,
            supersedes: vec![],
        },
    };
    let Ok(DeskAnswer::Loop { response: Response::Pushed { .. }, since: None }) = ask(pushed.clone()) else {
        panic!("the note was not taken")
    };
    wait("new entry", &|event| matches!(event, DeskEvent::Head { .. }));
    wait("copy of it", &|event| matches!(event, DeskEvent::Places));

    daemon.quit().unwrap();
    wait("loss", &|event| matches!(event, DeskEvent::Link { link: Link::Lost { .. }, .. }));
    let recall = protocol::api::RecallAsk { query: "when is there rye bread".into(), ..Default::default() };
    let Ok(DeskAnswer::Loop { response: Response::Recalled(found), since: Some(_) }) =
        ask(Request::Recall(Box::new(recall)))
    else {
        panic!("the copy does not answer")
    };
    assert!(found.rows[0].text.contains("Tuesdays"));
    let Ok(DeskAnswer::Loop { response: Response::Home(home), since: Some(_) }) = ask(Request::Home) else {
        panic!("no home")
    };
    assert_eq!(home.projects.len(), 1);
    let refused = ask(pushed).unwrap_err();
    assert!(refused.message.contains("nothing was changed"), "{refused}");
}
