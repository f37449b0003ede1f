//! What `app.toml` says of one commit, turned into what the edge and the preview are told: which program, where, with
//! which environment. Joins the manifest with release folders and packages.

use crate::deps::Deps;
use crate::edge::EdgeConfig;
use crate::error::{Error, Result};
use crate::leftovers::WORK;
use crate::manifest::Manifest;
use crate::release::{self, StageSpec};
use crate::yard::Yard;
use protocol::{AttemptId, CommitId, ProjectId, ReleaseId};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Releases that are kept beside the live one.
const KEPT: usize = 5;
/// The largest release, bytes.
const MOST: u64 = 1 << 30;

/// How a staged release is started and asked for its health.
#[derive(Debug, Clone)]
pub struct StartPlan {
    pub argv: Vec<String>,
    pub cwd: PathBuf,
    pub env: BTreeMap<String, String>,
    pub memory_mb: Option<u64>,
    pub health_path: String,
    pub health_timeout: Duration,
}

/// How a worktree's dev server is started; `{port}` is still in the arguments.
#[derive(Debug, Clone)]
pub struct PreviewPlan {
    pub argv: Vec<String>,
    pub cwd: PathBuf,
    pub env: BTreeMap<String, String>,
}

impl Yard {
    fn releases_dir(&self, project: &ProjectId) -> PathBuf {
        self.project_dir(project).join("releases")
    }

    /// Copies what the manifest names out of the built worktree into the release's own folder.
    pub async fn stage(
        &self,
        project: &ProjectId,
        attempt: &AttemptId,
        release: &ReleaseId,
        commit: &CommitId,
    ) -> Result<PathBuf> {
        let manifest = self.manifest(project, commit.as_str()).await?;
        let releases = self.releases_dir(project);
        crate::yard::make_dir(&releases)?;
        crate::yard::guard(&self.project_dir(project))?;
        // Asked for by what the lockfile says: the link in the worktree is the agent's to change.
        let packages = match self.ensure_deps(&self.worktree_dir(project, attempt).join("app")).await? {
            Deps::Ready(dir) => Some((PathBuf::from("app/node_modules"), dir)),
            Deps::None => None,
            Deps::Refused { summary, .. } => return Err(Error::Deps(summary)),
        };
        let plan = serde_json::to_vec_pretty(&Kept::of(&manifest))
            .map_err(|e| Error::io("write the plan")(e.into()))?;
        let spec = StageSpec {
            worktree: self.worktree_dir(project, attempt),
            files: manifest.start.files.iter().map(|file| PathBuf::from("app").join(file)).collect(),
            releases,
            release: release.clone(),
            node_modules: packages,
            // The start command belongs to the release: a later app.toml must not change how an old one is started.
            ours: vec![(PLAN.into(), plan)],
            most: MOST,
            readers: self.run_as_app.map(|app| app.gid),
        };
        blocking(move || release::stage(&spec)).await
    }

    pub fn is_staged(&self, project: &ProjectId, release: &ReleaseId) -> bool {
        self.releases_dir(project).join(release.as_str()).join(PLAN).is_file()
    }

    /// The releases that have a folder, oldest first.
    pub async fn staged(&self, project: &ProjectId) -> Result<Vec<ReleaseId>> {
        let releases = self.releases_dir(project);
        blocking(move || release::kept(&releases)).await
    }

    /// How a staged release is started.
    pub async fn start_plan(&self, project: &ProjectId, release: &ReleaseId) -> Result<StartPlan> {
        let place = self.releases_dir(project).join(release.as_str());
        let failed = |e: std::io::Error| Error::io(format!("read the plan of release {release}"))(e);
        let bytes = std::fs::read(place.join(PLAN)).map_err(failed)?;
        let kept: Kept = serde_json::from_slice(&bytes).map_err(|e| failed(e.into()))?;
        Ok(StartPlan {
            argv: self.filled(&kept.run),
            cwd: place.join("app"),
            env: self.node_env(),
            memory_mb: Some(kept.memory_mb),
            health_path: kept.health_path,
            health_timeout: Duration::from_secs(kept.health_timeout_s),
        })
    }

    /// How the worktree of an attempt is shown while it is worked on; `None` when the app has no preview.
    pub async fn preview_plan(
        &self,
        project: &ProjectId,
        attempt: &AttemptId,
    ) -> Result<Option<PreviewPlan>> {
        let manifest = self.manifest(project, "main").await?;
        Ok(manifest.preview.map(|preview| PreviewPlan {
            argv: self.filled(&preview.run),
            cwd: self.worktree_dir(project, attempt).join("app"),
            env: self
                .node_env()
                .into_iter()
                .chain([(WORK.to_owned(), self.home.display().to_string())])
                .collect(),
        }))
    }

    /// Removes old releases with their logs: those in `live` and the last five stay.
    pub async fn prune(&self, project: &ProjectId, live: Vec<ReleaseId>) -> Result<()> {
        let releases = self.releases_dir(project);
        let removed = blocking(move || release::prune(&releases, KEPT, &live)).await?;
        removed.iter().try_for_each(|release| self.remove_logs(release))
    }

    /// Removes a release that never served: it must not take the place of one that did among the last five.
    pub async fn unstage(&self, project: &ProjectId, release: &ReleaseId) -> Result<()> {
        let (releases, id) = (self.releases_dir(project), release.clone());
        blocking(move || release::unstage(&releases, &id)).await?;
        self.remove_logs(release)
    }

    fn remove_logs(&self, release: &ReleaseId) -> Result<()> {
        let logs = EdgeConfig::in_folder(&self.home.join("run")).logs;
        for end in ["log", "log.1", "pipe"] {
            let file = logs.join(format!("{release}.{end}"));
            match std::fs::remove_file(&file) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io(format!("remove {}", file.display()))(e));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// PATH with our Node first, so that `node` is the one that the packages were installed for.
    fn node_env(&self) -> BTreeMap<String, String> {
        let plain = crate::git::SYSTEM_PATH;
        let path =
            self.node.as_ref().map_or_else(|| plain.to_owned(), |node| format!("{}:{plain}", node.display()));
        BTreeMap::from([("PATH".to_owned(), path)])
    }
}

/// File in a release's folder that says how it is started.
const PLAN: &str = "release.json";

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Kept {
    run: Vec<String>,
    memory_mb: u64,
    health_path: String,
    health_timeout_s: u64,
}

impl Kept {
    fn of(manifest: &Manifest) -> Self {
        Self {
            run: manifest.start.run.clone(),
            memory_mb: manifest.start.memory_mb,
            health_path: manifest.health.path.clone(),
            health_timeout_s: manifest.health.timeout_s,
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::result::Result<T, release::ReleaseError> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|e| Error::io("finish the copy")(e.into()))?;
    Ok(done?)
}
