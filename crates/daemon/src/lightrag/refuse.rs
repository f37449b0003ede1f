//! Refusals in the shapes that LightRAG's clients know: `{"detail": "…"}`, and a list of what is wrong with a request's
//! fields.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::{ApiError, Code};
use serde_json::{Value, json};

#[derive(Debug)]
pub enum Refusal {
    Says {
        status: StatusCode,
        detail: String,
    },
    /// Each with `type`, `loc`, `msg` and `input`.
    Fields(Vec<Value>),
}

/// What every handler gives.
pub type Answered = Result<Json<Value>, Refusal>;

impl Refusal {
    pub fn says(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::Says { status, detail: detail.into() }
    }

    /// The request is well formed, and cannot be done.
    pub fn bad(detail: impl Into<String>) -> Self {
        Self::says(StatusCode::BAD_REQUEST, detail)
    }

    pub fn missing(detail: impl Into<String>) -> Self {
        Self::says(StatusCode::NOT_FOUND, detail)
    }

    /// One line of all that is wrong.
    pub fn line(&self) -> String {
        match self {
            Self::Says { detail, .. } => detail.clone(),
            Self::Fields(wrong) => {
                let one = |wrong: &Value| {
                    let path = wrong.get("loc").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                    let path: Vec<String> = path.iter().map(plain).collect();
                    format!("{}: {}", path.join(" -> "), wrong.get("msg").map(plain).unwrap_or_default())
                };
                wrong.iter().map(one).collect::<Vec<_>>().join("; ")
            }
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl From<ApiError> for Refusal {
    fn from(e: ApiError) -> Self {
        let status = match e.code {
            // A source that is there already is replaced, so a conflict is a state that passes.
            Code::BadInput | Code::Conflict | Code::Version => StatusCode::BAD_REQUEST,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::SignedOut => StatusCode::FORBIDDEN,
            Code::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
            Code::Busy => StatusCode::TOO_MANY_REQUESTS,
            Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::says(status, e.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Fields(wrong) => {
                (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "detail": wrong }))).into_response()
            }
            Self::Says { status, detail } => {
                let mut response = (status, Json(json!({ "detail": detail }))).into_response();
                if status == StatusCode::TOO_MANY_REQUESTS {
                    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
                }
                if status == StatusCode::UNAUTHORIZED {
                    let bearer = HeaderValue::from_static("Bearer");
                    response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
                }
                response
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_fits_on_one_line() {
        let wrong = |field: &str| json!({ "loc": ["body", field], "msg": "Field required" });
        let refusal = Refusal::Fields(vec![wrong("a"), wrong("b")]);
        assert_eq!(refusal.line(), "body -> a: Field required; body -> b: Field required");
        let error = ApiError::new(Code::NotFound, "there is no note n1").next("see the list");
        let Refusal::Says { status, detail } = Refusal::from(error) else { panic!("fields") };
        assert_eq!((status.as_u16(), detail.as_str()), (404, "there is no note n1 (see the list)"));
    }
}
