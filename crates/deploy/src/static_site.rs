//! A file server for plain sites: what `loopwrightd` runs for a project without a program of its own.
//!
//! Only files below the root are served, links included only when they lead to such a file; names that start with a dot
//! are nobody's business (`.well-known` excepted). `live` adds a script that reloads the page when a file changes.

use crate::relay::{self, Body, full, page, streamed};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header::{
    ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION, RANGE,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use notify::{RecursiveMode, Watcher};
use std::convert::Infallible;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncSeekExt, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;

const EVENTS: &str = "/__loopwright/live";
/// A page up to this size gets the reload script; a bigger one is no page that someone writes.
const PAGE_BYTES: u64 = 8 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum StaticError {
    #[error("serve the folder {}", .path.display())]
    Root { path: PathBuf, source: io::Error },
    #[error("listen on {at}")]
    Listen { at: String, source: io::Error },
    #[error("watch the folder {}", .path.display())]
    Watch { path: PathBuf, source: notify::Error },
}

#[derive(Debug)]
struct Site {
    root: PathBuf,
    /// Counts changes, from a number of this server's own; none: not live.
    changes: Option<watch::Receiver<u64>>,
}

/// Serves `root` until dropped. `port_or_socket`: digits are a port of 127.0.0.1, anything else a unix socket's path, as in
/// the PORT that the edge sets.
pub async fn serve_static(root: &Path, port_or_socket: &str, live: bool) -> Result<(), StaticError> {
    let root = root.canonicalize().map_err(|source| StaticError::Root { path: root.to_owned(), source })?;
    let watched = if live { Some(watch_folder(&root)?) } else { None };
    let changes = watched.as_ref().map(|(_, changes)| changes.clone());
    let site = Arc::new(Site { root, changes });
    let cannot = |source| StaticError::Listen { at: port_or_socket.to_owned(), source };
    if let Ok(port) = port_or_socket.parse::<u16>() {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(cannot)?;
        loop {
            if let Some((stream, _)) = accepted(listener.accept().await).await {
                tokio::spawn(connection(stream, site.clone()));
            }
        }
    }
    let listener = UnixListener::bind(port_or_socket).map_err(cannot)?;
    loop {
        if let Some((stream, _)) = accepted(listener.accept().await).await {
            tokio::spawn(connection(stream, site.clone()));
        }
    }
}

async fn accepted<T>(result: io::Result<T>) -> Option<T> {
    match result {
        Ok(accepted) => Some(accepted),
        Err(cause) => {
            tracing::debug!(%cause, "a connection was not accepted");
            tokio::time::sleep(Duration::from_millis(20)).await;
            None
        }
    }
}

type Watch = (notify::RecommendedWatcher, watch::Receiver<u64>);

fn watch_folder(root: &Path) -> Result<Watch, StaticError> {
    let failed = |source| StaticError::Watch { path: root.to_owned(), source };
    // No two servers count from the same number: a page of the one before is a page that has missed something.
    let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (tell, changes) = watch::channel(u64::try_from(started.as_micros()).unwrap_or_default());
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading is not a change; our own serving would reload for ever.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            tell.send_modify(|count| *count += 1);
        }
    })
    .map_err(failed)?;
    watcher.watch(root, RecursiveMode::Recursive).map_err(failed)?;
    Ok((watcher, changes))
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, site: Arc<Site>) {
    let service = service_fn(move |request| {
        let site = site.clone();
        async move { Ok::<_, Infallible>(answer(&request, &site).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(30))
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(cause) = served {
        tracing::debug!(%cause, "a connection ended early");
    }
}

async fn answer(request: &Request<Incoming>, site: &Site) -> Response<Body> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut refused =
            page(StatusCode::METHOD_NOT_ALLOWED, "Only for reading", "This is a plain site.", "");
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    let path = request.uri().path();
    if path == "/healthz" {
        return Response::new(full("ok\n"));
    }
    if let (Some(changes), EVENTS) = (&site.changes, path) {
        let seen = request.uri().query().and_then(|query| query.strip_prefix("seen=")?.parse().ok());
        return reloads(changes.clone(), seen);
    }
    match find(&site.root, path).await {
        Found::File(file) => match send(request, site, &file, StatusCode::OK).await {
            Ok(response) => response,
            Err(cause) => {
                tracing::debug!(%cause, "a file could not be sent");
                page(StatusCode::INTERNAL_SERVER_ERROR, "Unreadable", "This file cannot be read.", "")
            }
        },
        Found::Folder => redirect(request),
        Found::Nothing => missing(request, site).await,
    }
}

fn redirect(request: &Request<Incoming>) -> Response<Body> {
    // Collapsed, so that `//host` cannot become an address of another site.
    let path = format!("/{}/", request.uri().path().trim_matches('/'));
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut response = Response::new(relay::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    if let Ok(place) = HeaderValue::from_str(&format!("{path}{query}")) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

async fn missing(request: &Request<Incoming>, site: &Site) -> Response<Body> {
    let reload = site.changes.as_ref().map(|changes| script(*changes.borrow())).unwrap_or_default();
    if let Found::File(own) = find(&site.root, "/404.html").await
        && let Ok(response) = send(request, site, &own, StatusCode::NOT_FOUND).await
    {
        return response;
    }
    page(StatusCode::NOT_FOUND, "Not found", "There is no such page here.", &reload)
}

enum Found {
    File(PathBuf),
    /// Asked for without its closing slash.
    Folder,
    Nothing,
}

async fn find(root: &Path, path: &str) -> Found {
    let Some(parts) = parts_of(path) else { return Found::Nothing };
    let plain = parts.iter().fold(root.to_owned(), |place, part| place.join(part));
    // Canonical, so that neither dots nor a link lead outside.
    let inside = async |place: &Path| {
        let place = tokio::fs::canonicalize(place).await.ok().filter(|place| place.starts_with(root))?;
        let meta = tokio::fs::metadata(&place).await.ok()?;
        Some((place, meta))
    };
    match inside(&plain).await {
        Some((place, meta)) if meta.is_file() && !path.ends_with('/') => Found::File(place),
        Some((place, meta)) if meta.is_dir() => match inside(&place.join("index.html")).await {
            Some((index, meta)) if meta.is_file() && path.ends_with('/') => Found::File(index),
            Some((_, meta)) if meta.is_file() => Found::Folder,
            Some(_) | None => Found::Nothing,
        },
        Some(_) => Found::Nothing,
        None if parts.is_empty() || path.ends_with('/') => Found::Nothing,
        // `/about` for about.html.
        None => match inside(&plain.with_added_extension("html")).await {
            Some((place, meta)) if meta.is_file() => Found::File(place),
            Some(_) | None => Found::Nothing,
        },
    }
}

/// The path's names, decoded. None: not a path of ours.
fn parts_of(path: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let part = decode(part)?;
        let hidden = part.starts_with('.') && part != ".well-known";
        if hidden || part.contains(['/', '\\', '\0']) {
            return None;
        }
        parts.push(part);
    }
    Some(parts)
}

fn decode(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            u8::try_from(high * 16 + low).ok()?
        } else {
            byte
        });
    }
    String::from_utf8(bytes).ok()
}

