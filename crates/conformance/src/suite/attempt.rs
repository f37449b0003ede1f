//! One run of the driver: started, perhaps disturbed, and looked after when it is over.

use super::candidate::Candidate;
use super::case::{Case, Play};
use super::room::Room;
use super::row::Row;
use super::run::TOKEN;
use super::watch;
use crate::mcp::McpServer;
use crate::model::ModelServer;
use agents::{Control, Event, Job, RunEnd};
use protocol::AttemptId;
use protocol::fact::AskOption;
use std::convert::Infallible;
use std::io::{Error, Result};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// What a run needs around it.
pub struct Stage {
    pub room: Room,
    pub model: ModelServer,
    pub memory: Option<McpServer>,
}

/// Runs the agent once. What it leaves behind is written into the row.
pub async fn attempt(
    candidate: &Candidate,
    case: &Case,
    stage: &Stage,
    brief: &str,
    session: Option<String>,
    row: &mut Row,
) -> Result<RunEnd> {
    let id = new_id(candidate)?;
    let job = job(candidate, case, stage, brief, session, id.clone());
    let (events, told) = mpsc::channel(64);
    let (control, orders) = mpsc::channel(4);
    let place = stage.room.place();
    let canceller = (case.play == Play::CancelInTool).then(|| control.clone());
    let run = async {
        tokio::select! {
            end = agents::run(&stage.room.setup, job, events, orders) => end,
            never = disturb(canceller, &stage.room) => match never {},
        }
    };
    let (end, noticed) = tokio::join!(run, listen(case.play, told, control, &id, place));
    // For the one who asks why; it goes with the folder.
    std::fs::write(place.join(format!("{id}.txt")), &noticed.told)?;
    if matches!(case.play, Play::Allow | Play::Answer(_)) && noticed.asked == 0 {
        row.wrong.push("it did not ask".into());
    }
    if !noticed.mark {
        row.wrong.push(format!("no process with {} was seen while it ran", watch::MARK));
    }
    row.leftovers.extend(watch::processes(id.as_str(), place));
    let runtime = &stage.room.setup.runtime;
    for folder in ["tmp", "attempts"] {
        row.leftovers.extend(watch::files(&runtime.join(folder)));
    }
    Ok(end)
}

fn job(
    candidate: &Candidate,
    case: &Case,
    stage: &Stage,
    brief: &str,
    session: Option<String>,
    attempt: AttemptId,
) -> Job {
    Job {
        attempt,
        agent: candidate.agent.clone(),
        worktree: stage.room.tree.clone(),
        brief: brief.to_owned(),
        limits: case.limits,
        mcp: stage.memory.as_ref().map(memory).into_iter().collect(),
        resume: session,
        permissions: case.play.permissions(),
    }
}

fn memory(server: &McpServer) -> agents::McpServer {
    let headers = vec![("Authorization".to_owned(), format!("Bearer {TOKEN}"))];
    agents::McpServer { name: "memory".into(), url: server.url(), headers }
}

/// No two runs on this machine share an id, in whatever namespaces they are: the driver names control groups by it, and the
/// mark is looked for in all processes.
fn new_id(candidate: &Candidate) -> Result<AttemptId> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let id = format!("conformance-{}-{now:x}-{}-{n}", candidate.agent, std::process::id());
    AttemptId::new(id).map_err(Error::other)
}

/// Cancels the run when its tool has begun, where the scenario says so; it is dropped when the run is over.
async fn disturb(canceller: Option<mpsc::Sender<Control>>, room: &Room) -> Infallible {
    if let Some(control) = canceller
        && room.tool_runs().await.is_ok()
    {
        // A run that is over cannot be cancelled, and its end says so.
        let _ = control.send(Control::Cancel).await;
    }
    std::future::pending().await
}

/// What was noticed while it ran.
#[derive(Debug, Default)]
struct Noticed {
    /// Its processes carried the mark.
    mark: bool,
    /// How often it asked whether it may.
    asked: u32,
    /// All that it told, line by line.
    told: String,
}

/// Reads what the run tells, to its end, and says to it what the scenario says.
async fn listen(
    play: Play,
    mut told: mpsc::Receiver<Event>,
    control: mpsc::Sender<Control>,
    id: &AttemptId,
    place: &Path,
) -> Noticed {
    let mut control = Some(control);
    let mut noticed = Noticed::default();
    let mut steered = false;
    while let Some(event) = told.recv().await {
        noticed.mark |= !noticed.mark && !watch::processes(id.as_str(), place).is_empty();
        noticed.told.push_str(&format!("{event:?}\n"));
        let order = match (play, event) {
            (Play::Steer(words), Event::Touched) if !steered => {
                steered = true;
                Control::Steer(words.to_owned())
            }
            (_, Event::Asked { ask, options, .. }) => {
                noticed.asked += 1;
                match play {
                    Play::Answer(None) => {
                        // There is nobody any more.
                        control = None;
                        continue;
                    }
                    Play::Answer(words) => {
                        Control::Answer { ask, option: None, text: words.map(str::to_owned) }
                    }
                    _ => yes(ask, &options),
                }
            }
            _ => continue,
        };
        if let Some(control) = &control {
            // A run that is over needs no order.
            let _ = control.send(order).await;
        }
    }
    noticed
}

/// The option that allows it once: one that allows it for good is written down somewhere, perhaps in the project. To a
/// question in words, a word.
fn yes(ask: String, options: &[AskOption]) -> Control {
    let named = |words: &[&str]| {
        let fits = |option: &&AskOption| {
            let told = format!("{} {}", option.id, option.label).to_lowercase();
            words.iter().any(|word| told.contains(word))
        };
        options.iter().find(fits)
    };
    let option = named(&["once"])
        .or_else(|| named(&["allow", "yes", "approve", "proceed"]))
        .or_else(|| options.first());
    let text = options.is_empty().then(|| "Yes.".to_owned());
    Control::Answer { ask, option: option.map(|option| option.id.clone()), text }
}
