//! The table of projects and releases, and every command on it. One command changes it at a time; none waits inside.

mod domains;

use super::names::Names;
use super::state::{self, Saved, SavedDomain, SavedProject, SavedRelease};
use super::supervisor::{self, Running, Upstream};
use super::{
    EdgeConfig, EdgeError, EdgeState, Phase, ProjectState, Refusal, ReleaseSpec, ReleaseState, server,
};
use crate::certificates::{Certificates, Domain};
use crate::process::{self, Ending};
use crate::relay;
use arc_swap::ArcSwapOption;
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use protocol::id::{ProjectId, ReleaseId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, MutexGuard, Notify};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

#[derive(Clone)]
pub(super) struct Sites(Arc<Inner>);

struct Inner {
    config: Arc<EdgeConfig>,
    /// What the world's ports lead to: the first project's release.
    front: server::Target,
    names: Names,
    certificates: Certificates,
    table: Mutex<Table>,
    /// A release has another process, or none: to be saved.
    changed: Arc<Notify>,
    quit: CancellationToken,
    connections: TaskTracker,
    /// All releases have ended after that.
    over: CancellationToken,
}

#[derive(Default)]
struct Table {
    projects: BTreeMap<ProjectId, Site>,
    releases: BTreeMap<ReleaseId, Arc<Running>>,
    front: Option<ProjectId>,
    domains: BTreeMap<Domain, SavedDomain>,
}

struct Site {
    port: u16,
    live: Option<ReleaseId>,
    says: Option<String>,
    target: Arc<ArcSwapOption<Upstream>>,
}

impl Sites {
    pub(super) fn new(config: EdgeConfig) -> Sites {
        let quit = CancellationToken::new();
        let ours = config.https_door();
        let (folder, authority) = (config.certificates.clone(), config.authority.clone());
        let sites = Sites(Arc::new(Inner {
            config: Arc::new(config),
            front: Arc::new(ArcSwapOption::empty()),
            names: Names::default(),
            certificates: Certificates::new(folder, authority, ours, quit.clone()),
            table: Mutex::default(),
            changed: Arc::default(),
            quit,
            connections: TaskTracker::new(),
            over: CancellationToken::new(),
        }));
        tokio::spawn(save_changes(sites.clone()));
        sites
    }

    pub(super) async fn quit_asked(&self) {
        self.0.quit.cancelled().await;
    }

    pub(super) fn quit(&self) {
        self.0.quit.cancel();
    }

    /// Brings everything back that the state names: ports, and the live releases, taken over where they still run.
    pub(super) async fn restore(&self, saved: Saved) -> Result<(), EdgeError> {
        let mut table = self.0.table.lock().await;
        table.front = saved.front.clone();
        for (project, site) in &saved.projects {
            self.open(&mut table, project, Some(site.port)).await?;
        }
        let live: Vec<&ReleaseId> = saved.projects.values().filter_map(|site| site.live.as_ref()).collect();
        for (id, release) in &saved.releases {
            if !live.contains(&id) {
                end_leftover(release, &self.0.config).await;
                continue;
            }
            let SavedRelease { spec, port, process } = release.clone();
            let project = spec.project.clone();
            let running = Running::start(spec, port, Phase::Live, process, &self.0.config, self.changed())
                .map_err(EdgeError::io(format!("start {id} again")))?;
            if let Some(site) = table.projects.get_mut(&project) {
                site.live = Some(id.clone());
                site.target.store(Some(running.upstream.clone()));
            }
            table.releases.insert(id.clone(), running);
        }
        table.domains = saved.domains;
        self.see_to_names(&table);
        for (domain, saved) in &table.domains {
            self.0.certificates.keep(domain, saved.consent.clone());
        }
        self.save(&table)
    }

    pub(super) fn ready(&self) {
        (self.0.config.ready)();
    }

    fn changed(&self) -> Arc<Notify> {
        self.0.changed.clone()
    }

    fn save(&self, table: &Table) -> Result<(), EdgeError> {
        let path = &self.0.config.state;
        state::save(path, &table.to_saved()).map_err(EdgeError::io(format!("write {}", path.display())))
    }

    pub(super) async fn ensure_project(
        &self,
        project: &ProjectId,
        wish: Option<u16>,
    ) -> Result<u16, EdgeError> {
        let mut table = self.0.table.lock().await;
        if let Some(site) = table.projects.get(project) {
            return Ok(site.port);
        }
        let port = self.open(&mut table, project, wish).await?;
        self.save(&table)?;
        Ok(port)
    }

