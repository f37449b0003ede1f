//! Wakes when something is written in a session's folder. Where the system cannot tell, nothing wakes, and the log is
//! read once at the run's end.

#[cfg(target_os = "linux")]
pub(super) use linux::Changes;
#[cfg(not(target_os = "linux"))]
pub(super) use other::Changes;

#[cfg(target_os = "linux")]
mod linux {
    use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
    use std::os::fd::OwnedFd;
    use std::path::Path;
    use tokio::io::unix::AsyncFd;

    pub struct Changes {
        watch: Option<AsyncFd<OwnedFd>>,
    }

    impl Changes {
        pub fn of(folder: Option<&Path>) -> Changes {
            Changes { watch: folder.and_then(|folder| watch(folder).ok()) }
        }

        /// Nothing is lost when the future is dropped.
        pub async fn next(&mut self) {
            let Some(watch) = &self.watch else { return std::future::pending().await };
            let Ok(mut ready) = watch.readable().await else { return std::future::pending().await };
            // What changed does not matter: the files are looked at.
            let mut events = [0u8; 4096];
            while rustix::io::read(watch.get_ref(), &mut events).is_ok_and(|count| count > 0) {}
            ready.clear_ready();
        }
    }

    #[expect(
        deprecated,
        reason = "the safe constructor; what it is warned of is a descriptor that does not own itself"
    )]
    fn watch(folder: &Path) -> std::io::Result<AsyncFd<OwnedFd>> {
        let fd = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let flags = WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::DONT_FOLLOW | WatchFlags::ONLYDIR;
        inotify::add_watch(&fd, folder, flags)?;
        // The agent itself; its sub-agents are read whenever it writes.
        inotify::add_watch(&fd, folder.join("main"), flags)?;
        AsyncFd::new(fd)
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::path::Path;

    pub struct Changes;

    impl Changes {
        pub fn of(_: Option<&Path>) -> Changes {
            Changes
        }

        pub async fn next(&mut self) {
            std::future::pending().await
        }
    }
}
