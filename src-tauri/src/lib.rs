//! Loopwright's desktop program. It composes the rooms below and holds no logic of the loop: what is asked of a workspace
//! goes to its daemon (`remote`), or is answered from the copy on this computer (`mirror`).
//!
//! - [`desk`]: the workspaces side by side, what may be asked, the settings. Knows no window.
//! - [`vault`]: secrets, in the system's keychain or in a file under a passphrase. Never plain.
//! - [`window`]: the window, the tray, previews, links, notifications, updates. The only room that knows Tauri.
//!
//! Invariants: a request for one workspace is never answered by another one; a window but the main one has no capability;
//! nothing that goes wrong in here keeps the window from opening.

pub mod config;
pub mod desk;
pub mod vault;
pub mod window;
