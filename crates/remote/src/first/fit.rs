//! Whether a server can take the program at all, before a byte of it is sent.

use super::obstacle;
use super::root::no_rights;
use crate::upload::Program;
use protocol::setup::{Found, Obstacle, ObstacleKind, Rights};
use protocol::version::is_older;

/// The program twice (as it comes, and in its place) and some air.
const ROOM: u64 = 200 << 20;

pub(super) fn choose<'a>(found: &Found, programs: &'a [Program]) -> Result<&'a Program, Obstacle> {
    if found.rights == Rights::None {
        return Err(no_rights(found));
    }
    if found.read_only {
        let cause = "the server's file system is read-only".to_owned();
        return Err(obstacle(
            ObstacleKind::ReadOnly,
            cause,
            "restart the server; if it stays so, its disk needs repair",
        ));
    }
    if let Some(free) = found.disk_free.filter(|free| *free < ROOM) {
        let cause =
            format!("the server has {} MB of disk left; {} MB are needed to begin", free >> 20, ROOM >> 20);
        return Err(obstacle(ObstacleKind::Disk, cause, "make room on the server's disk"));
    }
    let program = for_processor(found, programs)?;
    match &found.installed {
        Some(there) if is_older(&program.version, &there.version) => {
            let cause =
                format!("the server has version {}, this app brings {}", there.version, program.version);
            Err(obstacle(ObstacleKind::Newer, cause, "update this app"))
        }
        _ => Ok(program),
    }
}

fn for_processor<'a>(found: &Found, programs: &'a [Program]) -> Result<&'a Program, Obstacle> {
    let arch = found.arch.as_deref().unwrap_or("of an unknown kind");
    let program = programs.iter().find(|program| same(&program.arch) == same(arch));
    program.ok_or_else(|| {
        let cause = format!("the server's processor is {arch}, for which this app brings no program");
        obstacle(ObstacleKind::System, cause, "use a server with an x86-64 or a 64-bit ARM processor")
    })
}

/// One name for each processor.
fn same(arch: &str) -> &str {
    match arch {
        "amd64" | "x64" => "x86_64",
        "arm64" => "aarch64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upload::Source;
    use protocol::setup::Installed;

    fn program(arch: &str) -> Program {
        let source = Source::Bytes(bytes::Bytes::new());
        Program { source, sha256: String::new(), version: "0.2.0".into(), arch: arch.into() }
    }

    fn found() -> Found {
        Found { arch: Some("arm64".into()), rights: Rights::Sudo, ..Found::default() }
    }

    #[test]
    fn the_program_for_the_processor_is_taken_or_it_is_said_that_there_is_none() {
        let programs = [program("x86_64"), program("aarch64")];
        assert_eq!(choose(&found(), &programs).unwrap().arch, "aarch64");
        for arch in [Some("riscv64".to_owned()), None] {
            let refused = choose(&Found { arch, ..found() }, &programs).unwrap_err();
            assert_eq!(refused.kind, ObstacleKind::System);
        }
    }

    #[test]
    fn what_stands_in_the_way_is_told_before_anything_is_sent() {
        let programs = [program("aarch64")];
        let installed = |version: &str| Installed { version: version.into(), sha256: None, complete: true };
        let table = [
            (Found { rights: Rights::None, ..found() }, ObstacleKind::Rights),
            (Found { read_only: true, ..found() }, ObstacleKind::ReadOnly),
            (Found { disk_free: Some(1 << 20), ..found() }, ObstacleKind::Disk),
            (Found { installed: Some(installed("0.10.0")), ..found() }, ObstacleKind::Newer),
        ];
        for (found, kind) in table {
            assert_eq!(choose(&found, &programs).unwrap_err().kind, kind);
        }
        assert!(choose(&Found { installed: Some(installed("0.2.0")), ..found() }, &programs).is_ok());
    }
}
