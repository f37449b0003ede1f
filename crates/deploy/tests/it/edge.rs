//! Releases through the edge: switches, drains, crashes, restarts of the edge itself.

use crate::own_argv;
use crate::web::{DEADLINE, get, get_on_socket, raw, read_until, soon, text};
use deploy::edge::{
    EdgeClient, EdgeConfig, EdgeError, EdgeLaunch, EdgeState, Phase, Refusal, ReleaseSpec, ReleaseState,
    edge_main, spawn_edge,
};
use http_body_util::BodyExt;
use protocol::id::{ProjectId, ReleaseId};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

pub fn release(name: &str) -> ReleaseId {
    ReleaseId::new(name).unwrap()
}

pub fn shop() -> ProjectId {
    ProjectId::new("shop").unwrap()
}

/// An edge inside the test's own process.
pub struct Bench {
    pub dir: TempDir,
    pub client: EdgeClient,
    pub port: u16,
}

impl Bench {
    pub async fn new(change: impl FnOnce(&mut EdgeConfig)) -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let mut config = EdgeConfig::in_folder(dir.path());
        config.limits.grace = Duration::from_secs(1);
        change(&mut config);
        let client = EdgeClient::new(&config.control);
        tokio::spawn(async move { edge_main(config).await.unwrap() });
        until(&client, |_| true).await;
        let port = client.ensure_project(&shop(), None).await.unwrap();
        Bench { dir, client, port }
    }

    pub fn socket(&self, name: &str) -> PathBuf {
        self.dir.path().join("s").join(name)
    }

    pub fn spec(&self, name: &str) -> ReleaseSpec {
        app_spec(self.dir.path(), name)
    }

    pub async fn live(&self, name: &str) {
        self.client.start(self.spec(name)).await.unwrap();
        self.client.health(&release(name), "/healthz", DEADLINE).await.unwrap();
        self.client.switch(&shop(), &release(name)).await.unwrap();
    }
}

fn app_spec(dir: &std::path::Path, name: &str) -> ReleaseSpec {
    let env = [("TEST_ROLE", "app"), ("APP_NAME", name)].map(|(name, value)| (name.into(), value.into()));
    ReleaseSpec {
        release: release(name),
        project: shop(),
        argv: own_argv(),
        cwd: dir.to_owned(),
        env: env.into(),
        run_as: None,
        socket: Some(dir.join("s").join(name)),
        memory_mb: None,
    }
}

