//! Vectors of a service, as OpenAI's `/embeddings` gives them.

use super::Lane;
use crate::remember::service::{Failed, Service};
use crate::settings::EmbeddingEndpoint;
use embed::Error;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

/// Texts of one call.
const BATCH: usize = 32;
/// What is sent of a text: services refuse longer ones instead of cutting them.
const MAX_TEXT: usize = 16 << 10;
/// Nobody waits for these.
const IN_BACKGROUND: Duration = Duration::from_secs(60);
/// Somebody does, and words alone answer as well.
const A_QUESTION: Duration = Duration::from_secs(10);
/// Before it is tried again, in the background.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

pub struct Endpoint {
    service: Service,
    model: String,
    dim: usize,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    index: Option<usize>,
    embedding: Vec<f32>,
}

/// What stands with the vectors of an endpoint's model. Models that give vectors of several lengths are as many models.
pub fn id(set: &EmbeddingEndpoint) -> String {
    let dim = set.dim.map(|dim| format!("/{dim}")).unwrap_or_default();
    format!("endpoint/{}{dim}", set.model)
}

impl Endpoint {
    /// Asks it once where the settings do not say how long its vectors are.
    pub fn open(set: &EmbeddingEndpoint) -> Result<Self, Failed> {
        let service = Service { url: set.url.clone(), key_env: set.key_env.clone() };
        let mut endpoint = Self { service, model: set.model.clone(), dim: set.dim.unwrap_or(0) };
        if endpoint.dim == 0 {
            let vectors = endpoint.ask(&["dimension"], A_QUESTION)?;
            endpoint.dim = vectors.first().map_or(0, Vec::len);
        }
        Ok(endpoint)
    }

    pub fn dim(&self) -> usize {
        self.dim
    }

    pub fn embed(&self, texts: &[&str], lane: Lane) -> Result<Vec<Vec<f32>>, Error> {
        let mut all = Vec::with_capacity(texts.len());
        for batch in texts.chunks(BATCH) {
            all.extend(self.batch(batch, lane).map_err(|e| Error::Elsewhere(Box::new(e)))?);
        }
        Ok(all)
    }

    fn batch(&self, texts: &[&str], lane: Lane) -> Result<Vec<Vec<f32>>, Failed> {
        if lane == Lane::Question {
            return self.ask(texts, A_QUESTION);
        }
        let mut pauses = PAUSES.iter();
        loop {
            match (self.ask(texts, IN_BACKGROUND), pauses.next()) {
                (Err(Failed::Passing { after, .. }), Some(pause)) => {
                    std::thread::sleep(after.unwrap_or(*pause).min(IN_BACKGROUND));
                }
                (answered, _) => return answered,
            }
        }
    }

    fn ask(&self, texts: &[&str], limit: Duration) -> Result<Vec<Vec<f32>>, Failed> {
        // An empty text is refused by most; it means nothing either way.
        let input: Vec<&str> =
            texts.iter().map(|text| if text.trim().is_empty() { "-" } else { cut(text) }).collect();
        let body = json!({"model": self.model, "input": input, "encoding_format": "float"});
        let answer = self.service.post("/embeddings", &body, limit)?;
        let useless = |why: String| Failed::Useless { why: format!("{} {why}", self.service.shown()) };
        let answer: Answer =
            serde_json::from_value(answer).map_err(|e| useless(format!("gave no vectors: {e}")))?;
        if answer.data.len() != texts.len() {
            return Err(useless(format!("gave {} vectors for {} texts", answer.data.len(), texts.len())));
        }
        let mut rows = answer.data;
        // Whoever numbers them need not give them in order.
        rows.sort_by_key(|row| row.index);
        rows.into_iter().map(|row| self.unit(row.embedding).map_err(&useless)).collect()
    }

    /// The vector at length 1, if it is one.
    fn unit(&self, mut vector: Vec<f32>) -> Result<Vec<f32>, String> {
        if vector.is_empty() || (self.dim != 0 && vector.len() != self.dim) {
            return Err(format!(
                "gave a vector of {} numbers for {}, and it should be {}: correct `dim` under [memory.endpoint], or take it out",
                vector.len(),
                self.model,
                self.dim
            ));
        }
        let length = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
        if !length.is_finite() || length == 0.0 {
            return Err("gave a vector without a direction".to_owned());
        }
        vector.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
        Ok(vector)
    }
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or(text)
}
