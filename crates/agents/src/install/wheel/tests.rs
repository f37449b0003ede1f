use super::*;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// What the index does with the wheel.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Whole,
    /// Half of what was asked for, then the connection ends.
    Half,
    /// It knows nothing of ranges.
    WithoutRanges,
    Missing,
    Refused,
}

/// An index on loopback with one wheel, and what it was asked.
struct Index {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    way: Arc<Mutex<Way>>,
}

fn index(wheel: Vec<u8>, way: Way) -> Index {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/simple", listener.local_addr().unwrap());
    let (asked, way) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(way)));
    let (told, ways) = (asked.clone(), way.clone());
    // It ends with the test's process.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let lines: Vec<String> = BufReader::new(stream.try_clone().unwrap())
                .lines()
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .collect();
            let path = lines[0].split(' ').nth(1).unwrap().to_owned();
            let from = lines.iter().find_map(|line| line.strip_prefix("range: bytes=")?.strip_suffix('-'));
            told.lock().unwrap().push(format!("{path} {}", from.unwrap_or("whole")));
            let way = *ways.lock().unwrap();
            let from = from.filter(|_| way != Way::WithoutRanges).map_or(0, |from| from.parse().unwrap());
            let (status, body) = match (path.as_str(), way) {
                (_, Way::Refused) => ("403 Forbidden", Vec::new()),
                ("/simple/pack/", _) => ("200 OK", b"<a href=\"../../f/pack-1.whl\">x</a>".to_vec()),
                (_, Way::Missing) => ("404 Not Found", Vec::new()),
                _ if from > 0 => ("206 Partial Content", wheel[from..].to_vec()),
                _ => ("200 OK", wheel.clone()),
            };
            let head =
                format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            let half = way == Way::Half && path.starts_with("/f/");
            let sent = if half { &body[..body.len() / 2] } else { &body[..] };
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(sent));
        }
    });
    Index { url, asked, way }
}

fn bytes() -> Vec<u8> {
    (0..100_000u32).flat_map(u32::to_le_bytes).collect()
}

fn wheel(bytes: &[u8]) -> Wheel {
    let sha256 = protocol::hex(Sha256::digest(bytes));
    Wheel { package: "pack".into(), file: "pack-1.whl".into(), sha256, bytes: bytes.len() as u64 }
}

fn fetch(index: &Index, wheel: &Wheel, folder: &Path) -> Result<PathBuf, Error> {
    let env = BTreeMap::from([("PIP_INDEX_URL".to_owned(), index.url.clone())]);
    fetch_wheel(&Machine { env, ..Machine::default() }, None, wheel, folder, &|_| {})
}

#[test]
fn a_wheel_is_fetched_once() {
    let dir = tempfile::tempdir().unwrap();
    let index = index(bytes(), Way::Whole);
    for _ in 0..2 {
        let file = fetch(&index, &wheel(&bytes()), dir.path()).unwrap();
        assert_eq!(fs::read(file).unwrap(), bytes());
    }
    assert_eq!(*index.asked.lock().unwrap(), ["/simple/pack/ whole", "/f/pack-1.whl whole"]);
}

#[test]
fn a_connection_that_breaks_off_is_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let index = index(bytes(), Way::Half);
    let error = fetch(&index, &wheel(&bytes()), dir.path()).unwrap_err();
    assert!(error.to_string().contains("broke off") && error.next().contains("online"), "{error}");
    let asked = index.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 2 * TRIES as usize, "{asked:?}");
    assert!(asked.last().unwrap().ends_with(" 350000"), "{asked:?}");
    *index.way.lock().unwrap() = Way::Whole;
    assert_eq!(fs::read(fetch(&index, &wheel(&bytes()), dir.path()).unwrap()).unwrap(), bytes());
    assert!(index.asked.lock().unwrap().last().unwrap().ends_with(" 375000"));
}

#[test]
fn an_index_without_ranges_gives_it_from_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let index = index(bytes(), Way::Half);
    fetch(&index, &wheel(&bytes()), dir.path()).unwrap_err();
    *index.way.lock().unwrap() = Way::WithoutRanges;
    assert_eq!(fs::read(fetch(&index, &wheel(&bytes()), dir.path()).unwrap()).unwrap(), bytes());
}

#[test]
fn another_file_under_its_name_is_refused_and_removed() {
    for other in [vec![7; 400_000], vec![7; 400_001], vec![7; 900_000]] {
        let dir = tempfile::tempdir().unwrap();
        let error = fetch(&index(other, Way::Whole), &wheel(&bytes()), dir.path()).unwrap_err();
        assert!(matches!(error, Error::NotTheFile { .. }), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}

#[test]
fn what_stands_in_the_way_is_told_with_the_next_step() {
    let dir = tempfile::tempdir().unwrap();
    for (way, says, next) in [
        (Way::Missing, "does not have it", "name an index that has it"),
        (Way::Refused, "403", "user and password"),
    ] {
        let error = fetch(&index(bytes(), way), &wheel(&bytes()), dir.path()).unwrap_err();
        assert!(error.to_string().contains(says) && error.next().contains(next), "{error}: {}", error.next());
    }
    let nowhere = fetch_wheel(&Machine::default(), None, &wheel(b""), dir.path(), &|_| {}).unwrap_err();
    assert!(matches!(nowhere, Error::NoIndex) && nowhere.next().contains("index"));
    let error = has_room(dir.path(), u64::MAX).unwrap_err();
    assert!(error.to_string().contains("MB are free") && error.next().contains("of room"), "{error}");
}
