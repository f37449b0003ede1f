//! Build and test: the app's own programs from `app.toml`, run under limits on exactly the commit that passed the gate.

use crate::deps::Deps;
use crate::error::{Error, Result};
use crate::hands::give;
use crate::manifest::{self, Manifest, Steps};
use crate::run::{Ended, Ran, Run, relevant};
use crate::yard::{Yard, make_dir, remove_all, write};
use protocol::fact::CheckKind;
use protocol::{AttemptId, CommitId, ProjectId};
use std::path::Path;
use std::time::Instant;

#[derive(Debug, Clone)]
pub struct CheckOutcome {
    pub passed: bool,
    /// One line.
    pub summary: String,
    /// What of the log tells why it failed, at most 40 lines; empty when it passed.
    pub lines: Vec<String>,
    /// All that was printed; the middle of a very long one is left out.
    pub log: Vec<u8>,
}

/// The commit that a worktree was built from, noted where the agent cannot write.
pub(crate) const BUILT: &str = "loopwright-built";

impl Yard {
    /// Builds or tests `commit` in the attempt's worktree, which is made anew from it for a build. A failure is an
    /// outcome; an error means that the machine is at fault, and says nothing about the work.
    pub async fn check(
        &self,
        project: &ProjectId,
        attempt: &AttemptId,
        kind: CheckKind,
        commit: &CommitId,
    ) -> Result<CheckOutcome> {
        let begun = Instant::now();
        let mut sheet = Sheet { log: Vec::new(), failed: None };
        let manifest = match self.manifest(project, commit.as_str()).await {
            Ok(manifest) => manifest,
            Err(Error::Manifest(error)) => {
                sheet.fail(error.to_string(), vec![error.to_string()]);
                return Ok(sheet.outcome(kind, begun));
            }
            Err(error) => return Err(error),
        };
        match kind {
            CheckKind::Build => self.build(project, attempt, commit, &manifest, &mut sheet).await?,
            CheckKind::Test => {
                if !self.is_built(project, attempt, commit) {
                    self.build(project, attempt, commit, &manifest, &mut sheet).await?;
                }
                if sheet.failed.is_none() {
                    self.steps(project, attempt, &manifest.test, &mut sheet).await?;
                }
            }
            CheckKind::Gate | CheckKind::Health => return Err(Error::NotRunHere(kind.word())),
        }
        Ok(sheet.outcome(kind, begun))
    }

    /// `app.toml` at a commit (full hex) or at `main`.
    pub async fn manifest(&self, project: &ProjectId, at: &str) -> Result<Manifest> {
        let missing = || manifest::Error {
            line: 1,
            column: 1,
            message: "there is no app.toml; write one with [app] and [start]".into(),
        };
        let bytes = self.read(project, at, "app.toml").await?.ok_or_else(missing)?;
        Ok(manifest::parse(&String::from_utf8_lossy(&bytes))?)
    }

    /// A program of the manifest with `{loopwrightd}` filled in. `{port}`, which only a preview has, is left to who starts it.
    pub(crate) fn filled(&self, argv: &[String]) -> Vec<String> {
        let own = self.own_exe.to_string_lossy();
        argv.iter().map(|arg| arg.replace("{loopwrightd}", &own)).collect()
    }

    fn is_built(&self, project: &ProjectId, attempt: &AttemptId, commit: &CommitId) -> bool {
        let note = self.admin_dir(project, attempt).join(BUILT);
        std::fs::read_to_string(note).is_ok_and(|built| built == commit.as_str())
            && self.worktree_dir(project, attempt).is_dir()
    }

    async fn build(
        &self,
        project: &ProjectId,
        attempt: &AttemptId,
        commit: &CommitId,
        manifest: &Manifest,
        sheet: &mut Sheet,
    ) -> Result<()> {
        let root = self.reset_worktree(project, attempt, commit).await?;
        if manifest.deps.is_some()
            && let Deps::Refused { summary, lines, log } = self.ensure_deps(&root.join("app")).await?
        {
            sheet.log.extend_from_slice(&log);
            sheet.fail(summary, lines);
            return Ok(());
        }
        self.steps(project, attempt, &manifest.build, sheet).await?;
        if sheet.failed.is_none() {
            write(&self.admin_dir(project, attempt).join(BUILT), commit.as_str())?;
        }
        Ok(())
    }

    async fn steps(
        &self,
        project: &ProjectId,
        attempt: &AttemptId,
        steps: &Steps,
        sheet: &mut Sheet,
    ) -> Result<()> {
        let app = self.worktree_dir(project, attempt).join("app");
        let scratch = self.worktrees_dir(project).join(format!(".scratch-{attempt}"));
        let deadline = Instant::now() + steps.timeout();
        for argv in &steps.run {
            remove_all(&scratch)?;
            make_dir(&scratch)?;
            if let Some(agent) = self.run_as_agent {
                give(&scratch, agent)?;
            }
            let mut env = self.tool_env(&scratch)?;
            env.push(("NODE_ENV".into(), "production".into()));
            let run = Run {
                argv: self.filled(argv),
                cwd: app.clone(),
                env,
                run_as: self.run_as_agent,
                timeout: deadline.saturating_duration_since(Instant::now()),
                memory_mb: steps.memory_mb,
            };
            let ran = run.run().await;
            remove_all(&scratch)?;
            sheet.step(argv, &ran?, steps, &app);
            if sheet.failed.is_some() {
                break;
            }
        }
        Ok(())
    }
}

/// What is written down while a check runs.
struct Sheet {
    log: Vec<u8>,
    failed: Option<(String, Vec<String>)>,
}

impl Sheet {
    fn fail(&mut self, summary: String, lines: Vec<String>) {
        self.failed = Some((summary, lines));
    }

    fn step(&mut self, argv: &[String], ran: &Ran, steps: &Steps, app: &Path) {
        let shown = argv.join(" ");
        self.log.extend_from_slice(format!("$ {shown}\n").as_bytes());
        self.log.extend_from_slice(&ran.log);
        let why = match &ran.ended {
            Ended::Exit(0) => return,
            Ended::Exit(code) => format!("ended with exit code {code}"),
            Ended::Signal(signal) => format!("was ended by signal {signal}"),
            Ended::TimedOut => format!("took longer than {} s and was stopped", steps.timeout_s),
            Ended::OutOfMemory => format!("ran out of memory: needed more than {} MB", steps.memory_mb),
            Ended::NotFound => "is not a program here".into(),
        };
        let lines = relevant(&ran.log, &app.to_string_lossy());
        self.fail(format!("{shown} {why}"), lines);
    }

    fn outcome(self, kind: CheckKind, begun: Instant) -> CheckOutcome {
        let took = begun.elapsed().as_secs_f64();
        let (passed, summary, lines) = match self.failed {
            None => (true, format!("{} passed in {took:.1} s", kind.word()), Vec::new()),
            Some((summary, lines)) => (false, summary, lines),
        };
        CheckOutcome { passed, summary, lines, log: self.log }
    }
}
