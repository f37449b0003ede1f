//! What the server says of itself. Documents are taken at once, so there is no pipeline that could be busy.

use super::SPOKEN;
use super::door::{Known, Space};
use crate::context::Daemon;
use axum::extract::State;
use axum::{Extension, Json};
use serde_json::{Value, json};
use std::sync::Arc;

pub async fn root() -> Json<Value> {
    Json(json!({ "service": "the memory of Loopwright", "routes": "/openapi.json" }))
}

/// Without the key: that it is there, and nothing of what is in it.
pub async fn health(
    State(daemon): State<Arc<Daemon>>,
    Extension(Known(known)): Extension<Known>,
    space: Option<Extension<Space>>,
) -> Json<Value> {
    let mut health = json!({
        "status": "healthy",
        "auth_mode": "disabled",
        "core_version": SPOKEN,
        "api_version": "loopwright",
        "webui_available": false,
        "workspace_available": false,
        "api_docs_available": true,
        "webui_title": null,
        "webui_description": null,
        "ai_content_notice_enabled": false,
        "pipeline_busy": false,
        "pipeline_active": false,
    });
    if let (true, Some(Extension(Space(space)))) = (known, space) {
        let settings = &daemon.settings.memory;
        let more = json!({
            "working_directory": daemon.home.memory().display().to_string(),
            "configuration": {
                "workspace": space,
                "kv_storage": "SQLite", "doc_status_storage": "SQLite", "graph_storage": "SQLite",
                "vector_storage": "SQLite",
                "llm_binding": null, "llm_model": null,
                "embedding_binding": "loopwright", "embedding_model": settings.model,
                "enable_rerank": false,
            },
        });
        if let (Some(health), Value::Object(more)) = (health.as_object_mut(), more) {
            health.extend(more);
        }
    }
    Json(health)
}

/// There are no accounts, only the key: what LightRAG says where it has no accounts. Its token opens nothing there either.
pub async fn auth_status() -> Json<Value> {
    Json(json!({
        "auth_configured": false,
        "access_token": "guest",
        "token_type": "bearer",
        "auth_mode": "disabled",
        "message": "there are no accounts to sign in to: send the key as X-API-Key",
        "core_version": SPOKEN,
        "api_version": "loopwright",
        "webui_title": null,
        "webui_description": null,
        "ai_content_notice_enabled": false,
    }))
}

/// The door has let the caller in.
pub async fn verify() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

pub async fn pipeline_status() -> Json<Value> {
    Json(json!({
        "autoscanned": false,
        "busy": false,
        "job_name": "none",
        "job_start": null,
        "docs": 0,
        "batchs": 0,
        "cur_batch": 0,
        "request_pending": false,
        "latest_message": "documents are taken at once",
        "history_messages": [],
        "update_status": {},
        "recovery_required": false,
        "recovery_kind": null,
        "recovery_message": null,
    }))
}

pub async fn clear_cache() -> Json<Value> {
    Json(json!({ "status": "success", "message": "there is no cache to clear" }))
}

pub async fn reprocess_failed() -> Json<Value> {
    Json(json!({
        "status": "reprocessing_started",
        "message": "no document has failed: they are taken at once, or refused",
        "track_id": "",
    }))
}

pub async fn cancel_pipeline() -> Json<Value> {
    Json(
        json!({ "status": "not_busy", "message": "nothing is being processed: documents are taken at once" }),
    )
}
