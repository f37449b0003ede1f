//! `loopwrightd sign-in` and `sign-out`: the same requests as the dashboard's, in a terminal. Keys are read without echo.

use crate::client::Client;
use crate::print;
use anyhow::{Context, Result, bail};
use clap::Args;
use protocol::view::{AgentRow, KeyField, SignInState, SignInView, SignInWay, WayKind};
use protocol::{AgentId, ApiError, Code, Request, Response, clean};
use rustix::termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcsetattr};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::process::ExitCode;
use tokio::sync::oneshot;

#[derive(Debug, Args)]
pub struct Options {
    agent: AgentId,
    /// Which of its ways, by the word in brackets; asked for if it is not given.
    #[arg(long)]
    way: Option<String>,
}

pub async fn sign_in(client: &Client, options: Options) -> Result<ExitCode> {
    let row = row_of(client, &options.agent).await?;
    let ways = row.now.map_or_else(Vec::new, |now| now.ways);
    if ways.is_empty() {
        bail!("{} needs no account", options.agent);
    }
    let way = match options.way {
        Some(name) => ways.into_iter().find(|way| way.way == name).with_context(|| {
            format!("{} has no way called `{name}`; leave --way out to see them", options.agent)
        })?,
        None => choose(ways).await?,
    };
    match way.way_kind {
        WayKind::Gone => bail!("{}", way.says),
        WayKind::Key => give_key(client, &options.agent, &way).await,
        WayKind::Login => log_in(client, &options.agent, &way).await,
    }
}

async fn row_of(client: &Client, agent: &AgentId) -> Result<AgentRow> {
    let Response::Agents { rows } = client.call(&Request::Agents { fresh: false }).await? else {
        bail!("the daemon gave another answer than asked for")
    };
    let row = rows.into_iter().find(|row| row.agent == *agent);
    let unknown = || {
        ApiError::new(Code::NotFound, format!("there is no agent called `{agent}`"))
            .next("see `loopwrightd agents`")
    };
    Ok(row.ok_or_else(unknown)?)
}

async fn choose(ways: Vec<SignInWay>) -> Result<SignInWay> {
    for (number, way) in ways.iter().enumerate() {
        print::line(&format!("{}  {} ({}): {}", number + 1, way.title, way.way, way.says))?;
    }
    let answer = ask("which one? ", false).await?.context("nothing was typed; choose with --way")?;
    let number: usize = answer.trim().parse().context("that is no number")?;
    let chosen = ways.into_iter().nth(number.wrapping_sub(1));
    chosen.context("there is none of that number")
}

