//! Starting and stopping. The sockets answer first; the edge and the probes come after, so that a start is quick and a
//! slow part is visible instead of waited for.

use crate::context::{Daemon, Reads, Server};
use crate::home::Home;
use crate::previews::Previews;
use crate::remember::{self, Keeper, Remember};
use crate::roster::Roster;
use crate::session::Sessions;
use crate::settings::Settings;
use crate::shell::Shell;
use crate::writer::Writer;
use crate::{answer, bridges, edge, lightrag, names, print, releases, service, tools, users, web};
use anyhow::{Context, Result, bail};
use clap::Args;
use deploy::certificates::Authority;
use deploy::edge::{EdgeClient, EdgeConfig};
use journal::{Journal, Opening, Reader};
use protocol::Request;
use rustix::fs::FlockOperation;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The dashboard's port where nothing else is asked for.
const PORT: u16 = 9119;

#[derive(Debug, Args)]
pub struct Options {
    /// A workspace on this computer.
    #[arg(long)]
    local: bool,
    /// The dashboard's port on 127.0.0.1; another free one when it is taken.
    #[arg(long)]
    port: Option<u16>,
    /// First of the five ports of the agents' MCP servers on 127.0.0.1 (0: any free ones), or `off`.
    #[arg(long, value_name = "PORT|off")]
    bridges: Option<bridges::Ports>,
    /// Port of the memory's HTTP face on 127.0.0.1 (0: any free one), or `off`.
    #[arg(long, value_name = "PORT|off")]
    memory: Option<bridges::Ports>,
    /// The memory's embedding model, before what the settings say; `none`: words alone.
    #[arg(long)]
    model: Option<String>,
    /// Folder that holds `node` and `npm`.
    #[arg(long)]
    node: Option<PathBuf>,
    #[arg(long)]
    npm_cache: Option<PathBuf>,
    /// Folder of installed tools: agents are looked for in its `agents/bin`.
    #[arg(long)]
    tools: Option<PathBuf>,
    /// Starter of the first project: react, or static where there is no Node.
    #[arg(long)]
    starter: Option<String>,
    /// Make no project.
    #[arg(long)]
    no_project: bool,
    /// The control socket, elsewhere than in the workspace.
    #[arg(long)]
    control: Option<PathBuf>,
    /// A user who may use the control socket, too.
    #[arg(long, value_name = "USER")]
    desk: Option<String>,
    /// The edge is a service of its own, which somebody else starts.
    #[arg(long)]
    edge_unit: bool,
    /// Under which address the world sees the first project's site.
    #[arg(long, value_name = "URL", requires = "edge_unit")]
    site: Option<String>,
}

#[derive(Debug, Args)]
pub struct EdgeOptions {
    #[arg(long)]
    control: PathBuf,
    /// Folder of its state and logs.
    #[arg(long)]
    run: PathBuf,
    /// A service of its own: ports are handed over by systemd, and the sites go on when it is started again.
    #[arg(long)]
    unit: bool,
    /// The authority that is asked for certificates, by its ACME directory; Let's Encrypt where none is named.
    #[arg(long, value_name = "URL", env = "LOOPWRIGHT_ACME_DIRECTORY")]
    acme_directory: Option<String>,
    /// Certificates (PEM) that vouch for that authority's server, instead of those that the system trusts.
    #[arg(long, value_name = "FILE", env = "LOOPWRIGHT_ACME_ROOTS")]
    acme_roots: Option<PathBuf>,
}

static DASHBOARD: OnceLock<SocketAddr> = OnceLock::new();

/// The dashboard's address with a one-time key in its fragment, which no server and no log ever sees.
pub fn address(key: &str) -> String {
    let port = DASHBOARD.get().map_or(PORT, SocketAddr::port);
    format!("http://127.0.0.1:{port}/#key={key}")
}

pub fn serve(home: &Path, options: Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        .enable_all()
        .build()
        .context("failed to start the runtime")?;
    let served = runtime.block_on(run(home, options));
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    served
}

