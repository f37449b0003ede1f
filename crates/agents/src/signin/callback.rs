//! The browser of another computer cannot come back to a port of this one. The address at which it ended is asked for
//! here in its place: on loopback, on the port of the program that waits, and nowhere else.

use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// For all of it: the program asks its vendor before it answers.
const LIMIT: Duration = Duration::from_secs(30);
/// To its last page it sends the browser on once or twice.
const MOST_REDIRECTS: usize = 4;
const MAX_ANSWER: u64 = 256 << 10;

/// Asks for the address, and follows where the program sends the browser within its own port. The error never holds the
/// address.
pub(super) async fn visit(port: u16, address: &str) -> Result<(), String> {
    let path = path_on(port, address)?;
    let visited = tokio::time::timeout(LIMIT, follow(port, path)).await;
    visited.unwrap_or_else(|_| Err("the program did not answer".to_owned()))
}

async fn follow(port: u16, mut path: String) -> Result<(), String> {
    for _ in 0..=MOST_REDIRECTS {
        let answer =
            get(port, &path).await.map_err(|error| format!("the program could not be reached: {error}"))?;
        let (status, location) = head(&answer).ok_or("the program gave no answer that we understand")?;
        match (status, location) {
            (300..=399, Some(location)) => match path_on(port, &location) {
                Ok(next) => path = next,
                // On to the vendor's own pages: the program has what it needs.
                Err(_) => return Ok(()),
            },
            (200..=399, _) => return Ok(()),
            (status, _) => return Err(format!("the program did not take it (it answered {status})")),
        }
    }
    Err("the program sends the browser round in circles".into())
}

/// The path with its query, if the address is on this port of this machine.
fn path_on(port: u16, address: &str) -> Result<String, String> {
    let wrong = || format!("that is no address on http://localhost:{port}/");
    if address.chars().any(|c| c.is_whitespace() || c.is_control() || !c.is_ascii()) {
        return Err(wrong());
    }
    if address.starts_with('/') && !address.starts_with("//") {
        return Ok(address.to_owned());
    }
    let rest = address.strip_prefix("http://").ok_or_else(wrong)?;
    let hosts = [format!("localhost:{port}"), format!("127.0.0.1:{port}")];
    let path = hosts.iter().find_map(|host| rest.strip_prefix(host.as_str())).ok_or_else(wrong)?;
    let path = path.split('#').next().unwrap_or_default();
    if path.starts_with('/') { Ok(path.to_owned()) } else { Err(wrong()) }
}

async fn get(port: u16, path: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // A program that ends right after its answer breaks the connection off: what came is what counts.
    let read = stream.take(MAX_ANSWER).read_to_end(&mut answer).await;
    if answer.is_empty() { read.map(|_| answer) } else { Ok(answer) }
}

/// Status and `Location` of an answer.
fn head(answer: &[u8]) -> Option<(u16, Option<String>)> {
    let text = String::from_utf8_lossy(answer);
    let head = text.split("\r\n\r\n").next()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let status =
        first.next().filter(|version| version.starts_with("HTTP/1.")).and(first.next())?.parse().ok()?;
    let location = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("location").then(|| value.trim().to_owned())
    });
    Some((status, location))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::net::TcpListener;

    #[test]
    fn only_loopback_and_only_that_port() {
        assert_eq!(
            path_on(1455, "http://localhost:1455/auth/callback?code=a&state=b#x").unwrap(),
            "/auth/callback?code=a&state=b"
        );
        assert_eq!(path_on(1455, "http://127.0.0.1:1455/success").unwrap(), "/success");
        for address in [
            "http://localhost:1456/auth/callback",
            "http://localhost:14550/auth/callback",
            "https://localhost:1455/auth/callback",
            "http://localhost:1455@evil.test/",
            "http://evil.test/?http://localhost:1455/",
            "http://localhost:1455",
            "//evil.test/",
            "http://localhost:1455/a b",
            "http://localhost:1455/a\r\nX: y",
            "4/0AbCd",
        ] {
            assert!(path_on(1455, address).is_err(), "{address}");
        }
    }

    /// Answers each request with the next of these.
    async fn server(answers: Vec<&'static str>) -> (u16, tokio::task::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            let mut asked = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).await.unwrap();
                asked.push(String::from_utf8_lossy(&request[..read]).lines().next().unwrap().to_owned());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            asked
        });
        (port, task)
    }

    #[tokio::test]
    async fn it_goes_where_the_browser_would() {
        let on = "HTTP/1.1 302 Found\r\nlocation: /success?id=1\r\n\r\n";
        let (port, asked) = server(vec![on, "HTTP/1.1 200 OK\r\n\r\nYou may close this page"]).await;
        visit(port, &format!("http://localhost:{port}/auth/callback?code=c")).await.unwrap();
        let asked = asked.await.unwrap();
        assert_eq!(asked, ["GET /auth/callback?code=c HTTP/1.1", "GET /success?id=1 HTTP/1.1"]);
        let (port, _asked) = server(vec!["HTTP/1.1 400 Bad Request\r\n\r\n"]).await;
        let refused =
            visit(port, &format!("http://localhost:{port}/auth/callback?code=SECRET")).await.unwrap_err();
        assert!(refused.contains("400") && !refused.contains("SECRET"), "{refused}");
    }

    proptest! {
        #[test]
        fn no_answer_is_too_strange(answer: Vec<u8>, address: String) {
            head(&answer);
            if let Ok(path) = path_on(1455, &address) {
                prop_assert!(path.starts_with('/') && !path.contains(['\r', '\n', ' ']));
            }
        }
    }
}