    async fn open(
        &self,
        table: &mut Table,
        project: &ProjectId,
        wish: Option<u16>,
    ) -> Result<u16, EdgeError> {
        let config = &self.0.config;
        let cannot = || EdgeError::io(format!("listen on {}", config.listen));
        let mut says = None;
        let mut listener = None;
        if let Some(port) = wish {
            match TcpListener::bind((config.listen, port)).await {
                Ok(bound) => listener = Some(bound),
                Err(cause) => {
                    says = Some(format!("port {port} could not be had ({cause}), so it is another one"))
                }
            }
        }
        let taken: Vec<u16> = table.projects.values().map(|site| site.port).collect();
        let mut ports = config.ports.clone().filter(|port| !taken.contains(port));
        while let (None, Some(port)) = (&listener, ports.next()) {
            listener = TcpListener::bind((config.listen, port)).await.ok();
        }
        let listener = match listener {
            Some(listener) => listener,
            None => TcpListener::bind((config.listen, 0)).await.map_err(cannot())?,
        };
        let port = listener.local_addr().map_err(cannot())?.port();
        if let Some(says) = &says {
            tracing::warn!(%project, port, %says, "a site moved to another port");
        }
        // The first project is the one that the world sees.
        let is_front = table.front.get_or_insert_with(|| project.clone()) == project;
        let target = if is_front { self.0.front.clone() } else { Arc::new(ArcSwapOption::empty()) };
        tokio::spawn(server::serve(listener, self.door(target.clone())));
        table.projects.insert(project.clone(), Site { port, live: None, says, target });
        Ok(port)
    }

    /// Starts a release that nobody sees yet.
    pub(super) async fn start(&self, spec: ReleaseSpec) -> Result<(), EdgeError> {
        loop {
            let mut table = self.0.table.lock().await;
            if !table.projects.contains_key(&spec.project) {
                return Err(EdgeError::refused(Refusal::Unknown, format!("no project {}", spec.project)));
            }
            let stopping = match table.releases.get(&spec.release) {
                Some(running) => match running.phase() {
                    Phase::Starting | Phase::Healthy | Phase::Live => return Ok(()),
                    Phase::Draining => {
                        running.upstream.in_flight.reopen();
                        running.set_phase(Phase::Healthy);
                        return Ok(());
                    }
                    Phase::Stopping => Some(running.clone()),
                    Phase::Failed => None,
                },
                None => None,
            };
            if let Some(running) = stopping {
                drop(table);
                running.ended().await;
                self.forget(&running).await;
                continue;
            }
            let id = spec.release.clone();
            let running = Running::start(spec, None, Phase::Starting, None, &self.0.config, self.changed())
                .map_err(EdgeError::io(format!("start {id}")))?;
            table.releases.insert(id, running);
            return Ok(());
        }
    }

    /// Waits until the release answers `path` with a status below 400.
    pub(super) async fn health(
        &self,
        release: &ReleaseId,
        path: &str,
        limit: Duration,
    ) -> Result<(), EdgeError> {
        let running = self.running(&*self.0.table.lock().await, release)?;
        let mut view = running.view.subscribe();
        let down =
            view.wait_for(|view| matches!(view.phase, Phase::Failed | Phase::Stopping | Phase::Draining));
        let mut last = String::from("it was not asked");
        let unhealthy = tokio::select! {
            () = answers(&running.upstream.peer, path, &mut last) => None,
            view = down => Some(view.ok().and_then(|view| view.says.clone()).unwrap_or("it was stopped".into())),
            () = tokio::time::sleep(limit) => Some(String::new()),
        };
        match unhealthy {
            None => {
                let _table = self.0.table.lock().await;
                if running.phase() == Phase::Starting {
                    running.set_phase(Phase::Healthy);
                }
                Ok(())
            }
            Some(says) if says.is_empty() => Err(EdgeError::refused(
                Refusal::NotHealthy,
                format!("{release} did not answer {path} within {} s: {last}", limit.as_secs_f32()),
            )),
            Some(says) => Err(EdgeError::refused(Refusal::NotHealthy, format!("{release} {says}"))),
        }
    }