pub fn edge(options: EdgeOptions) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let usual = Authority::default();
    let authority = Authority {
        directory: options.acme_directory.unwrap_or(usual.directory),
        roots: options.acme_roots.or(usual.roots),
    };
    let config = EdgeConfig {
        authority,
        control: options.control,
        doors: if options.unit { service::doors()? } else { Vec::new() },
        leaves: options.unit,
        ready: service::ready,
        ..EdgeConfig::in_folder(&options.run)
    };
    runtime.block_on(deploy::edge::edge_main(config)).context("the edge failed")
}

async fn run(root: &Path, options: Options) -> Result<()> {
    let home = Home::prepare(root)?;
    let _only_one = lock(&home)?;
    home.prepare_sockets()?;
    let daemon = Arc::new(assemble(home, &options)?);
    daemon.yard.recover().await.context("failed to take over from an earlier daemon")?;
    if !options.no_project {
        first_project(&daemon, options.starter).await.context("failed to make the first project")?;
    }
    let desk = options.desk.as_deref().map(users::of_desk).transpose()?;
    let control = service::bind_control(&daemon.home, options.control.as_deref(), desk)?;
    let dashboard = bind_dashboard(options.port.or(daemon.settings.port).unwrap_or(PORT)).await?;
    let port = dashboard.local_addr()?.port();
    let _ = DASHBOARD.set(dashboard.local_addr()?);
    agents::adopt_orphans().context("failed to become the parent of orphans")?;
    tokio::spawn(crate::reaper::reap_orphans());
    let stop = daemon.stop.clone();
    let peers = Peers { listener: control, desk: desk.map(|(uid, _)| uid) };
    let on_socket = axum::serve(peers, web::control(daemon.clone()));
    let on_loopback = axum::serve(dashboard, web::dashboard(daemon.clone(), port));
    // Before a door opens: who sees it open may ask the daemon to end.
    let signal = signal();
    bridges::open(&daemon).await;
    lightrag::open(&daemon).await;
    if daemon.server.is_none() {
        // A service's output is kept in a log, where a key has no place.
        print::line(&format!("dashboard: {}", address(&daemon.sessions.link()?)))?;
    }
    let background = tokio::spawn(settle(daemon.clone()));
    service::ready();
    tokio::select! {
        served = async { tokio::try_join!(on_socket.into_future(), on_loopback.into_future()) } => { served?; }
        () = stop.cancelled() => info!("stopping: you asked for it"),
        () = signal => info!("stopping: a signal came"),
    }
    stop.cancel();
    background.abort();
    daemon.previews.stop_all().await;
    let _ = std::fs::remove_file(daemon.home.control());
    Ok(())
}

/// Listens from now on, not only once it is awaited.
fn signal() -> impl Future<Output = ()> {
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    async {
        match terminate {
            Ok(mut terminate) => tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            },
            Err(_) => drop(tokio::signal::ctrl_c().await),
        }
    }
}

fn lock(home: &Home) -> Result<File> {
    let path = home.lock();
    let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(&path)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            bail!(
                "a daemon serves {} already; use it, or stop it with `loopwrightd stop`",
                home.root().display()
            )
        }
        Err(e) => Err(e).with_context(|| format!("failed to lock {}", path.display())),
    }
}

