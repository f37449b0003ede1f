//! The full stop: a server that is known shows another key. Nothing here goes on by itself, and nothing that is pressed
//! in haste does.

use super::at;
use crate::app::App;
use crate::app::desk::tell;
use crate::parts::confirm::Confirm;
use crate::parts::plain;
use crate::words::route::{Route, View};
use crate::words::servers::sign_in;
use leptos::prelude::*;
use protocol::desk::{ChangedKey, DeskRequest, Place, Target};

pub fn stop(app: App, place: Place, host: String, target: Option<&Target>, key: &ChangedKey) -> AnyView {
    let recorded = key
        .recorded
        .iter()
        .map(|k| view! { <code class="print" data-testid="recorded-key">{k.clone()}</code> });
    let recorded: Vec<_> = recorded.collect();
    let again = target.map_or_else(|| host.clone(), sign_in::said);
    let rebuilt = Callback::new(move |()| {
        let again = again.clone();
        tell(app, DeskRequest::Rebuilt { place: place.clone() }, move |_| {
            app.desk.look();
            app.go(at("new", &again));
        });
    });
    view! {
        <section class="card full-stop" role="alert" data-testid="changed-key">
            <h1>"Stop: "{host.clone()}" shows another host key"</h1>
            <p>"Either this server was rebuilt, or something answers in its place and would see everything that is sent. Loopwright does not connect, and sent nothing: no password, no key."</p>
            <dl class="prints">
                <div><dt>"The key that was recorded for it"</dt><dd>{recorded}</dd></div>
                <div><dt>"The key that it shows now"</dt><dd><code class="print" data-testid="presented-key">{key.presented.clone()}</code></dd></div>
            </dl>
            <p class="muted">"If you did not rebuild it: ask your provider, and look at the key on the server's own console, before you do anything else."</p>
            <div class="actions">
                {plain::link("Leave it disconnected", Route::to(View::Servers).hash(), "button primary", "stay-away")}
                <Confirm
                    label="I rebuilt this server"
                    question="Forget the old key and the copy of the old server on this computer?"
                    testid="rebuilt"
                    danger=true
                    act=rebuilt
                />
            </div>
        </section>
    }
    .into_any()
}
