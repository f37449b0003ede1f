//! Asking: many at once, each on a connection of its own that cannot write.

use crate::ask::{Found, GraphQuery, Query, Sizes};
use crate::error::Error;
use crate::graph::{self, Whole};
use crate::recall::{self, Cache};
use crate::store::{self, Part, files, schema};
use embed::Embedder;
use protocol::view::{EntityRow, GraphNode, GraphView, RelationRow};
use protocol::{NoteId, ProjectId};
use rusqlite::Connection;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Connections that are kept for the next question.
const IDLE: usize = 3;
/// Spaces that recalling keeps in mind.
const MINDS: usize = 3;

/// The memory for those who ask. A space without a file has nothing in it.
#[derive(Debug, Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    thrown: Arc<AtomicU64>,
    idle: Mutex<Vec<Idle>>,
    /// Spaces of which recalling keeps something in mind, most recently used last. One question at a time each.
    minds: Mutex<Vec<(ProjectId, Kept)>>,
    /// The last graph that was looked at as a whole.
    whole: Mutex<Option<Seen>>,
}

#[derive(Debug)]
struct Idle {
    space: ProjectId,
    /// Of which count of thrown away files.
    thrown: u64,
    db: Connection,
}

/// None before the first question.
type Kept = Arc<Mutex<Option<Mind>>>;

#[derive(Debug)]
struct Mind {
    thrown: u64,
    db: Connection,
    cache: Cache,
}

#[derive(Debug)]
struct Seen {
    space: ProjectId,
    thrown: u64,
    head: String,
    whole: Arc<Whole>,
}

impl Reader {
    /// For a program that does not write. Files that its writer throws away meanwhile are still read as they were.
    pub fn open(dir: &Path) -> Reader {
        Reader::new(dir.to_owned(), Arc::default())
    }

    pub(crate) fn new(dir: PathBuf, thrown: Arc<AtomicU64>) -> Reader {
        let (idle, minds, whole) = (Mutex::default(), Mutex::default(), Mutex::default());
        Reader { shared: Arc::new(Shared { dir, thrown, idle, minds, whole }) }
    }

    /// The notes nearest to a question, and what they hang together with.
    pub fn recall(
        &self,
        space: &ProjectId,
        query: &Query,
        embedder: Option<&dyn Embedder>,
    ) -> Result<Found, Error> {
        let mind = self.mind(space);
        let mut mind = lock(&mind);
        let thrown = self.shared.thrown.load(Ordering::Acquire);
        if mind.as_ref().is_none_or(|mind| mind.thrown != thrown) {
            let path = files::path(&self.shared.dir, space);
            let Some(db) = opened(&path)? else { return Ok(Found::default()) };
            recall::prepare(&db)?;
            *mind = Some(Mind { thrown, db, cache: Cache::default() });
        }
        let Some(Mind { db, cache, .. }) = mind.as_mut() else { return Ok(Found::default()) };
        let tx = db.transaction()?;
        let found = recall::recall(&tx, cache, query, embedder)?;
        tx.finish()?;
        Ok(found)
    }

    /// Lets go of what is only kept to be quick: graphs, vectors, connections. The next question is a little slower.
    pub fn rest(&self) {
        lock(&self.shared.idle).clear();
        *lock(&self.shared.whole) = None;
        for (_, mind) in lock(&self.shared.minds).iter() {
            if let Some(mind) = lock(mind).as_mut() {
                mind.cache.rest();
            }
        }
    }

    fn mind(&self, space: &ProjectId) -> Kept {
        let mut minds = lock(&self.shared.minds);
        let known = minds.iter().position(|(of, _)| of == space).map(|at| minds.remove(at));
        let (space, mind) = known.unwrap_or_else(|| (space.clone(), Arc::default()));
        if minds.len() >= MINDS {
            minds.remove(0);
        }
        minds.push((space, mind.clone()));
        mind
    }

    /// A part of the graph: around one entity, or those with the most relations.
    pub fn graph(&self, space: &ProjectId, query: &GraphQuery) -> Result<GraphView, Error> {
        if query.since.is_some() || query.until.is_some() {
            let whole = self.ask(space, |db| Whole::load(db, query.since, query.until))?;
            return Ok(whole.map(|whole| graph::view(&whole, query)).unwrap_or_default());
        }
        Ok(self.whole(space)?.map(|whole| graph::view(&whole, query)).unwrap_or_default())
    }

    /// The shortest way between two entities, in its order; of ways of one length the one with the heaviest relations.
    pub fn path(&self, space: &ProjectId, from: &str, to: &str) -> Result<Option<GraphView>, Error> {
        Ok(self.whole(space)?.and_then(|whole| graph::path(&whole, from, to)))
    }

    /// One entity with the notes that name it, newest first.
    pub fn entity(&self, space: &ProjectId, name: &str) -> Result<Option<EntityRow>, Error> {
        Ok(self.ask(space, |db| graph::entity(db, name))?.flatten())
    }

    /// Entities whose names hold these letters, those with the most relations first.
    pub fn entities(&self, space: &ProjectId, find: &str, limit: usize) -> Result<Vec<GraphNode>, Error> {
        Ok(self.whole(space)?.map(|whole| graph::find(&whole, find, limit)).unwrap_or_default())
    }

    /// Relations of one entity, heaviest first.
    pub fn relations(&self, space: &ProjectId, name: &str) -> Result<Vec<RelationRow>, Error> {
        let Some(whole) = self.whole(space)? else { return Ok(Vec::new()) };
        Ok(self.ask(space, |db| graph::relations(db, &whole, name))?.unwrap_or_default())
    }

