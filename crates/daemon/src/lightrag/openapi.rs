//! The list of routes for clients that read one.

use super::SPOKEN;
use super::routes::SERVED;
use axum::Json;
use serde_json::{Map, Value, json};

pub async fn told() -> Json<Value> {
    let mut paths: Map<String, Value> = Map::new();
    for (path, method) in SERVED {
        let at = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(at) = at.as_object_mut() {
            at.insert(method.into(), operation(path));
        }
    }
    Json(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "The memory of Loopwright",
            "version": SPOKEN,
            "description": "Routes and shapes as LightRAG has them; docs/memory-http.md tells what differs.",
        },
        "paths": paths,
        "components": { "securitySchemes": {
            "key": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
            "bearer": { "type": "http", "scheme": "bearer" },
        } },
        "security": [{ "key": [] }, { "bearer": [] }],
    }))
}

fn operation(path: &str) -> Value {
    let mut parameters = vec![json!({
        "name": "LIGHTRAG-WORKSPACE", "in": "header", "required": false, "schema": { "type": "string" },
    })];
    if path.contains("{track_id}") {
        parameters.push(
            json!({ "name": "track_id", "in": "path", "required": true, "schema": { "type": "string" } }),
        );
    }
    let answer = |says: &str| json!({ "description": says });
    json!({
        "parameters": parameters,
        "responses": { "200": answer("done"), "403": answer("no key"), "422": answer("wrong fields") },
    })
}