    /// Makes a healthy release the live one; what was live drains. On the disk before it happens.
    pub(super) async fn switch(&self, project: &ProjectId, release: &ReleaseId) -> Result<(), EdgeError> {
        let mut table = self.0.table.lock().await;
        let running = self.running(&table, release)?;
        if &running.spec.project != project {
            let says = format!("{release} belongs to {}", running.spec.project);
            return Err(EdgeError::refused(Refusal::Invalid, says));
        }
        match running.phase() {
            Phase::Healthy | Phase::Live | Phase::Draining => {}
            Phase::Starting | Phase::Stopping | Phase::Failed => {
                let says = format!("{release} is not known to be healthy");
                return Err(EdgeError::refused(Refusal::NotHealthy, says));
            }
        }
        let old = self.set_live(&mut table, project, Some(release.clone()))?;
        running.upstream.in_flight.reopen();
        running.set_phase(Phase::Live);
        if let Some(site) = table.projects.get(project) {
            site.target.store(Some(running.upstream.clone()));
        }
        if let Some(old) = old.filter(|old| old.spec.release != *release) {
            old.set_phase(Phase::Draining);
            old.upstream.in_flight.close();
            tokio::spawn(drain(self.clone(), old));
        }
        Ok(())
    }

    /// Writes which release is live; returns the one that was.
    fn set_live(
        &self,
        table: &mut Table,
        project: &ProjectId,
        live: Option<ReleaseId>,
    ) -> Result<Option<Arc<Running>>, EdgeError> {
        let unknown = || EdgeError::refused(Refusal::Unknown, format!("no project {project}"));
        let site = table.projects.get_mut(project).ok_or_else(unknown)?;
        let before = std::mem::replace(&mut site.live, live);
        if before == site.live {
            return Ok(None);
        }
        if let Err(cause) = self.save(table) {
            if let Some(site) = table.projects.get_mut(project) {
                site.live = before;
            }
            return Err(cause);
        }
        Ok(before.and_then(|id| table.releases.get(&id).cloned()))
    }

    /// Ends a release, and takes it off its site if it was live. Returns when none of its processes is left.
    pub(super) async fn stop(&self, release: &ReleaseId) -> Result<(), EdgeError> {
        let running = {
            let mut table = self.0.table.lock().await;
            let Ok(running) = self.running(&table, release) else { return Ok(()) };
            let project = running.spec.project.clone();
            if table.projects.get(&project).is_some_and(|site| site.live.as_ref() == Some(release)) {
                self.set_live(&mut table, &project, None)?;
                if let Some(site) = table.projects.get(&project) {
                    site.target.store(None);
                }
            }
            running.stop();
            running
        };
        running.ended().await;
        self.forget(&running).await;
        Ok(())
    }

    async fn forget(&self, running: &Arc<Running>) {
        let mut table = self.0.table.lock().await;
        let id = &running.spec.release;
        if table.releases.get(id).is_some_and(|known| Arc::ptr_eq(known, running)) {
            table.releases.remove(id);
            self.0.changed.notify_one();
        }
    }

    fn running(&self, table: &Table, release: &ReleaseId) -> Result<Arc<Running>, EdgeError> {
        let unknown = || EdgeError::refused(Refusal::Unknown, format!("{release} was not started"));
        table.releases.get(release).cloned().ok_or_else(unknown)
    }

    pub(super) async fn state(&self) -> EdgeState {
        let table = self.0.table.lock().await;
        EdgeState {
            version: env!("CARGO_PKG_VERSION").into(),
            pid: std::process::id(),
            projects: table.projects.iter().map(|(id, site)| site.to_state(id)).collect(),
            releases: table.releases.values().map(|running| to_state(running)).collect(),
            front: table.front.clone(),
            domains: table.domains.iter().filter_map(|(name, saved)| self.to_domain(name, saved)).collect(),
        }
    }

    /// Takes no more requests and answers those that came. The releases go on where the next edge takes them over.
    pub(super) async fn leave(&self) {
        if !self.0.config.leaves {
            return self.end().await;
        }
        self.0.quit.cancel();
        self.0.connections.close();
        // Visitors wait at the ports meanwhile, so an endless answer is not waited for.
        let _ = tokio::time::timeout(self.0.config.limits.grace, self.0.connections.wait()).await;
    }