    pub fn relation(&self, space: &ProjectId, a: &str, b: &str) -> Result<Option<RelationRow>, Error> {
        let Some(whole) = self.whole(space)? else { return Ok(None) };
        Ok(self.ask(space, |db| graph::relation(db, &whole, a, b))?.flatten())
    }

    /// What stands behind each entity and relation of a view.
    pub fn described(
        &self,
        space: &ProjectId,
        view: &GraphView,
    ) -> Result<(Vec<EntityRow>, Vec<RelationRow>), Error> {
        let Some(whole) = self.whole(space)? else { return Ok(Default::default()) };
        Ok(self.ask(space, |db| graph::described(db, &whole, view))?.unwrap_or_default())
    }

    /// What one note names, best first.
    pub fn note_entities(&self, space: &ProjectId, note: &NoteId) -> Result<Vec<EntityRow>, Error> {
        Ok(self.ask(space, |db| graph::note_entities(db, note))?.unwrap_or_default())
    }

    pub fn sizes(&self, space: &ProjectId) -> Result<Sizes, Error> {
        let Some(whole) = self.whole(space)? else { return Ok(Sizes::default()) };
        let path = files::path(&self.shared.dir, space);
        let count = |db: &Connection| {
            let sql = "SELECT count(*), count(by), coalesce(sum(tokens), 0), (SELECT count(*) FROM chunk) FROM note";
            Ok(db.query_row(sql, [], |row| {
                Ok(Sizes {
                    notes: row.get(0)?,
                    superseded: row.get(1)?,
                    tokens: row.get(2)?,
                    chunks: row.get(3)?,
                    entities: whole.entities(),
                    relations: whole.relations(),
                    bytes: files::bytes(&path),
                })
            })?)
        };
        Ok(self.ask(space, count)?.unwrap_or_default())
    }

    /// Passages that have no vector of this model yet.
    pub fn waiting(&self, space: &ProjectId, model: &str) -> Result<u64, Error> {
        Ok(self.ask(space, |db| store::waiting(db, model))?.unwrap_or_default())
    }

    /// Passages of one note.
    pub fn chunks(&self, space: &ProjectId, note: &NoteId) -> Result<u64, Error> {
        let sql =
            "SELECT count(*) FROM note JOIN chunk ON chunk.id >= seq << 12 AND chunk.id < (seq + 1) << 12
            WHERE note.id = ?1";
        let count =
            |db: &Connection| Ok(db.prepare_cached(sql)?.query_row([note.as_str()], |row| row.get(0))?);
        Ok(self.ask(space, count)?.unwrap_or_default())
    }

    /// Every space that has a file.
    pub fn spaces(&self) -> Result<Vec<ProjectId>, Error> {
        files::spaces(&self.shared.dir)
    }

    /// All that the space has from the journal, in a fixed order: equal where the facts were equal. Vectors are apart,
    /// since they are made later, in the background.
    pub fn dump(&self, space: &ProjectId, out: &mut dyn Write) -> Result<(), Error> {
        self.ask(space, |db| store::dump(db, Part::Journal, out)).map(Option::unwrap_or_default)
    }

    /// The vectors, in a fixed order.
    pub fn dump_vectors(&self, space: &ProjectId, out: &mut dyn Write) -> Result<(), Error> {
        self.ask(space, |db| store::dump(db, Part::Vectors, out)).map(Option::unwrap_or_default)
    }

    /// The whole graph of a space, made anew when something was written since.
    fn whole(&self, space: &ProjectId) -> Result<Option<Arc<Whole>>, Error> {
        let thrown = self.shared.thrown.load(Ordering::Acquire);
        self.ask(space, |db| {
            let head = schema::meta(db, "head")?.unwrap_or_default();
            let is_it = |seen: &&Seen| seen.space == *space && seen.thrown == thrown && seen.head == head;
            let kept = lock(&self.shared.whole).as_ref().filter(is_it).map(|seen| seen.whole.clone());
            if let Some(whole) = kept {
                return Ok(whole);
            }
            let whole = Arc::new(Whole::load(db, None, None)?);
            *lock(&self.shared.whole) =
                Some(Seen { space: space.clone(), thrown, head, whole: whole.clone() });
            Ok(whole)
        })
    }

    /// Asks within one state of the file; none when there is no file.
    fn ask<T>(
        &self,
        space: &ProjectId,
        question: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let thrown = self.shared.thrown.load(Ordering::Acquire);
        let idle = {
            let mut idle = lock(&self.shared.idle);
            idle.retain(|idle| idle.thrown == thrown);
            idle.iter().position(|idle| idle.space == *space).map(|at| idle.swap_remove(at).db)
        };
        let mut db = match idle {
            Some(db) => db,
            None => {
                let path = files::path(&self.shared.dir, space);
                let Some(db) = opened(&path)? else { return Ok(None) };
                db
            }
        };
        let tx = db.transaction()?;
        let answer = question(&tx)?;
        tx.finish()?;
        let mut idle = lock(&self.shared.idle);
        if idle.len() >= IDLE {
            idle.remove(0);
        }
        idle.push(Idle { space: space.clone(), thrown, db });
        Ok(Some(answer))
    }
}

/// None without a file, and while the writer is about to make its tables.
fn opened(path: &Path) -> Result<Option<Connection>, Error> {
    if !path.exists() {
        return Ok(None);
    }
    let db = schema::open_reader(path)?;
    let version: u32 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok((version > 0).then_some(db))
}

/// What is kept here is sound after a panic too: it is only ever replaced.
fn lock<T>(kept: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