async fn send(
    request: &Request<Incoming>,
    site: &Site,
    path: &Path,
    status: StatusCode,
) -> io::Result<Response<Body>> {
    // Before the file is read: what changes from here on is told to the page.
    let seen = site.changes.as_ref().map(|changes| *changes.borrow());
    let mut file = File::open(path).await?;
    let meta = file.metadata().await?;
    let modified = meta.modified()?;
    let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    let tag = format!("\"{:x}-{:x}\"", meta.len(), since.as_nanos());
    let date = httpdate::fmt_http_date(modified);
    let kind = mime(path);
    let mut response = Response::new(relay::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    if let Some(seen) = seen {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if kind.starts_with("text/html") && meta.len() <= PAGE_BYTES {
            let mut html = Vec::new();
            file.read_to_end(&mut html).await?;
            *response.body_mut() = full(with_script(&html, seen));
            return Ok(response);
        }
    } else {
        // Always asked again, hardly ever sent again: a release may change any file.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        insert(headers, ETAG, &tag);
        insert(headers, LAST_MODIFIED, &date);
    }
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if status == StatusCode::OK && unchanged(request.headers(), &tag, &date) {
        headers.remove(CONTENT_TYPE);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    let Some((from, size)) = part(request.headers(), meta.len(), &mut response) else { return Ok(response) };
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(size));
    if request.method() == Method::GET {
        file.seek(SeekFrom::Start(from)).await?;
        *response.body_mut() = streamed(pieces(file, size));
    }
    Ok(response)
}

/// Which bytes are sent, from where and how many, as the response's head then says. None: what was asked for lies beyond
/// the file's end.
fn part(asked: &HeaderMap, length: u64, response: &mut Response<Body>) -> Option<(u64, u64)> {
    match range_of(asked, length) {
        Asked::Part(from, size) if response.status() == StatusCode::OK => {
            let last = from + size - 1;
            insert(response.headers_mut(), CONTENT_RANGE, &format!("bytes {from}-{last}/{length}"));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            Some((from, size))
        }
        Asked::All | Asked::Part(..) => Some((0, length)),
        Asked::Beyond => {
            insert(response.headers_mut(), CONTENT_RANGE, &format!("bytes */{length}"));
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            None
        }
    }
}

fn insert(headers: &mut HeaderMap, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn unchanged(headers: &HeaderMap, tag: &str, date: &str) -> bool {
    match headers.get(IF_NONE_MATCH) {
        Some(tags) => tags.to_str().is_ok_and(|tags| {
            tags.split(',')
                .map(|known| known.trim().trim_start_matches("W/"))
                .any(|known| known == tag || known == "*")
        }),
        None => headers.get(IF_MODIFIED_SINCE).is_some_and(|known| known == date),
    }
}

#[derive(Debug, PartialEq)]
enum Asked {
    All,
    /// From, and how many.
    Part(u64, u64),
    Beyond,
}

/// One range only; what is not understood is answered with the whole file (RFC 9110 §14.2).
fn range_of(headers: &HeaderMap, size: u64) -> Asked {
    let range = headers.get(RANGE).and_then(|value| value.to_str().ok()?.strip_prefix("bytes="));
    let Some((first, last)) = range.and_then(|range| range.trim().split_once('-')) else { return Asked::All };
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), _) if first >= size => Asked::Beyond,
        (Ok(first), Ok(last)) if last >= first => Asked::Part(first, last.min(size - 1) - first + 1),
        (Ok(first), Err(_)) if last.is_empty() => Asked::Part(first, size - first),
        (Err(_), Ok(0)) if first.is_empty() => Asked::Beyond,
        (Err(_), Ok(count)) if first.is_empty() && size > 0 => {
            let count = count.min(size);
            Asked::Part(size - count, count)
        }
        _ => Asked::All,
    }
}