    /// Ends all releases; the state still names the live ones, so that the next edge starts them.
    pub(super) async fn end(&self) {
        self.0.quit.cancel();
        let releases: Vec<_> = {
            let table: MutexGuard<'_, Table> = self.0.table.lock().await;
            table.releases.values().cloned().collect()
        };
        for running in &releases {
            running.upstream.in_flight.close();
            // Long requests are not waited for: whoever ends the edge wants it gone now.
            let _ = tokio::time::timeout(self.0.config.limits.grace, running.upstream.in_flight.wait()).await;
            running.stop();
        }
        for running in &releases {
            running.ended().await;
        }
        self.0.over.cancel();
    }

    pub(super) async fn over(&self) {
        self.0.over.cancelled().await;
    }
}

impl Table {
    fn to_saved(&self) -> Saved {
        let projects = self
            .projects
            .iter()
            .map(|(id, site)| (id.clone(), SavedProject { port: site.port, live: site.live.clone() }));
        let releases = self.releases.iter().filter_map(|(id, running)| {
            let live = self.projects.values().any(|site| site.live.as_ref() == Some(id));
            let process = running.view.borrow().process;
            let saved = SavedRelease { spec: running.spec.clone(), port: running.port, process };
            (live || process.is_some()).then(|| (id.clone(), saved))
        });
        let (projects, releases) = (projects.collect(), releases.collect());
        Saved { version: 0, projects, releases, front: self.front.clone(), domains: self.domains.clone() }
    }
}

impl Site {
    fn to_state(&self, project: &ProjectId) -> ProjectState {
        ProjectState {
            project: project.clone(),
            port: self.port,
            live: self.live.clone(),
            says: self.says.clone(),
        }
    }
}

fn to_state(running: &Running) -> ReleaseState {
    let view = running.view.borrow();
    ReleaseState {
        release: running.spec.release.clone(),
        project: running.spec.project.clone(),
        phase: view.phase,
        pid: view.process.map(|process| process.pid),
        restarts: view.restarts,
        in_flight: running.upstream.in_flight.len(),
        says: view.says.clone(),
    }
}

/// Saves which processes there are whenever that changed. Not waited for by anyone: a process that the state does not
/// name is found by its marker.
async fn save_changes(sites: Sites) {
    loop {
        sites.0.changed.notified().await;
        let table = sites.0.table.lock().await;
        if let Err(cause) = sites.save(&table) {
            tracing::warn!(%cause, "the edge's state is not saved");
        }
    }
}

async fn drain(sites: Sites, old: Arc<Running>) {
    let mut view = old.view.subscribe();
    tokio::select! {
        () = old.upstream.in_flight.wait() => {}
        () = tokio::time::sleep(sites.0.config.limits.drain) => {}
        // Wanted again, or ended by itself.
        _ = view.wait_for(|view| view.phase != Phase::Draining) => {}
    }
    {
        // Under the lock, so that nobody makes it live again while it is being ended.
        let _table = sites.0.table.lock().await;
        match old.phase() {
            Phase::Draining => old.stop(),
            Phase::Stopping => {}
            Phase::Starting | Phase::Healthy | Phase::Live | Phase::Failed => return,
        }
    }
    old.ended().await;
    sites.forget(&old).await;
}

/// A release that drained when the edge before this one died: nobody asks it any more.
async fn end_leftover(release: &SavedRelease, config: &EdgeConfig) {
    if let Some(process) = release.process
        && Ending::of(process.pid, Some(process.started)).is_ok()
    {
        process::signal_group(process.pid, rustix::process::Signal::KILL);
    }
    supervisor::sweep(&release.spec.release, config).await;
}

/// Returns when the server answered well once. There is no event for "listens now" that works for every app, so it is
/// asked again, ever more seldom.
async fn answers(peer: &relay::Peer, path: &str, last: &mut String) {
    let mut pause = Duration::from_millis(5);
    loop {
        match tokio::time::timeout(Duration::from_secs(10), ask(peer, path)).await {
            Ok(Ok(status)) if status.as_u16() < 400 => return,
            Ok(Ok(status)) => *last = format!("it answered {status}"),
            Ok(Err(cause)) => *last = cause.to_string(),
            Err(_) => *last = "it took longer than 10 s".into(),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(250));
    }
}

async fn ask(peer: &relay::Peer, path: &str) -> Result<StatusCode, relay::BoxError> {
    let wire = relay::connect(peer).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(wire)).await?;
    tokio::spawn(connection);
    let request = Request::get(path)
        .header("host", "localhost")
        .header("connection", "close")
        .body(Empty::<bytes::Bytes>::new())?;
    Ok(sender.send_request(request).await?.status())
}
