//! Archives that want more than to be unpacked.

use super::registry::archive;
use super::*;
use crate::install::unpack::unpack;
use flate2::{Compression, write::GzEncoder};
use tar::{Builder, EntryType, Header};

/// An archive with one entry whose name stands there as it is, which a proper writer would refuse.
fn raw(name: &str, kind: EntryType, link: &str) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o4777);
    header.set_size(0);
    header.set_cksum();
    let mut tar = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    tar.append(&header, std::io::empty()).unwrap();
    tar.into_inner().unwrap().finish().unwrap()
}

fn unpacked(bytes: &[u8]) -> (tempfile::TempDir, Result<u64, Error>) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.tgz");
    fs::write(&file, bytes).unwrap();
    fs::create_dir(dir.path().join("in")).unwrap();
    let done = unpack(&file, &dir.path().join("in/package"), "bad@1.0.0");
    (dir, done)
}

#[test]
fn what_leads_out_or_is_no_plain_file_is_refused_by_name() {
    for (name, kind, link) in [
        ("package/../../out", EntryType::Regular, ""),
        ("../out", EntryType::Regular, ""),
        ("/out", EntryType::Regular, ""),
        ("package/../../out/", EntryType::Directory, ""),
        ("package/link", EntryType::Symlink, "../../out"),
        ("package/link", EntryType::Link, "/etc/passwd"),
        ("package/pipe", EntryType::Fifo, ""),
        ("package/disk", EntryType::Block, ""),
        ("package/tty", EntryType::Char, ""),
    ] {
        let (dir, done) = unpacked(&raw(name, kind, link));
        let error = done.expect_err(name);
        assert!(
            matches!(&error, Error::Hostile { package, .. } if package == "bad@1.0.0"),
            "{name}: {error}"
        );
        for out in ["out", "in/out"] {
            assert!(fs::symlink_metadata(dir.path().join(out)).is_err(), "{name} wrote {out}");
        }
    }
}

#[test]
fn an_archive_that_was_cut_is_damaged() {
    let whole = archive(&[("package/a", 0o644, &"words ".repeat(5000))]);
    for end in [0, 1, 10, whole.len() / 2] {
        let (_dir, done) = unpacked(&whole[..end]);
        assert!(matches!(done, Err(Error::Hostile { .. })), "cut at {end}: {done:?}");
    }
    assert!(unpacked(&whole).1.is_ok());
}

#[test]
fn rights_come_from_us_and_a_name_that_stands_there_twice_is_the_later_one() {
    let files =
        [("package/a", 0o4777, "first"), ("package/a", 0o666, "second"), ("x/deep/er/b", 0o711, "program")];
    let (dir, done) = unpacked(&archive(&files));
    done.unwrap();
    let at = |path: &str| dir.path().join("in/package").join(path);
    let mode = |path: &str| fs::metadata(at(path)).unwrap().mode() & 0o7777;
    assert_eq!(fs::read_to_string(at("a")).unwrap(), "second");
    assert_eq!((mode("a"), mode("deep/er/b"), mode("deep"), mode("deep/er")), (0o644, 0o755, 0o755, 0o755));
}
