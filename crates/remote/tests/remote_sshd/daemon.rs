//! Plays a daemon on its control socket: the routes that the desktop asks.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

pub struct Daemon {
    work: JoinHandle<()>,
    /// Connections that were made.
    pub dialled: Arc<AtomicUsize>,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.work.abort();
    }
}

pub fn daemon(socket: &Path) -> Daemon {
    use std::os::unix::fs::PermissionsExt;
    let _ = std::fs::remove_file(socket);
    let listener = UnixListener::bind(socket).unwrap();
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o666)).unwrap();
    let dialled = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&dialled);
    let work = tokio::spawn(async move {
        let mut open = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let service = service_fn(answer);
            open.spawn(async move {
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    Daemon { work, dialled }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let (status, text) = match path.as_str() {
        "/api/request" if body.windows(4).any(|word| word == b"home") => {
            (StatusCode::CONFLICT, r#"{"code":"conflict","message":"not now","next":"later"}"#)
        }
        "/api/request" => (StatusCode::OK, r#"{"answer":"requests","rows":[]}"#),
        "/api/head" => (StatusCode::OK, "data: 3\n\ndata: 8\n\n"),
        "/api/blob/x" => (StatusCode::OK, "blob"),
        _ => (StatusCode::NOT_FOUND, ""),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    Ok(response)
}
