//! The runs of agents in this process: where a word to one of them goes.

use crate::context::hold;
use agents::Control;
use protocol::{AttemptId, BlobId, RequestId};
use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use tokio::sync::mpsc;

#[derive(Default)]
pub struct Runs(Mutex<HashMap<AttemptId, Running>>);

struct Running {
    request: RequestId,
    control: mpsc::Sender<Control>,
    /// What the user said and this run was told, or was begun with: said twice, it would be done twice.
    told: BTreeSet<BlobId>,
}

impl Runs {
    pub fn begin(&self, run: &engine::effect::Run, control: mpsc::Sender<Control>) {
        let told = run.said.iter().map(|said| said.blob.clone()).collect();
        let running = Running { request: run.request.clone(), control, told };
        hold(&self.0).insert(run.attempt.clone(), running);
    }

    pub fn end(&self, attempt: &AttemptId) {
        hold(&self.0).remove(attempt);
    }

    /// The way to a running agent, if it runs here.
    pub fn control(&self, attempt: &AttemptId) -> Option<mpsc::Sender<Control>> {
        hold(&self.0).get(attempt).map(|run| run.control.clone())
    }

    pub fn of_request(&self, request: &RequestId) -> Vec<AttemptId> {
        let runs = hold(&self.0);
        runs.iter().filter(|(_, run)| run.request == *request).map(|(attempt, _)| attempt.clone()).collect()
    }

    /// Whether the run was not told these words yet; from now on it counts as told.
    pub fn is_news(&self, attempt: &AttemptId, said: &BlobId) -> bool {
        hold(&self.0).get_mut(attempt).is_some_and(|run| run.told.insert(said.clone()))
    }
}
