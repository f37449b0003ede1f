//! The window's bridge to the desktop program: `window.__TAURI__`, which is there before the page's first script. Values
//! cross it as JSON text on our side.

use js_sys::{Function, JSON, Object, Promise, Reflect};
use protocol::{ApiError, Code};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Whether this page runs in the desktop's window.
pub fn there() -> bool {
    bridge().is_some()
}

fn bridge() -> Option<JsValue> {
    let window = web_sys::window()?;
    Reflect::get(&window, &"__TAURI__".into()).ok().filter(JsValue::is_object)
}

fn function(room: &str, name: &str) -> Option<(JsValue, Function)> {
    let room = Reflect::get(&bridge()?, &room.into()).ok()?;
    let function = Reflect::get(&room, &name.into()).ok()?.dyn_into().ok()?;
    Some((room, function))
}

/// Runs a command with one argument; JSON in, JSON out. A refusal is the command's own, where it gave one.
pub async fn invoke(command: &str, argument: &str, json: &str) -> Result<String, ApiError> {
    let (room, invoke) =
        function("core", "invoke").ok_or_else(|| lost("this page is not in the desktop's window"))?;
    let arguments = Object::new();
    let value = JSON::parse(json).map_err(|_| lost("the request is no JSON"))?;
    Reflect::set(&arguments, &argument.into(), &value)
        .map_err(|_| lost("the request cannot be passed on"))?;
    let promise = invoke.call2(&room, &command.into(), &arguments).map_err(refusal)?;
    let answer = JsFuture::from(promise.unchecked_into::<Promise>()).await.map_err(refusal)?;
    text_of(&answer).ok_or_else(|| lost("its answer is no JSON"))
}

fn text_of(value: &JsValue) -> Option<String> {
    JSON::stringify(value).ok()?.as_string()
}

fn refusal(value: JsValue) -> ApiError {
    let said = text_of(&value).unwrap_or_default();
    serde_json::from_str(&said).unwrap_or_else(|_| lost(&said))
}

fn lost(why: &str) -> ApiError {
    ApiError::new(Code::Internal, format!("the desktop program gave no answer: {why}"))
        .next("close the window and open it again")
}

/// A listener that can be ended. It goes on when this is dropped.
pub struct Listening {
    end: Rc<RefCell<Ending>>,
}

/// The bridge gives the way to end a listener a moment later.
enum Ending {
    Begun,
    Listens(Function),
    Ended,
}

impl Listening {
    pub fn stop(&self) {
        if let Ending::Listens(end) = self.end.replace(Ending::Ended) {
            let _ = end.call0(&JsValue::NULL);
        }
    }
}

/// Hears an event: its payload as JSON.
pub fn listen(event: &str, on: impl Fn(&str) + 'static) -> Listening {
    let end = Rc::new(RefCell::new(Ending::Begun));
    let hears = Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| {
        let payload = Reflect::get(&event, &"payload".into()).ok();
        if let Some(json) = payload.as_ref().and_then(text_of) {
            on(&json);
        }
    });
    if let Some((room, listen)) = function("event", "listen")
        && let Ok(promise) = listen.call2(&room, &event.into(), hears.as_ref())
    {
        let kept = Rc::clone(&end);
        leptos::task::spawn_local(async move {
            let Ok(unlisten) = JsFuture::from(promise.unchecked_into::<Promise>()).await else { return };
            let unlisten = unlisten.unchecked_into::<Function>();
            let ended = matches!(*kept.borrow(), Ending::Ended);
            if ended {
                let _ = unlisten.call0(&JsValue::NULL);
            } else {
                kept.replace(Ending::Listens(unlisten));
            }
        });
    }
    // The bridge holds it from now on; a page listens to few things, and for as long as it is there.
    hears.forget();
    Listening { end }
}
