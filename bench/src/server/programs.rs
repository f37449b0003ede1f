//! The builds of the server's program: those of the bundle, which run on every Linux, else the one of this machine.

use anyhow::{Context, Result};
use bytes::Bytes;
use remote::{Program, Source};
use sha2::{Digest, Sha256};
use std::path::Path;
use testkit::workspace::built;

const ARCH: &str = std::env::consts::ARCH;

pub struct Shipped {
    bytes: Bytes,
    /// Which one it is, for people.
    pub said: &'static str,
}

impl Shipped {
    pub fn find() -> Result<Shipped> {
        let own = built("loopwrightd")?;
        let bundled = own
            .parent()
            .and_then(Path::parent)
            .map(|target| target.join("bundle").join("servers").join(format!("loopwrightd-{ARCH}")));
        let (file, said) = match bundled.filter(|file| file.is_file()) {
            Some(file) => (file, "the bundle's build"),
            None => (own, "this machine's release build"),
        };
        let bytes = std::fs::read(&file).with_context(|| format!("failed to read {}", file.display()))?;
        Ok(Shipped { bytes: bytes.into(), said })
    }

    pub fn megabytes(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "the size of a file")]
        let bytes = self.bytes.len() as f64;
        bytes / 1e6
    }

    pub fn program(&self) -> Program {
        of(self.bytes.clone())
    }

    /// The same program with another hash: a version to upgrade to.
    pub fn next(&self) -> Program {
        of([&self.bytes, b"\n".as_slice()].concat().into())
    }
}

fn of(bytes: Bytes) -> Program {
    let sha256 = protocol::hex(Sha256::digest(&bytes));
    Program {
        source: Source::Bytes(bytes),
        sha256,
        version: env!("CARGO_PKG_VERSION").into(),
        arch: ARCH.into(),
    }
}
