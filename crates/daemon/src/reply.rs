//! What the user says to single attempts on the command line: an answer, a hand-over, a pick.

use crate::client::Client;
use anyhow::{Context, Result, bail};
use clap::Args;
use protocol::view::AskView;
use protocol::*;

#[derive(Debug, Args)]
pub struct Answer {
    /// The attempt that asked.
    attempt: AttemptId,
    /// The answer in words, or one of the options by its name or label.
    answer: String,
    /// Which of its questions, if it has several.
    #[arg(long)]
    ask: Option<String>,
}

/// The request for an answer. What was asked decides whether the words are an option.
pub async fn answer(client: &Client, answer: Answer) -> Result<Request> {
    let Answer { attempt, answer, ask } = answer;
    let request = request_of(&attempt)?;
    let Response::Show(view) = client.call(&Request::Show { request: request.clone() }).await? else {
        bail!("the daemon gave another answer than asked for")
    };
    let of = view.attempts.into_iter().find(|known| known.attempt == attempt);
    let open = of.with_context(|| format!("there is no attempt {attempt}"))?.asked;
    let option = open.as_ref().and_then(|asked| option(asked, &answer));
    let asked = ask.or(open.map(|asked| asked.ask));
    let asked = asked.with_context(|| format!("{attempt} asks nothing"))?;
    let text = option.is_none().then_some(answer);
    Ok(Request::Answer { request, attempt, asked, option, text })
}

fn option(asked: &AskView, answer: &str) -> Option<String> {
    let same = |known: &str| known.eq_ignore_ascii_case(answer.trim());
    asked
        .options
        .iter()
        .find(|option| same(&option.id) || same(&option.label))
        .map(|option| option.id.clone())
}

/// An attempt is called after its request.
pub fn request_of(attempt: &AttemptId) -> Result<RequestId> {
    let unknown = || {
        ApiError::new(Code::BadInput, format!("{attempt} is no attempt's name"))
            .next("see `loopwrightd show REQUEST` for the names of a request's attempts")
    };
    Ok(engine::ids::request_of(attempt).ok_or_else(unknown)?)
}
