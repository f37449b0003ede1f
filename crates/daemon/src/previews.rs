//! The live preview: one proxy that stays, one dev server behind it that follows the attempt at work. A picture of it
//! goes with each checkpoint where a Chromium is installed.

use crate::context::{Daemon, hold};
use crate::settings::{Screenshots, Settings};
use deploy::preview::{Preview, PreviewProxy, PreviewSpec, Target};
use deploy::screenshot::{ScreenshotSpec, find_chromium, screenshot};
use engine::effect::Run;
use protocol::{AttemptId, RequestId};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::OnceCell;
use tracing::warn;

/// A dev server that does not answer by then is not waited for any longer.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// A picture that takes longer than this is not worth the wait.
const PICTURE_LIMIT: Duration = Duration::from_secs(20);
const PICTURE_SIZE: (u32, u32) = (1280, 800);
const LOG_BYTES: u64 = 256 * 1024;

pub struct Previews {
    chromium: Option<PathBuf>,
    proxy: OnceCell<PreviewProxy>,
    /// Whose work is shown now.
    shown: Mutex<Option<Shown>>,
}

struct Shown {
    request: RequestId,
    attempt: AttemptId,
    /// Filled once the dev server answers; dropped, it is killed.
    server: Arc<tokio::sync::Mutex<Option<Preview>>>,
    starting: tokio::task::AbortHandle,
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.starting.abort();
    }
}

impl Previews {
    pub fn new(settings: &Settings, path: &[PathBuf]) -> Self {
        let chromium = match settings.screenshots {
            Screenshots::Auto => find_chromium(path),
            Screenshots::Off => None,
        };
        Self { chromium, proxy: OnceCell::new(), shown: Mutex::new(None) }
    }

    pub fn chromium(&self) -> Option<&Path> {
        self.chromium.as_deref()
    }

    /// An attempt begins to work: it is shown from now on, unless another one of its request is shown at work. A dev
    /// server takes memory, so there is one. Does not wait: the proxy says that it is starting.
    pub fn show(&self, daemon: &Arc<Daemon>, run: &Run) {
        let same =
            |shown: &Shown| shown.request == run.request && daemon.runs.control(&shown.attempt).is_some();
        if !hold(&self.shown).as_ref().is_some_and(same) {
            self.turn_to(daemon, run);
        }
    }

    /// An attempt has changed something: it is shown if the one that is shown has ended.
    pub fn show_if_free(&self, daemon: &Arc<Daemon>, run: &Run) {
        let taken =
            |shown: &Shown| shown.attempt == run.attempt || daemon.runs.control(&shown.attempt).is_some();
        if !hold(&self.shown).as_ref().is_some_and(taken) {
            self.turn_to(daemon, run);
        }
    }

    fn turn_to(&self, daemon: &Arc<Daemon>, run: &Run) {
        let server = Arc::new(tokio::sync::Mutex::new(None));
        let (daemon, of, place) = (daemon.clone(), run.clone(), server.clone());
        let starting = tokio::spawn(async move {
            if let Err(e) = start(&daemon, &of, &place).await {
                warn!(error = format!("{e:#}"), attempt = %of.attempt, "failed to start the preview");
            }
        });
        let shown = Shown {
            request: run.request.clone(),
            attempt: run.attempt.clone(),
            server,
            starting: starting.abort_handle(),
        };
        let before = hold(&self.shown).replace(shown);
        drop(before);
    }

    /// Where the work on this request can be seen, while it can.
    pub fn address(&self, request: &RequestId) -> Option<String> {
        let shows_it = hold(&self.shown).as_ref().is_some_and(|shown| &shown.request == request);
        let proxy = self.proxy.get().filter(|_| shows_it)?;
        Some(format!("http://{}/", proxy.address))
    }

    /// Ends the preview of a request that has ended.
    pub async fn hide(&self, request: &RequestId) {
        let taken = hold(&self.shown).take_if(|shown| &shown.request == request);
        self.end(taken).await;
    }

    pub async fn stop_all(&self) {
        let taken = hold(&self.shown).take();
        self.end(taken).await;
    }

    async fn end(&self, shown: Option<Shown>) {
        let Some(shown) = shown else { return };
        if let Some(proxy) = self.proxy.get() {
            proxy.show(Target::Nothing("The work has ended.".into()));
        }
        shown.starting.abort();
        let server = shown.server.lock().await.take();
        if let Some(server) = server {
            server.stop().await;
        }
    }

    /// A PNG of what the attempt looks like now, if that can be had.
    pub async fn picture(&self, daemon: &Daemon, attempt: &AttemptId) -> Option<Vec<u8>> {
        let chromium = self.chromium.clone()?;
        let server =
            hold(&self.shown).as_ref().filter(|s| &s.attempt == attempt).map(|s| s.server.clone())?;
        let url = format!("http://{}/", server.lock().await.as_ref()?.address);
        let spec = ScreenshotSpec {
            chromium,
            url,
            scratch: daemon.home.run(),
            width: PICTURE_SIZE.0,
            height: PICTURE_SIZE.1,
            run_as: daemon.yard.run_as_agent,
            limit: PICTURE_LIMIT,
        };
        match screenshot(&spec).await {
            Ok(png) => Some(png),
            Err(e) => {
                warn!(error = %e, "failed to take a picture of the preview");
                None
            }
        }
    }
}

async fn start(
    daemon: &Daemon,
    run: &Run,
    place: &tokio::sync::Mutex<Option<Preview>>,
) -> anyhow::Result<()> {
    let Some(plan) = daemon.yard.preview_plan(&run.project, &run.bench).await? else { return Ok(()) };
    // The first time in a home the packages are installed here, while the agent already works.
    daemon.yard.ensure_deps(&plan.cwd).await?;
    let proxy = daemon
        .previews
        .proxy
        .get_or_try_init(|| PreviewProxy::start(Ipv4Addr::LOCALHOST.into(), None))
        .await?;
    let spec = PreviewSpec {
        attempt: run.attempt.clone(),
        argv: plan.argv,
        cwd: plan.cwd,
        env: plan.env,
        run_as: daemon.yard.run_as_agent,
        ready_path: "/".into(),
        ready_limit: READY_LIMIT,
        grace: Duration::from_secs(2),
        log: daemon.home.run().join("preview.log"),
        log_bytes: LOG_BYTES,
    };
    let preview = Preview::start(spec, proxy).await?;
    *place.lock().await = Some(preview);
    daemon.nudge();
    Ok(())
}
