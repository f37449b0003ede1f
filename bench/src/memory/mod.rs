//! The memory: what it costs as it grows, how well it finds, beside LightRAG and beside plain BM25.

mod corpus;
mod face;
mod kept;
mod level0;
mod level1;
mod lightrag;
mod load;
mod models;
mod ours;
mod own;
mod peer;
mod public;
mod quality;

use crate::Measure;
use crate::options::Options;
use anyhow::{Context, Result};
use corpus::Corpus;
use peer::Peer;
use std::cell::{OnceCell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;

/// What the measures share: made by the first that needs it.
struct Shared {
    options: Options,
    corpus: OnceCell<Corpus>,
    /// Recorded until it was measured.
    peer: RefCell<Peer>,
}

impl Shared {
    fn corpus(&self) -> Result<&Corpus> {
        if self.corpus.get().is_none() {
            // Another one cannot have been set meanwhile.
            let _ = self.corpus.set(corpus::corpus(level0::MOST)?);
        }
        self.corpus.get().context("there is no corpus")
    }

    fn models(&self) -> Option<&std::path::Path> {
        self.options.models.as_deref()
    }
}

pub fn measures(options: &Options) -> Vec<Measure> {
    let shared = Rc::new(Shared {
        options: options.clone(),
        corpus: OnceCell::new(),
        peer: RefCell::new(Peer::recorded()),
    });
    let measure = |name, take: fn(&Shared) -> Result<Vec<crate::row::Row>>| {
        let shared = Rc::clone(&shared);
        Measure::new(name, move || take(&shared))
    };
    let mut measures = Vec::new();
    if let Some(venv) = options.lightrag.clone() {
        measures.push(lightrag_measure(&shared, venv));
    }
    measures.extend([
        measure("added install", |it| level1::install(&it.peer.borrow(), it.models())),
        measure("start to ready", |it| level0::start(&it.peer.borrow(), it.corpus()?)),
        measure("growth to 20,000 notes", |it| level0::growth(&it.peer.borrow(), it.corpus()?)),
        measure("one note a call", |it| level0::singly(&it.peer.borrow(), it.corpus()?)),
        measure("memory while the model is loaded", |it| level1::loaded(it.models(), it.corpus()?)),
        measure("public sets", |it| quality::quality(it.options.sets.as_deref(), it.models())),
        measure("own set", |it| own::own(it.models())),
    ]);
    if let Some(folder) = options.set.clone() {
        let shared = Rc::clone(&shared);
        measures.push(Measure::new("your set", move || own::named(&folder, shared.models())));
    }
    measures
}

fn lightrag_measure(shared: &Rc<Shared>, venv: PathBuf) -> Measure {
    const NOTES: usize = 300;
    let shared = Rc::clone(shared);
    Measure::new("LightRAG itself", move || {
        let pages = shared.corpus()?.pages.get(..NOTES).context("the corpus is too small")?;
        let (peer, rows) = Peer::measure(&venv, pages)?;
        *shared.peer.borrow_mut() = peer;
        Ok(rows)
    })
}