/// Asks until the edge's state is as wanted.
pub async fn until(client: &EdgeClient, wanted: impl Fn(&EdgeState) -> bool) -> EdgeState {
    soon(async {
        loop {
            if let Ok(state) = client.state().await
                && wanted(&state)
            {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

pub fn of<'a>(state: &'a EdgeState, name: &str) -> Option<&'a ReleaseState> {
    state.releases.iter().find(|state| state.release.as_str() == name)
}

fn refused(result: Result<(), EdgeError>) -> (Refusal, String) {
    match result {
        Err(EdgeError::Refused { why, says }) => (why, says),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_of_32_clients_fails_while_releases_switch_20_times() {
    let bench = Bench::new(|_| {}).await;
    bench.live("r0").await;
    let (done, stop) = tokio::sync::watch::channel(false);
    let clients: Vec<_> = (0..32).map(|_| tokio::spawn(keep_asking(bench.port, stop.clone()))).collect();
    for number in 1..=20 {
        bench.live(&format!("r{number}")).await;
    }
    done.send(true).unwrap();
    let mut asked = 0;
    for client in clients {
        let (ok, failed) = soon(client).await.unwrap();
        assert_eq!(failed, Vec::<String>::new());
        asked += ok;
    }
    assert!(asked > 32 * 20, "only {asked} requests were made");
    assert_eq!(text(bench.port, "/").await, "r20");
    // All that were replaced have ended.
    until(&bench.client, |state| state.releases.len() == 1).await;
}

async fn keep_asking(port: u16, stop: tokio::sync::watch::Receiver<bool>) -> (u32, Vec<String>) {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    // One connection from first to last: a switch must not even cost a client its connection.
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (mut ok, mut failed) = (0, Vec::new());
    while !*stop.borrow() && failed.is_empty() {
        let asked = async {
            sender.ready().await?;
            let request = hyper::Request::get("/").header("host", "shop");
            let response = sender.send_request(request.body(String::new()).unwrap()).await?;
            let status = response.status();
            Ok::<_, hyper::Error>((status, response.into_body().collect().await?.to_bytes()))
        };
        match asked.await {
            Ok((status, body)) if status == 200 && body.starts_with(b"r") => ok += 1,
            other => failed.push(format!("{other:?}")),
        }
    }
    (ok, failed)
}

#[tokio::test]
async fn what_is_in_flight_ends_on_the_old_release_and_then_that_one_ends() {
    let bench = Bench::new(|_| {}).await;
    bench.live("old").await;
    let port = bench.port;
    let held = tokio::spawn(async move { text(port, "/hold").await });
    let mut events = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let seen = raw(&mut events, "GET /events HTTP/1.1\r\nhost: x\r\n\r\n", "data: old").await;
    assert!(seen.contains("data: old"), "the first event came while the stream is open: {seen}");
    let mut tunnel = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let upgrade = "GET /ws HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n";
    assert!(raw(&mut tunnel, upgrade, "\r\n\r\n").await.starts_with("HTTP/1.1 101"));
    until(&bench.client, |state| of(state, "old").unwrap().in_flight == 3).await;

    bench.live("new").await;
    assert_eq!(text(port, "/").await, "new");
    assert_eq!(raw(&mut tunnel, "still here", "STILL HERE").await, "STILL HERE");
    assert_eq!(of(&bench.client.state().await.unwrap(), "old").unwrap().phase, Phase::Draining);
    get_on_socket(&bench.socket("old"), "/let-go").await;
    assert_eq!(held.await.unwrap(), "old");
    assert!(read_until(&mut events, "data: end").await.contains("data: end"));
    assert!(of(&bench.client.state().await.unwrap(), "old").is_some(), "a web socket is still open");
    drop(tunnel);
    until(&bench.client, |state| of(state, "old").is_none()).await;
}

#[tokio::test]
async fn a_drain_has_a_limit() {
    let bench = Bench::new(|config| config.limits.drain = Duration::from_millis(50)).await;
    bench.live("old").await;
    let mut tunnel = TcpStream::connect(("127.0.0.1", bench.port)).await.unwrap();
    let upgrade = "GET /ws HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n";
    assert!(raw(&mut tunnel, upgrade, "\r\n\r\n").await.starts_with("HTTP/1.1 101"));
    bench.live("new").await;
    until(&bench.client, |state| of(state, "old").is_none()).await;
    assert_eq!(read_until(&mut tunnel, "never").await, "", "the web socket was closed");
}

#[tokio::test]
async fn a_release_that_drains_can_be_made_live_again() {
    let bench = Bench::new(|_| {}).await;
    bench.live("a").await;
    let port = bench.port;
    let held = tokio::spawn(async move { text(port, "/hold").await });
    until(&bench.client, |state| of(state, "a").unwrap().in_flight == 1).await;
    let before = of(&bench.client.state().await.unwrap(), "a").unwrap().pid;
    bench.live("b").await;
    bench.live("a").await;
    until(&bench.client, |state| of(state, "b").is_none()).await;
    assert_eq!(text(port, "/").await, "a");
    assert_eq!(of(&bench.client.state().await.unwrap(), "a").unwrap().pid, before);
    get(port, "/let-go").await;
    assert_eq!(held.await.unwrap(), "a");
}

#[tokio::test]
async fn nothing_unhealthy_becomes_live() {
    let bench = Bench::new(|_| {}).await;
    assert_eq!(get(bench.port, "/").await.status(), 503);
    assert!(text(bench.port, "/").await.contains("Nothing is live yet"));
    let (why, _) = refused(bench.client.switch(&shop(), &release("never")).await);
    assert_eq!(why, Refusal::Unknown);
    bench.live("good").await;

    let mut sick = bench.spec("sick");
    sick.env.insert("APP_HEALTH".into(), "500".into());
    bench.client.start(sick).await.unwrap();
    let limit = Duration::from_millis(300);
    let (why, says) = refused(bench.client.health(&release("sick"), "/healthz", limit).await);
    assert_eq!(why, Refusal::NotHealthy);
    assert!(says.contains("500") || says.contains("No such file"), "{says}");
    assert_eq!(refused(bench.client.switch(&shop(), &release("sick")).await).0, Refusal::NotHealthy);

    let mut broken = bench.spec("broken");
    broken.argv = ["/bin/sh", "-c", "echo missing module; exit 4"].map(String::from).into();
    bench.client.start(broken).await.unwrap();
    // Told at once by its end, not by the limit.
    let (why, says) = refused(bench.client.health(&release("broken"), "/healthz", DEADLINE * 10).await);
    assert_eq!(why, Refusal::NotHealthy);
    assert!(says.contains("exit status: 4") && says.contains("missing module"), "{says}");
    assert_eq!(refused(bench.client.switch(&shop(), &release("broken")).await).0, Refusal::NotHealthy);

    let mut absent = bench.spec("absent");
    absent.argv = vec!["/no/such/program".into()];
    bench.client.start(absent).await.unwrap();
    let (_, says) = refused(bench.client.health(&release("absent"), "/healthz", DEADLINE * 10).await);
    assert!(says.contains("/no/such/program"), "{says}");
    assert_eq!(text(bench.port, "/").await, "good");
}

#[tokio::test]
async fn a_crashed_release_is_started_again_while_its_requests_wait() {
    let bench = Bench::new(|config| {
        config.limits.backoff = Duration::from_millis(200);
        config.limits.patience = DEADLINE;
    })
    .await;
    bench.live("app").await;
    assert_eq!(get(bench.port, "/crash").await.status(), 502);
    // Noticed, and now the pause before the next start.
    let state = until(&bench.client, |state| of(state, "app").unwrap().restarts == 1).await;
    assert_eq!(text(bench.port, "/").await, "app");
    let says = of(&state, "app").unwrap().says.clone().unwrap();
    assert!(says.contains("exit status: 7"), "{says}");
}

#[tokio::test]
async fn a_crash_loop_stays_down_until_somebody_starts_it() {
    let bench = Bench::new(|config| {
        config.limits.backoff = Duration::from_millis(1);
        config.limits.crashes = 2;
        config.limits.patience = DEADLINE;
    })
    .await;
    bench.live("app").await;
    for crash in 1..=3 {
        assert_eq!(get(bench.port, "/crash").await.status(), 502);
        // Else the next request could still be queued at the process that is going down.
        until(&bench.client, |state| {
            let app = of(state, "app").unwrap();
            app.restarts == crash || app.phase == Phase::Failed
        })
        .await;
    }
    let state = until(&bench.client, |state| of(state, "app").unwrap().phase == Phase::Failed).await;
    assert!(of(&state, "app").unwrap().says.as_ref().unwrap().contains("stays down"));
    assert_eq!(get(bench.port, "/").await.status(), 502);
    bench.live("app").await;
    assert_eq!(text(bench.port, "/").await, "app");
}

#[tokio::test]
async fn commands_said_twice_are_done_once() {
    let bench = Bench::new(|_| {}).await;
    assert_eq!(bench.client.ensure_project(&shop(), Some(1)).await.unwrap(), bench.port);
    bench.live("app").await;
    let pid = of(&bench.client.state().await.unwrap(), "app").unwrap().pid;
    bench.live("app").await;
    assert_eq!(of(&bench.client.state().await.unwrap(), "app").unwrap().pid, pid);
    bench.client.stop(&release("app")).await.unwrap();
    bench.client.stop(&release("app")).await.unwrap();
    assert!(bench.client.state().await.unwrap().releases.is_empty());
    assert_eq!(get(bench.port, "/").await.status(), 503);
}

#[tokio::test]
async fn an_app_without_a_socket_gets_a_port_and_no_app_gets_our_environment() {
    let bench = Bench::new(|_| {}).await;
    let mut spec = bench.spec("tcp");
    spec.socket = None;
    spec.memory_mb = Some(512);
    bench.client.start(spec).await.unwrap();
    bench.client.health(&release("tcp"), "/healthz", DEADLINE).await.unwrap();
    bench.client.switch(&shop(), &release("tcp")).await.unwrap();
    let env = text(bench.port, "/env").await;
    let env: BTreeMap<&str, &str> = env.lines().filter_map(|line| line.split_once('=')).collect();
    let names: Vec<&str> = env.keys().copied().collect();
    let known = ["APP_NAME", "HOME", "LOOPWRIGHT_RELEASE", "NODE_ENV", "PATH", "PORT", "TEST_ROLE"];
    assert_eq!(names, known);
    env["PORT"].parse::<u16>().unwrap();
}

#[tokio::test]
async fn a_stop_leaves_nothing_of_a_release_not_even_what_left_its_group() {
    let bench = Bench::new(|_| {}).await;
    let mut spec = bench.spec("forker");
    let own = own_argv().join(" ");
    spec.argv = vec!["/bin/sh".into(), "-c".into(), format!("setsid sleep 1000 & {own}")];
    bench.client.start(spec).await.unwrap();
    bench.client.health(&release("forker"), "/healthz", DEADLINE).await.unwrap();
    let mark = format!("LOOPWRIGHT_RELEASE=forker@{}", bench.dir.path().join("edge.json").display());
    assert!(marked(&mark) >= 2);
    bench.client.stop(&release("forker")).await.unwrap();
    assert_eq!(marked(&mark), 0);
}

pub fn marked(marker: &str) -> usize {
    let entries = std::fs::read_dir("/proc").unwrap();
    let environs = entries.filter_map(|entry| std::fs::read(entry.ok()?.path().join("environ")).ok());
    environs
        .filter(|environ| environ.split(|byte| *byte == 0).any(|entry| entry == marker.as_bytes()))
        .count()
}

#[tokio::test]
async fn an_app_may_be_another_user_who_owns_nothing_but_its_socket() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let bench = Bench::new(|_| {}).await;
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    open(bench.dir.path(), 0o711);
    // Where the tests were built may be closed to others.
    let own = bench.dir.path().join("app");
    std::fs::copy(std::env::current_exe().unwrap(), &own).unwrap();
    open(&own, 0o755);
    let mut spec = bench.spec("guest");
    spec.argv[0] = own.display().to_string();
    spec.run_as = Some(deploy::RunAs { uid: 65534, gid: 65534 });
    bench.client.start(spec.clone()).await.unwrap();
    bench.client.health(&release("guest"), "/healthz", DEADLINE).await.unwrap();
    bench.client.switch(&shop(), &release("guest")).await.unwrap();
    assert_eq!(text(bench.port, "/").await, "guest");
    let state = bench.client.state().await.unwrap();
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", of(&state, "guest").unwrap().pid.unwrap()));
    assert!(status.unwrap().contains("Uid:\t65534\t65534\t65534\t65534"));

    // A link of the app to a socket of somebody else leads nowhere.
    let foreign = bench.dir.path().join("foreign");
    let _listener = tokio::net::UnixListener::bind(&foreign).unwrap();
    std::fs::remove_file(bench.socket("guest")).unwrap();
    std::os::unix::fs::symlink(&foreign, bench.socket("guest")).unwrap();
    assert_eq!(get(bench.port, "/").await.status(), 502);
}

/// An edge as a process of its own, which the test may kill.
struct Detached {
    launch: EdgeLaunch,
    client: EdgeClient,
}

impl Detached {
    async fn new(dir: &std::path::Path) -> Detached {
        let folder = dir.display().to_string();
        let launch = EdgeLaunch {
            argv: own_argv(),
            env: [("TEST_ROLE", "edge"), ("TEST_FOLDER", &folder)].map(|(n, v)| (n.into(), v.into())).into(),
            control: dir.join("edge.sock"),
            log: dir.join("edge.log"),
            limit: DEADLINE,
        };
        let client = spawn_edge(&launch).await.unwrap();
        Detached { launch, client }
    }

    async fn pid(&self) -> i32 {
        self.client.state().await.unwrap().pid.try_into().unwrap()
    }

    async fn kill(&self) {
        let pid = rustix::process::Pid::from_raw(self.pid().await).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        soon(async {
            while self.client.state().await.is_ok() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_was_killed_comes_back_with_the_same_port_and_the_same_app() {
    let dir = tempfile::tempdir().unwrap();
    let edge = Detached::new(dir.path()).await;
    let port = edge.client.ensure_project(&shop(), None).await.unwrap();
    let spec = app_spec(dir.path(), "app");
    edge.client.start(spec).await.unwrap();
    edge.client.health(&release("app"), "/healthz", DEADLINE).await.unwrap();
    edge.client.switch(&shop(), &release("app")).await.unwrap();
    let pid = of(&edge.client.state().await.unwrap(), "app").unwrap().pid.unwrap();
    let session = rustix::process::getsid(rustix::process::Pid::from_raw(edge.pid().await)).unwrap();
    assert_eq!(session.as_raw_nonzero().get(), edge.pid().await, "Ctrl-C in our terminal does not reach it");

    // A second one on the same state is refused, and `spawn_edge` finds the first.
    let mut second = tokio::process::Command::new(&edge.launch.argv[0]);
    second.args(&edge.launch.argv[1..]).envs(edge.launch.env.clone());
    let output = soon(second.output()).await.unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("failed to start a second edge"), "{output:?}");
    let before = edge.pid().await;
    assert_eq!(spawn_edge(&edge.launch).await.unwrap().state().await.unwrap().pid as i32, before);

    edge.kill().await;
    spawn_edge(&edge.launch).await.unwrap();
    assert_eq!(text(port, "/").await, "app");
    let state = until(&edge.client, |state| of(state, "app").unwrap().pid.is_some()).await;
    assert_eq!(of(&state, "app").unwrap().pid, Some(pid), "the app was taken over, not started again");

    // With the app gone too, it is started again. Killed first: a living edge would do that itself.
    edge.kill().await;
    let app = rustix::process::Pid::from_raw(pid.try_into().unwrap()).unwrap();
    rustix::process::kill_process(app, rustix::process::Signal::KILL).unwrap();
    spawn_edge(&edge.launch).await.unwrap();
    assert_eq!(text(port, "/").await, "app");

    edge.client.quit().await.unwrap();
    let mark = format!("LOOPWRIGHT_RELEASE=app@{}", dir.path().join("edge.json").display());
    assert_eq!(marked(&mark), 0, "no app outlives an edge that was asked to end");

    // The port was taken meanwhile: another one, and said so.
    let _squatter = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    spawn_edge(&edge.launch).await.unwrap();
    let state = edge.client.state().await.unwrap();
    assert_ne!(state.projects[0].port, port);
    assert!(state.projects[0].says.as_ref().unwrap().contains(&port.to_string()));
    assert_eq!(text(state.projects[0].port, "/").await, "app");
    edge.client.quit().await.unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_release_can_gain_no_rights() {
    let bench = Bench::new(|_| ()).await;
    bench.live("one").await;
    let state = bench.client.state().await.unwrap();
    let pid = of(&state, "one").and_then(|one| one.pid).unwrap();
    let about = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    assert!(about.contains("NoNewPrivs:\t1"), "{about}");
    // The number is the program's own, not that of a shell around it.
    let program = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap();
    assert_eq!(program, std::env::current_exe().unwrap());
}
