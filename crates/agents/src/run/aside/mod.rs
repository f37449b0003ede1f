//! What an agent tells beside the protocol: each call of its model, what it cost, and whether the service refused it.
//! Most of them try again in silence for minutes; here it is heard at once.

mod changes;
mod pipe;
mod session_log;
mod telemetry;

use crate::Setup;
use crate::launch;
use crate::profile::{self, Profile};
use pipe::Pipe;
use protocol::fact::ModelUsage;
use session_log::SessionLog;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

/// One thing that it told.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Told {
    /// A call of the model was answered.
    Answered(ModelUsage),
    /// A call was refused. `status` as in HTTP, where there is one.
    Refused { status: Option<u16>, words: String },
}

/// The listener of one run.
pub(super) struct Aside {
    told: mpsc::UnboundedReceiver<Told>,
    /// Gone once it was used.
    session: Option<oneshot::Sender<String>>,
    /// Dropped at the run's end: what is there already is still read.
    stop: Option<oneshot::Sender<()>>,
    _reader: Option<AbortOnDropHandle<()>>,
}

impl Aside {
    /// Begins to listen, and says with which variables the program must be started.
    pub fn open(
        setup: &Setup,
        profile: &Profile,
        resume: Option<&str>,
        tmp: &Path,
    ) -> io::Result<(Aside, Vec<(OsString, OsString)>)> {
        let (tell, told) = mpsc::unbounded_channel();
        let (session, opened) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let mut env = Vec::new();
        let reader = match profile.aside {
            profile::Aside::Nothing => None,
            profile::Aside::Telemetry { file, env: more } => {
                let path = tmp.join("telemetry");
                let pipe = Pipe::make(&path, setup.run_as)?;
                env.extend(more.iter().map(|(key, value)| (OsString::from(key), OsString::from(value))));
                env.push((file.into(), path.into_os_string()));
                Some(tokio::spawn(pipe.listen(telemetry::Reader::default(), tell, stopped)))
            }
            profile::Aside::SessionLog { variable, folder } => {
                let set = launch::variable(setup, profile, variable);
                let home = set.map_or_else(|| launch::home(setup, profile).join(folder), Into::into);
                Some(tokio::spawn(
                    SessionLog::new(home.join("sessions"), resume).listen(opened, tell, stopped),
                ))
            }
        };
        let reader = reader.map(AbortOnDropHandle::new);
        Ok((Aside { told, session: Some(session), stop: Some(stop), _reader: reader }, env))
    }

    /// The session is open, so that what belongs to it can be told from what does not.
    pub fn session(&mut self, id: &str) {
        if let Some(session) = self.session.take() {
            // A listener that does not care has dropped its end.
            let _ = session.send(id.to_owned());
        }
    }

    /// The next thing that it tells; `None`: nothing will come. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Told> {
        self.told.recv().await
    }

    /// All that was told until the program died.
    pub async fn rest(&mut self) -> Vec<Told> {
        self.stop.take();
        self.session.take();
        let mut rest = Vec::new();
        while let Some(told) = self.told.recv().await {
            rest.push(told);
        }
        rest
    }
}
