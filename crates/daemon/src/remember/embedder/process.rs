//! The process that computes vectors (`loopwrightd model serve`): it loads one model, answers until its input ends, and
//! takes the model's memory with it when it goes. Questions and background work have a thread each, so that a question
//! does not wait behind a long note; the background one is nice to everybody.

use super::wire::{Ask, Lane, Told, tell};
use embed::Embedder;
use std::io::{BufRead, Stdout};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

/// Behind what else wants the processor, and not so far that a busy machine never gets to it.
const NICE: i32 = 5;

pub fn serve(folder: &Path, name: &str) -> anyhow::Result<()> {
    let out = Arc::new(Mutex::new(std::io::stdout()));
    let model: Arc<dyn Embedder> = match embed::Catalogue::open(folder, name) {
        Ok(model) => Arc::from(model),
        Err(e) => {
            let why = crate::context::internal("load the model", e).message;
            return Ok(tell(&mut *crate::context::hold(&out), &Told::NotReady { why }, &[])?);
        }
    };
    let ready = Told::Ready { model: model.model().to_owned(), dim: model.dim() };
    tell(&mut *crate::context::hold(&out), &ready, &[])?;
    let lane = |name: &str, nice: i32| -> std::io::Result<_> {
        let (tx, rx) = channel();
        let (model, out) = (model.clone(), out.clone());
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // Of this thread alone, on Linux. Where it is refused, the work is done as quickly as any other.
            let _ = rustix::process::nice(nice);
            work(&*model, &rx, &out);
        })?;
        Ok(tx)
    };
    let (questions, background) = (lane("questions", 0)?, lane("background", NICE)?);
    for line in std::io::stdin().lock().lines() {
        let ask: Ask = serde_json::from_str(&line?)?;
        let to = match ask.lane {
            Lane::Question => &questions,
            Lane::Background => &background,
        };
        if to.send(ask).is_err() {
            break;
        }
    }
    // Nobody wants what is still being computed.
    std::process::exit(0)
}

fn work(model: &dyn Embedder, asks: &Receiver<Ask>, out: &Mutex<Stdout>) {
    for Ask { id, texts, .. } in asks {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (told, vectors) = match model.embed(&texts) {
            Ok(vectors) => (Told::Vectors { id, count: vectors.len() }, vectors),
            Err(e) => (Told::Failed { id, why: crate::context::internal("embed", e).message }, Vec::new()),
        };
        if tell(&mut *crate::context::hold(out), &told, &vectors).is_err() {
            return;
        }
    }
}