/// Opens what is kept and puts the parts together. Nothing is started yet.
fn assemble(home: Home, options: &Options) -> Result<Daemon> {
    let root = rustix::process::geteuid().is_root();
    let users = if root { Some(users::of_root(Path::new("/etc/passwd"))?) } else { None };
    let settings = Settings::read(&home.settings())?;
    let fresh_id = &names::journal()?;
    let opening = Opening::Source { fresh_id, daemon: env!("CARGO_PKG_VERSION"), at: names::now() };
    let journal = Journal::open(&home.journal(), opening).map_err(explain)?;
    let reader = Reader::open(&home.journal()).context("failed to read the journal")?;
    let memory = open_memory(&home, &journal)?;
    let limits = settings.engine_limits(memory_of_machine());
    let enrichment = remember::enrich::Enrichment::new(
        settings.memory.enrich.as_ref(),
        &home.run().join("enrichment.json"),
        journal.id(),
        journal.head().0,
    )?;
    let elsewhere = remember::elsewhere::Elsewhere::new(&settings.memory, home.root(), journal.head().0)
        .map_err(anyhow::Error::msg)?;
    let memory_reader = memory.reader();
    let keeper = Keeper::start(memory, reader.clone(), journal.head().0)?;
    let writer = Writer::start(home.root().to_owned(), journal, reader.clone(), keeper.clone(), limits)?;
    let own_exe = service::own_exe()?;
    let models = remember::models::Models::new(
        home.models(),
        own_exe.clone(),
        options.model.clone(),
        &settings.memory,
        memory_of_machine(),
    )?;
    if let Some(tools) = &options.tools {
        tools::remember(&home, tools)?;
    }
    let agents_folder = tools::agents_folder(&home, options.tools.as_deref());
    let setup = tools::setup(&home, &agents_folder, options.node.clone(), &settings, users)?;
    let node = options.node.clone().or_else(|| folder_of("node", &setup.path));
    let previews = Previews::new(&settings, &setup.path);
    let yard = deploy::Yard {
        home: home.root().to_owned(),
        node,
        run_as_agent: users.map(|users| deploy::RunAs { uid: users.agent.0, gid: users.agent.1 }),
        run_as_app: users.map(|users| deploy::RunAs { uid: users.app.0, gid: users.app.1 }),
        npm_cache: options.npm_cache.clone(),
        proxies: tools::proxies(&tools::environment()),
        own_exe,
    };
    let live = tokio::sync::watch::Sender::new(());
    crate::accounts::load(&home, &setup.accounts);
    Ok(Daemon {
        reads: Reads::new(reader),
        memory: Remember::new(keeper, memory_reader),
        models: Arc::new(models),
        enrichment,
        edge: EdgeClient::new(home.edge_control()),
        sessions: Sessions::open(&home.sessions())?,
        bridges: bridges::Bridges::new(bridge_ports(options, &settings), home.bridge_token()),
        elsewhere,
        lightrag: lightrag::Face::new(memory_port(options, &settings), home.memory_key()),
        readiness: Roster::new(setup.clone(), live.clone()),
        sign_ins: Default::default(),
        runs: Default::default(),
        instructions: Default::default(),
        repository: Default::default(),
        live,
        stop: CancellationToken::new(),
        edge_settled: CancellationToken::new(),
        edge_wanted: tokio::sync::Mutex::new(true),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        local: options.local,
        server: options.edge_unit.then(|| Server { site: options.site.clone() }),
        home,
        settings,
        writer,
        yard,
        setup,
        agents_folder,
        jobs: Default::default(),
        previews,
    })
}

fn memory_of_machine() -> u64 {
    let machine = rustix::system::sysinfo();
    machine.totalram.saturating_mul(machine.mem_unit.into())
}

/// The command line first, then the settings.
fn bridge_ports(options: &Options, settings: &Settings) -> bridges::Ports {
    let set = &settings.bridges;
    let ours = if set.enabled { bridges::Ports::From(set.port) } else { bridges::Ports::Off };
    options.bridges.unwrap_or(ours)
}

/// The same for the memory's HTTP face.
fn memory_port(options: &Options, settings: &Settings) -> bridges::Ports {
    let set = &settings.memory;
    let ours = if set.http { bridges::Ports::From(set.port) } else { bridges::Ports::Off };
    options.memory.unwrap_or(ours)
}

fn explain(e: journal::Error) -> anyhow::Error {
    match e {
        journal::Error::NewerHome { found, known } => anyhow::anyhow!(
            "this home was made by a newer Loopwright (layout {found}, this one knows {known}); \
             use that version, or another folder with --home. Nothing was changed"
        ),
        other => anyhow::Error::new(other).context("failed to open the journal"),
    }
}