fn pieces(file: File, size: u64) -> impl futures_util::Stream<Item = Result<Bytes, relay::BoxError>> + Send {
    stream::unfold((file, size), |(mut file, left)| async move {
        if left == 0 {
            return None;
        }
        let mut piece = vec![0; usize::try_from(left.min(64 * 1024)).unwrap_or(64 * 1024)];
        match file.read(&mut piece).await {
            // Shorter than it was: the length is promised, so the connection is cut.
            Ok(0) => Some((Err("the file became shorter".into()), (file, 0))),
            Ok(read) => {
                piece.truncate(read);
                Some((Ok(Bytes::from(piece)), (file, left - read as u64)))
            }
            Err(cause) => Some((Err(cause.into()), (file, 0))),
        }
    })
}

/// Reloads the page at the first change after those that it has seen.
fn script(seen: u64) -> String {
    format!("<script>new EventSource('{EVENTS}?seen={seen}').onmessage=()=>location.reload()</script>")
}

fn with_script(html: &[u8], seen: u64) -> Vec<u8> {
    let end = html.windows(7).rposition(|part| part.eq_ignore_ascii_case(b"</body>")).unwrap_or(html.len());
    [&html[..end], script(seen).as_bytes(), &html[end..]].concat()
}

/// One message per burst of changes: an editor or a build writes many files at once. A page that has not `seen` the newest
/// one, because it came between the page and this, is told at once.
fn reloads(mut changes: watch::Receiver<u64>, seen: Option<u64>) -> Response<Body> {
    let newest = *changes.borrow_and_update();
    if seen.is_some_and(|seen| seen != newest) {
        changes.mark_changed();
    }
    let messages = stream::unfold(changes, |mut changes| async move {
        changes.changed().await.ok()?;
        while let Ok(Ok(())) = tokio::time::timeout(Duration::from_millis(50), changes.changed()).await {}
        Some(("data: changed\n\n", changes))
    });
    relay::events(stream::once(async { ": waiting\n\n" }).chain(messages))
}

fn mime(path: &Path) -> &'static str {
    let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default().to_ascii_lowercase();
    match end.as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "txt" | "md" => "text/plain; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "xml" => "application/xml",
        "pdf" => "application/pdf",
        "wasm" => "application/wasm",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let asked = |text: &str| {
            let headers = [(RANGE, HeaderValue::from_str(text).unwrap())].into_iter().collect();
            range_of(&headers, 10)
        };
        for (text, expected) in [
            ("bytes=0-3", Asked::Part(0, 4)),
            ("bytes=8-99", Asked::Part(8, 2)),
            ("bytes=4-", Asked::Part(4, 6)),
            ("bytes=-3", Asked::Part(7, 3)),
            ("bytes=-99", Asked::Part(0, 10)),
            ("bytes=10-", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            ("bytes=3-1", Asked::All),
            ("bytes=0-1,3-4", Asked::All),
            ("lines=0-1", Asked::All),
        ] {
            assert_eq!(asked(text), expected, "{text}");
        }
    }

    #[test]
    fn paths_that_are_none_of_ours() {
        for path in
            ["/../x", "/%2e%2e/x", "/a/..%2fx", "/.git/config", "/.env", "/%00", "/%ff", "/%4", "/a\\..\\b"]
        {
            assert_eq!(parts_of(path), None, "{path}");
        }
        assert_eq!(parts_of("/.well-known/a%20b//c").unwrap(), [".well-known", "a b", "c"]);
    }

    #[test]
    fn the_script_stands_before_the_end_of_the_body() {
        let html = String::from_utf8(with_script(b"<BODY>x</BODY></html>", 7)).unwrap();
        assert_eq!(html, format!("<BODY>x{}</BODY></html>", script(7)));
        assert!(with_script(b"bare", 7).ends_with(script(7).as_bytes()));
    }
}
