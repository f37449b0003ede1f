//! Which route leads where, and what is said of those that lead nowhere.

use super::refuse::Refusal;
use super::{about, documents, door, edits, former, graph, listing, openapi, query, relations, upload};
use crate::context::Daemon;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{delete, get, post};
use std::sync::Arc;

/// The paths that are served, with their methods: what `/openapi.json` tells.
pub const SERVED: [(&str, &str); 36] = [
    ("/auth-status", "get"),
    ("/auth/verify", "get"),
    ("/documents", "get"),
    ("/documents", "delete"),
    ("/documents/cancel_pipeline", "post"),
    ("/documents/clear_cache", "post"),
    ("/documents/delete_document", "delete"),
    ("/documents/delete_entity", "delete"),
    ("/documents/delete_relation", "delete"),
    ("/documents/paginated", "post"),
    ("/documents/pipeline_status", "get"),
    ("/documents/reprocess_failed", "post"),
    ("/documents/status_counts", "get"),
    ("/documents/supported_file_types", "get"),
    ("/documents/text", "post"),
    ("/documents/texts", "post"),
    ("/documents/track_status/{track_id}", "get"),
    ("/documents/upload", "post"),
    ("/graph/entities/merge", "post"),
    ("/graph/entity/create", "post"),
    ("/graph/entity/delete", "delete"),
    ("/graph/entity/edit", "post"),
    ("/graph/entity/exists", "get"),
    ("/graph/label/list", "get"),
    ("/graph/label/popular", "get"),
    ("/graph/label/search", "get"),
    ("/graph/relation/create", "post"),
    ("/graph/relation/delete", "delete"),
    ("/graph/relation/edit", "post"),
    ("/graphs", "get"),
    ("/health", "get"),
    ("/login", "post"),
    ("/openapi.json", "get"),
    ("/query", "post"),
    ("/query/data", "post"),
    ("/query/stream", "post"),
];

/// LightRAG's routes that are not here, by their beginnings, and what to do instead.
const ELSEWHERE: [(&str, &str); 9] = [
    (
        "/documents/scan",
        "there is no input folder: push files to /documents/upload, or `loopwrightd memory import`",
    ),
    (
        "/documents/source_conflicts",
        "there are no conflicts: a newer document replaces the one of the same source",
    ),
    (
        "/documents/recovery",
        "there is nothing to recover: `loopwrightd memory verify` builds the memory anew",
    ),
    ("/documents/file_batch", "push the files one by one to /documents/upload"),
    ("/api/", "no model chats here: ask /query, or give Hermes a request"),
    ("/ui/", "the memory is shown on the dashboard: see `loopwrightd link`"),
    ("/webui", "the memory is shown on the dashboard: see `loopwrightd link`"),
    ("/workspace", "the memory is shown on the dashboard: see `loopwrightd link`"),
    ("/docs", "see /openapi.json"),
];

pub fn router(daemon: Arc<Daemon>, port: u16) -> Router {
    Router::new()
        .merge(of_documents())
        .merge(of_graph())
        .merge(former::routes())
        .route("/query", post(query::answer))
        .route("/query/stream", post(query::stream))
        .route("/query/data", post(query::data))
        .route("/", get(about::root))
        .route("/health", get(about::health))
        .route("/auth-status", get(about::auth_status))
        .route("/auth/verify", get(about::verify))
        .route("/login", post(about::auth_status))
        .route("/openapi.json", get(openapi::told))
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        // The door has the one that counts.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state((daemon.clone(), port), door::door))
        .layer(map_response(private))
        .with_state(daemon)
}

fn of_documents() -> Router<Arc<Daemon>> {
    Router::new()
        .route("/documents", get(listing::by_status).delete(documents::clear))
        .route("/documents/text", post(documents::text))
        .route("/documents/texts", post(documents::texts))
        .route("/documents/upload", post(upload::upload))
        .route("/documents/track_status/{track_id}", get(listing::track_status))
        .route("/documents/paginated", post(listing::paginated))
        .route("/documents/status_counts", get(listing::status_counts))
        .route("/documents/pipeline_status", get(about::pipeline_status))
        .route("/documents/supported_file_types", get(upload::supported))
        .route("/documents/delete_document", delete(documents::delete))
        .route("/documents/clear_cache", post(about::clear_cache))
        .route("/documents/reprocess_failed", post(about::reprocess_failed))
        .route("/documents/cancel_pipeline", post(about::cancel_pipeline))
        .route("/documents/delete_entity", delete(edits::delete_entity))
        .route("/documents/delete_relation", delete(relations::delete_relation))
}

fn of_graph() -> Router<Arc<Daemon>> {
    Router::new()
        .route("/graphs", get(graph::graphs))
        .route("/graph/label/list", get(graph::labels))
        .route("/graph/label/popular", get(graph::popular))
        .route("/graph/label/search", get(graph::search))
        .route("/graph/entity/exists", get(graph::exists))
        .route("/graph/entity/create", post(edits::create_entity))
        .route("/graph/entity/edit", post(edits::edit_entity))
        .route("/graph/entity/delete", delete(edits::delete_entity))
        .route("/graph/entities/merge", post(edits::merge))
        .route("/graph/relation/create", post(relations::create_relation))
        .route("/graph/relation/edit", post(relations::edit_relation))
        .route("/graph/relation/delete", delete(relations::delete_relation))
}

async fn nowhere(request: Request) -> Refusal {
    elsewhere(request.uri().path()).unwrap_or_else(|| Refusal::missing("Not Found"))
}

fn elsewhere(path: &str) -> Option<Refusal> {
    let (_, instead) = ELSEWHERE.iter().find(|(begins, _)| path.starts_with(begins))?;
    Some(Refusal::says(StatusCode::NOT_IMPLEMENTED, format!("{path} is not served here: {instead}")))
}

async fn wrong_method(request: Request) -> Refusal {
    // A document's id fits into some of these addresses.
    match elsewhere(request.uri().path()) {
        Some(refusal) => refusal,
        None => Refusal::says(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"),
    }
}

/// Answers are of one moment and for one client.
async fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