/// What an earlier version kept is taken away: nothing that is forgotten from now on would be forgotten there.
fn open_memory(home: &Home, journal: &Journal) -> Result<memory::Memory> {
    for file in home.memory_before() {
        match std::fs::remove_file(&file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(e).with_context(|| format!("failed to remove {}", file.display()));
            }
            Ok(()) | Err(_) => {}
        }
    }
    mirror::open_memory(&home.memory(), journal.id()).context("failed to open the memory")
}

/// The first folder that holds the program.
fn folder_of(program: &str, path: &[PathBuf]) -> Option<PathBuf> {
    path.iter().find(|dir| dir.join(program).is_file()).cloned()
}

async fn bind_dashboard(port: u16) -> Result<TcpListener> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => Ok(listener),
        Err(e) if e.kind() == std::io::ErrorKind::AddrInUse => {
            warn!("port {port} is taken; the dashboard gets another one");
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("failed to listen on 127.0.0.1")
        }
        Err(e) => Err(e).with_context(|| format!("failed to listen on 127.0.0.1:{port}")),
    }
}

/// Connections whose peer is this user, root, or the desktop's user; others are closed unread.
struct Peers {
    listener: UnixListener,
    desk: Option<u32>,
}

impl axum::serve::Listener for Peers {
    type Io = UnixStream;
    type Addr = tokio::net::unix::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = axum::serve::Listener::accept(&mut self.listener).await;
            let own = rustix::process::geteuid().as_raw();
            match stream.peer_cred() {
                Ok(peer) if peer.uid() == own || peer.uid() == 0 || Some(peer.uid()) == self.desk => {
                    return (stream, address);
                }
                Ok(peer) => warn!(uid = peer.uid(), "refused another user on the control socket"),
                Err(e) => warn!(error = %e, "refused a peer that could not be identified"),
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// What takes longer than a start may: the edge, then the loop itself and the first probe.
async fn settle(daemon: Arc<Daemon>) {
    if let Err(e) = edge::start(&daemon).await {
        warn!(error = %e, "failed to start the edge; sites cannot be switched until it runs");
    }
    daemon.edge_settled.cancel();
    tokio::spawn(edge::keep(daemon.clone()));
    if let Err(e) = releases::agree(&daemon).await {
        warn!(error = %e, "failed to bring a site to what was recorded");
    }
    let probing = daemon.clone();
    tokio::spawn(async move {
        crate::accounts::take_over(&probing).await;
        probing.readiness.current().await;
        probing.nudge();
    });
    tokio::spawn(prepare_packages(daemon.clone()));
    remember::start(&daemon);
    Shell::new(daemon).run().await;
}

/// Installs the packages of the projects' starters before anybody waits for them. Without a network this comes to
/// nothing, and the first build says so.
async fn prepare_packages(daemon: Arc<Daemon>) {
    let projects = daemon.reads.ask(|r| r.projects()).await.unwrap_or_default();
    let starters: std::collections::BTreeSet<String> = projects.into_iter().map(|p| p.starter).collect();
    for starter in starters.iter().filter(|_| daemon.yard.node.is_some()) {
        if let Err(e) = daemon.yard.prepare_deps(starter).await {
            warn!(error = %e, starter, "failed to install a starter's packages ahead of time");
        }
    }
}

/// A new workspace begins with one project, so that the first thing to do is to ask.
async fn first_project(daemon: &Arc<Daemon>, starter: Option<String>) -> Result<()> {
    if !daemon.reads.ask(|r| r.projects()).await?.is_empty() {
        return Ok(());
    }
    let starter =
        starter.unwrap_or_else(|| if daemon.yard.node.is_some() { "react" } else { "static" }.to_owned());
    let create = Request::CreateProject { name: "My site".into(), starter };
    answer::answer(daemon, create).await?;
    Ok(())
}
