//! The window's way to the desktop program: its one command and its one event. What a page asks of the loop goes to the
//! workspace that is open; the program sends it to that workspace's daemon, or answers from its copy and says since when.

use super::json::{self, FromJson};
use super::{Answer, Nudge, Watch, session, tauri, wire};
use protocol::desk::{DeskAnswer, DeskEvent, DeskRequest, HERE, Link, Place};
use protocol::fact::Channel;
use protocol::id::BlobId;
use protocol::{ApiError, At, Code, Request};
use std::cell::{Cell, RefCell};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};

const PLACE: &str = "loopwright.place";

/// Whether this page runs in the desktop's window.
pub fn there() -> bool {
    tauri::there()
}

/// Asks the desktop program.
pub async fn desk(request: DeskRequest) -> Result<DeskAnswer, ApiError> {
    let answer = asked(&request).await?;
    serde_json::from_str(&answer).map_err(odd)
}

/// Hears what the desktop program tells by itself, until it is stopped; dropping the answer does not stop it.
pub fn on_desk(f: impl Fn(DeskEvent) + 'static) -> tauri::Listening {
    tauri::listen("desk", move |json| {
        if let Ok(event) = serde_json::from_str(json) {
            f(event);
        }
    })
}

async fn asked(request: &DeskRequest) -> Result<String, ApiError> {
    let json = serde_json::to_string(request).map_err(odd)?;
    tauri::invoke("request", "envelope", &json).await
}

/// The workspace that is open.
pub fn place() -> Place {
    session::remembered(PLACE).unwrap_or_else(|| HERE.to_owned())
}

/// Opens another workspace.
pub fn go_to(place: &str) {
    open(place, "#/home");
}

/// Opens another workspace at a view. The whole page begins anew, so that nothing of the one before stays on it; until then
/// the page shows what it showed, for the new view would be the old workspace's.
pub fn open(place: &str, hash: &str) {
    session::remember(PLACE, place);
    if let Some(window) = web_sys::window() {
        let kept = window.history().and_then(|h| h.push_state_with_url(&JsValue::NULL, "", Some(hash)));
        if kept.is_err() {
            let _ = window.location().set_hash(hash);
        }
        let _ = window.location().reload();
    }
}

type OnSince = Box<dyn Fn(Option<At>)>;

thread_local! {
    /// Since when the answers come from the copy on this computer; none while the daemon answers.
    static SINCE: Cell<Option<At>> = const { Cell::new(None) };
    static LINKS: Cell<bool> = const { Cell::new(false) };
    static ON_SINCE: RefCell<Option<OnSince>> = const { RefCell::new(None) };
}

/// [`super::call`] in the desktop's window.
pub(super) async fn call(request: &Request) -> Result<Answer, ApiError> {
    let mut request = request.clone();
    if let Request::Ask { channel, .. } = &mut request {
        *channel = Channel::Desktop;
    }
    let said = asked(&DeskRequest::Loop { place: place(), request }).await?;
    let json = json::parse(&said).map_err(odd)?;
    let mut wrong = json::Wrong::default();
    let since: Option<At> = json::field(&json, "since", &mut wrong);
    let answer: Answered = json::field(&json, "response", &mut wrong);
    let Answered(answer) = wrong.end(answer).map_err(odd)?;
    tell_since(since);
    answer.map_err(odd)
}

struct Answered(json::Read<Answer>);

impl FromJson for Answered {
    fn from_json(json: &super::parse::Value, _: &mut json::Wrong) -> Self {
        Self(wire::answer_in(json))
    }
}

fn tell_since(since: Option<At>) {
    if SINCE.replace(since) != since {
        ON_SINCE.with_borrow(|on| {
            if let Some(on) = on {
                on(since);
            }
        });
    }
}

/// Pages of a workspace are on its own loopback, which is not this computer's: a link to one opens through the desktop
/// program. All other links go to the system's browser, which that program sees to. The listener stays as the page does.
fn catch_links() {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
    let clicked = Closure::<dyn Fn(web_sys::MouseEvent)>::new(|event: web_sys::MouseEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let link = target.and_then(|element| element.closest("a[target=_blank]").ok().flatten());
        let Some(url) = link.and_then(|link| link.get_attribute("href")) else { return };
        if url.starts_with("http://127.0.0.1") || url.starts_with("http://localhost") {
            event.prevent_default();
            leptos::task::spawn_local(async move {
                let _ = preview(url).await;
            });
        }
    });
    let _ = document.add_event_listener_with_callback("click", clicked.as_ref().unchecked_ref());
    clicked.forget();
}

/// [`super::watch_head`] in the desktop's window.
pub(super) fn watch_head(on: impl Fn(Nudge) + 'static) -> Watch {
    LINKS.with(|caught| {
        if !caught.replace(true) {
            catch_links();
        }
    });
    let on = std::rc::Rc::new(on);
    let told = std::rc::Rc::clone(&on);
    ON_SINCE.set(Some(Box::new(move |since| told(Nudge::Since(since)))));
    let first = std::rc::Rc::clone(&on);
    let listening = on_desk(move |event| heard(event, &*on));
    // What was told before this page listened.
    leptos::task::spawn_local(async move {
        let Ok(DeskAnswer::Places { places }) = desk(DeskRequest::Places).await else { return };
        if let Some(row) = places.into_iter().find(|row| row.place == place()) {
            heard(DeskEvent::Head { place: row.place.clone(), head: row.mirror.head }, &*first);
            heard(DeskEvent::Link { place: row.place, link: row.link }, &*first);
        }
    });
    Watch::Desk(listening)
}

/// What it means for the workspace that is open.
fn heard(event: DeskEvent, on: &impl Fn(Nudge)) {
    match event {
        DeskEvent::Head { place: of, head } if of == place() => on(Nudge::Head(head)),
        DeskEvent::Link { place: of, link } if of == place() => match link {
            Link::Up { .. } | Link::Connecting { .. } => {}
            Link::Off | Link::Lost { .. } | Link::Refused { .. } => {
                on(Nudge::Lost);
                // From now on the copy answers: the page says so before anybody asks something.
                leptos::task::spawn_local(async {
                    let _ = call(&Request::Hello).await;
                });
            }
        },
        DeskEvent::Open { path } => {
            if let Some(window) = web_sys::window() {
                let _ = window.location().set_hash(&format!("#/{}", path.trim_start_matches('/')));
            }
        }
        DeskEvent::Head { .. }
        | DeskEvent::Link { .. }
        | DeskEvent::Setup { .. }
        | DeskEvent::Meeting { .. }
        | DeskEvent::Places => {}
    }
}

/// [`super::picture`] in the desktop's window.
pub(super) async fn picture(blob: &BlobId) -> Result<String, ApiError> {
    match desk(DeskRequest::Picture { place: place(), blob: blob.clone() }).await? {
        DeskAnswer::Picture { url } => Ok(url),
        _ => Err(odd("not a picture")),
    }
}

/// Shows a page of the workspace in a window of its own.
pub async fn preview(url: String) -> Result<(), ApiError> {
    desk(DeskRequest::Preview { place: place(), url }).await.map(drop)
}

fn odd(problem: impl std::fmt::Display) -> ApiError {
    ApiError::new(Code::Version, format!("the desktop program's answer was not understood: {problem}"))
        .next("close the window and open it again")
}
