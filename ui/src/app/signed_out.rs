//! The page of somebody without a session.

use leptos::prelude::*;
use protocol::ApiError;

pub fn page(why: Option<ApiError>) -> impl IntoView {
    let said = why.map(|e| crate::words::sentence(&e.message));
    view! {
        <main class="signed-out" data-testid="signed-out">
            {crate::parts::icons::mark()}
            <h1>"You are signed out"</h1>
            {said.map(|text| view! { <p class="muted">{text}</p> })}
            <p>"Run this on the machine where the daemon runs, and open the link that it prints:"</p>
            <pre class="command"><code>"loopwrightd link"</code></pre>
            <p class="muted small">"A link works once. The session is kept in this browser only, for this address and port."</p>
        </main>
    }
}
