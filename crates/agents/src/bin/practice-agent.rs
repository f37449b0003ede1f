//! The practice agent as a program of its own: ACP over standard input and output. `PRACTICE_PAUSE_MS` sets the pause
//! between its steps.

use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    let pause =
        std::env::var("PRACTICE_PAUSE_MS").ok().and_then(|ms| ms.parse().ok()).map(Duration::from_millis);
    match agents::practice_stdio(pause).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(_) => std::process::ExitCode::FAILURE,
    }
}
