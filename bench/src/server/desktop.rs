//! The window: how soon it shows something after its start, and what it takes while nothing happens.

use super::driver::Driver;
use crate::process;
use crate::row::Row;
use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use testkit::Workspace;
use testkit::workspace::built;

const RUNS: usize = 5;
/// The page says itself when it was drawn for the first time, in milliseconds since the epoch.
const PAINTED: &str = "const paint = performance.getEntriesByType('paint').find(e => e.name === 'first-contentful-paint'); \
     return paint ? performance.timeOrigin + paint.startTime : null";
/// A request can be typed in: the local daemon was started and has answered.
const READY: &str = "return document.querySelector('[data-testid=ask-box]') ? Date.now() : null";

pub fn window() -> Result<Vec<Row>> {
    let program = built("loopwright")?;
    let (mut painted, mut ready, mut idle) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let start = Start::new(&program)?;
        painted.push(start.until(PAINTED)?);
        ready.push(start.until(READY)?);
        idle.push(start.at_rest()?);
    }
    let all = "release build, in a virtual display, a workspace and a profile that are new; what it reads of the disk may be in memory";
    let part = |which: fn(&Taken) -> f64| idle.iter().map(which).collect::<Vec<f64>>();
    Ok(vec![
        Row::median(
            "the window's start to its first paint",
            "ms",
            &painted,
            format!("from the making of the process to the page's own first-contentful-paint; {all}"),
        )
        .at_most(1000.0),
        Row::median(
            "the window's start to a request that can be typed",
            "ms",
            &ready,
            "the local daemon is started and its workspace made meanwhile; looked at every 10 ms",
        ),
        Row::median(
            "idle memory of the window",
            "MB",
            &part(|taken| taken.program + taken.page + taken.network),
            "proportional set size of the program and WebKit's processes, once unchanged for 1.5 s; the daemon is not part of it",
        ),
        Row::median("- of it: the program", "MB", &part(|taken| taken.program), "PSS"),
        Row::median("- of it: WebKit's page", "MB", &part(|taken| taken.page), "PSS"),
        Row::median("- of it: WebKit's network", "MB", &part(|taken| taken.network), "PSS"),
    ])
}

struct Taken {
    program: f64,
    page: f64,
    network: f64,
}

/// One start of the window. It ends before its folder does.
struct Start {
    driver: Driver,
    pid: u32,
    /// Milliseconds since the epoch.
    began: f64,
    _workspace: Workspace,
}

impl Start {
    fn new(program: &Path) -> Result<Start> {
        let workspace = Workspace::new()?;
        workspace.settings("screenshots = \"off\"\n")?;
        let daemon = workspace.copy_program(&built("loopwrightd")?)?;
        let driver = Driver::start(&workspace, &daemon, program)?;
        let pid =
            process::running(program, workspace.path())?.context("the window's process is not there")?;
        Ok(Start { driver, pid, began: began(pid)?, _workspace: workspace })
    }

    /// Milliseconds from the process's beginning to what the page says by a script.
    fn until(&self, script: &str) -> Result<f64> {
        Ok(self.driver.until(script)? - self.began)
    }

    fn at_rest(&self) -> Result<Taken> {
        let family = process::family(self.pid)?;
        let named = |part: &str| -> Vec<u32> {
            let is = |pid: &u32| process::name(*pid).is_some_and(|name| name.starts_with(part));
            family.iter().copied().filter(is).collect()
        };
        let (page, network) = (named("WebKitWebProces"), named("WebKitNetworkPr"));
        let all: Vec<u32> = [self.pid].into_iter().chain(page.clone()).chain(network.clone()).collect();
        process::settled(&all)?;
        let sum = |pids: &[u32]| pids.iter().map(|pid| process::proportional(*pid)).sum::<Result<f64>>();
        Ok(Taken { program: sum(&[self.pid])?, page: sum(&page)?, network: sum(&network)? })
    }
}

/// When a process was made, by the kernel, to a hundredth of a second.
fn began(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("no name in stat")?;
    let ticks: f64 = fields.split_whitespace().nth(19).context("no start in stat")?.parse()?;
    let boot = clock_gettime(ClockId::Boottime);
    let since_boot = Duration::new(u64::try_from(boot.tv_sec)?, u32::try_from(boot.tv_nsec)?);
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok((now - since_boot).as_secs_f64() * 1000.0 + ticks * 10.0)
}