async fn give_key(client: &Client, agent: &AgentId, way: &SignInWay) -> Result<ExitCode> {
    print::line(&way.says)?;
    let mut fields = BTreeMap::new();
    for field in &way.fields {
        // A script that ends its input leaves the rest as it is.
        let given = ask(&prompt(field), field.secret).await?.unwrap_or_default();
        let given = given.trim();
        let value = if given.is_empty() { field.default.clone() } else { Some(given.to_owned()) };
        if value.is_none() && !field.optional {
            bail!("{} was not given", field.title);
        }
        fields.extend(value.map(|value| (field.name.clone(), value)));
    }
    client.call(&Request::SetKey { agent: agent.clone(), way: way.way.clone(), fields }).await?;
    let row = row_of(client, agent).await?;
    print::line(&format!("kept. {agent}: {}", print::readiness(&row.readiness)))?;
    Ok(if row.readiness.is_ready() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn prompt(field: &KeyField) -> String {
    match (&field.default, field.optional) {
        (Some(default), _) => format!("{} [{default}]: ", field.title),
        (None, true) => format!("{} (may be empty): ", field.title),
        (None, false) => format!("{}: ", field.title),
    }
}

/// Follows the sign-in to its end. Nobody would finish one that we leave, so it is called off then.
async fn log_in(client: &Client, agent: &AgentId, way: &SignInWay) -> Result<ExitCode> {
    let left = tokio::select! {
        ended = follow(client, agent, way) => match ended {
            Ok(code) => return Ok(code),
            Err(e) => Err(e),
        },
        interrupted = tokio::signal::ctrl_c() => interrupted.context("failed to wait for Ctrl-C"),
    };
    let stopped = client.call(&Request::SignInStop { agent: agent.clone() }).await;
    left?;
    stopped?;
    print::line("\nthe sign-in was called off")?;
    Ok(ExitCode::FAILURE)
}

/// Shows what is to be done, and passes on what is typed, until it is over.
async fn follow(client: &Client, agent: &AgentId, way: &SignInWay) -> Result<ExitCode> {
    print::line(&way.says)?;
    let mut heads = client.heads().await?;
    client.call(&Request::SignIn { agent: agent.clone(), way: way.way.clone() }).await?;
    let mut told: Option<SignInState> = None;
    // One reader at a time: a second one would take the line that the first one waits for.
    let mut typing: Option<Typing> = None;
    loop {
        let row = row_of(client, agent).await?;
        let view = row.now.and_then(|now| now.sign_in).filter(|view| view.way == way.way);
        let Some(SignInView { state, .. }) = view else { bail!("the sign-in is gone; begin again") };
        if told.as_ref() != Some(&state) {
            tell(&state)?;
            told = Some(state.clone());
        }
        match state {
            SignInState::Done { .. } => return Ok(ExitCode::SUCCESS),
            SignInState::Failed { .. } => return Ok(ExitCode::FAILURE),
            SignInState::Yours { asks: Some(asks), .. } => {
                let line = match &mut typing {
                    Some(line) => line,
                    None => typing.insert(begin_to_ask(&format!("{asks}: "), false)?),
                };
                let typed = tokio::select! {
                    typed = line => typed.context("nothing can be typed")??.context("nothing was typed")?,
                    // The browser may have come back by itself, or the time is over.
                    next = heads.next() => {
                        next.context("the daemon went away")?;
                        continue;
                    }
                };
                typing = None;
                match client.call(&Request::SignInSay { agent: agent.clone(), text: typed }).await {
                    Ok(_) => {}
                    // Nothing was passed on: it is asked for once more.
                    Err(e) if is_bad_input(&e) => {
                        print::error(&e)?;
                        continue;
                    }
                    Err(e) => return Err(e),
                }
            }
            SignInState::Starting | SignInState::Yours { .. } | SignInState::Working => {}
        }
        heads.next().await.context("the daemon went away")?;
    }
}

fn is_bad_input(e: &anyhow::Error) -> bool {
    e.downcast_ref::<ApiError>().is_some_and(|e| e.code == Code::BadInput)
}

fn tell(state: &SignInState) -> Result<()> {
    match state {
        SignInState::Starting => print::line("starting its program"),
        SignInState::Working => print::line("its program is at work"),
        SignInState::Done { says } => print::line(&format!("signed in: {}", clean::line(says, 300))),
        SignInState::Failed { reason, next } => {
            print::line(&format!("not signed in: {}\n  next: {next}", clean::line(reason, 400)))
        }
        SignInState::Yours { url, code, callback, .. } => {
            url.iter().try_for_each(|url| print::line(&format!("open: {}", clean::line(url, 4000))))?;
            code.iter().try_for_each(|code| print::line(&format!("code: {}", clean::line(code, 100))))?;
            callback.iter().try_for_each(|port| {
                print::line(&format!("its program waits for the browser on port {port}"))
            })
        }
    }
}

pub async fn sign_out(client: &Client, agent: AgentId) -> Result<ExitCode> {
    let row = row_of(client, &agent).await?;
    if row.now.is_some_and(|now| now.ways.is_empty()) {
        bail!("{agent} needs no account");
    }
    client.call(&Request::SignOut { agent: agent.clone() }).await?;
    print::line(&format!("{agent} is signed out"))?;
    Ok(ExitCode::SUCCESS)
}

/// A line that somebody types.
type Typing = oneshot::Receiver<Result<Option<String>>>;

/// One line from the terminal, or from a script's pipe; none at its end.
async fn ask(prompt: &str, secret: bool) -> Result<Option<String>> {
    begin_to_ask(prompt, secret)?.await.context("nothing can be typed")?
}

/// The thread that waits for the line is not waited for at our end.
fn begin_to_ask(prompt: &str, secret: bool) -> Result<Typing> {
    let mut out = std::io::stdout().lock();
    write!(out, "{prompt}")?;
    out.flush()?;
    let (typed, line) = oneshot::channel();
    std::thread::Builder::new().name("keyboard".into()).spawn(move || typed.send(read_line(secret)))?;
    Ok(line)
}

fn read_line(secret: bool) -> Result<Option<String>> {
    let _quiet = if secret { Quiet::new()? } else { None };
    let mut line = String::new();
    if std::io::stdin().lock().read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Until it is dropped, the terminal does not show what is typed.
struct Quiet(Termios);

impl Quiet {
    fn new() -> Result<Option<Quiet>> {
        let stdin = std::io::stdin();
        if !isatty(&stdin) {
            return Ok(None);
        }
        let before = tcgetattr(&stdin).context("failed to ask the terminal")?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&stdin, OptionalActions::Flush, &quiet).context("failed to quiet the terminal")?;
        Ok(Some(Quiet(before)))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0);
        let _ = print::line("");
    }
}
