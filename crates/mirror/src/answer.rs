//! What a copy answers: reads of the journal and the memory. All else is refused with its cause; a new request does not
//! compile here until somebody has decided which it is.

use crate::{Error, Folder, State, query, rows, told};
use journal::Reader;
use memory::GraphQuery;
use protocol::view::{EnrichmentView, Home, MemoryView, ModelView};
use protocol::{ApiError, At, BlobId, Code, ProjectId, Request, Response};

/// Why the daemon does not answer itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreached {
    /// As the beginning of a sentence.
    pub why: String,
    /// It was asked, and the connection broke before it answered.
    pub sent: bool,
}

impl Folder {
    /// The answer, and since when the copy is as it is.
    pub fn answer(
        &self,
        request: Request,
        unreached: &Unreached,
        now: At,
    ) -> Result<(Response, At), ApiError> {
        let state = self.state();
        let (Some(at), true) = (state.at, self.journal().exists()) else {
            let why = format!("{}, and nothing was copied to this computer yet", unreached.why);
            return Err(ApiError::new(Code::Conflict, why)
                .next("wait until it is reached; the copy then makes itself"));
        };
        let reader = Reader::open(&self.journal()).map_err(unreadable)?;
        let copy = Copied { folder: self, reader, state, unreached, now };
        Ok((copy.answer(request)?, at))
    }

    /// A blob's bytes, where the copy has it.
    pub fn blob(&self, id: &BlobId) -> Result<Option<Vec<u8>>, Error> {
        if !self.journal().exists() {
            return Ok(None);
        }
        Ok(Reader::open(&self.journal())?.blob(id)?)
    }
}

struct Copied<'a> {
    folder: &'a Folder,
    reader: Reader,
    state: State,
    unreached: &'a Unreached,
    now: At,
}

impl Copied<'_> {
    fn answer(&self, request: Request) -> Result<Response, ApiError> {
        use Request as R;
        let reader = &self.reader;
        Ok(match request {
            R::Hello => Response::Hello(self.hello()?),
            R::Home => self.home()?,
            R::Requests { project, limit } => Response::Requests {
                rows: reader.requests(project.as_ref(), rows::page(limit)).map_err(unreadable)?,
            },
            R::Show { request } => {
                let view = reader.show(&request).map_err(unreadable)?;
                Response::Show(Box::new(view.ok_or_else(|| missing(&format!("request {request}")))?))
            }
            R::Journal { after, limit } => Response::Journal {
                entries: reader.entries(after, limit.unwrap_or(rows::MOST)).map_err(unreadable)?,
                head: reader.head().map_err(unreadable)?.0,
            },
            R::VerifyJournal => {
                let found = reader.verify().map_err(unreadable)?;
                let journal::Verified { entries, head_hash, problems } = found;
                Response::Verified { journal: reader.id().map_err(unreadable)?, entries, head_hash, problems }
            }
            R::Deployments { project, filter, limit } => {
                let of = reader.deployments(project.as_ref(), filter.as_deref(), rows::page(limit));
                Response::Deployments { rows: of.map_err(unreadable)? }
            }
            R::Releases { project } => {
                Response::Releases { rows: reader.releases(&self.project(project)?).map_err(unreadable)? }
            }
            R::Steps { project } => {
                let (planned, completed) = reader.steps(&self.project(project)?).map_err(unreadable)?;
                Response::Steps { planned, completed }
            }
            R::Projects => Response::Projects { rows: reader.projects().map_err(unreadable)? },
            R::Agents { .. } => Response::Agents { rows: self.state.agents.clone() },
            R::Knew { attempt } => Response::Knew { rows: reader.knew(&attempt).map_err(unreadable)? },
            R::Text { blob } => {
                let bytes = reader.blob(&blob).map_err(unreadable)?.ok_or_else(|| missing("this text"))?;
                Response::Text { text: String::from_utf8_lossy(&bytes).into_owned() }
            }
            R::Notes { .. }
            | R::Recall(_)
            | R::Note { .. }
            | R::Memory { .. }
            | R::Graph(_)
            | R::GraphPath { .. } => self.remembered(request)?,
            R::Transcript { .. } => return Err(self.elsewhere("what an agent printed is kept there")),
            R::Diff { .. } => return Err(self.elsewhere("the project's files are there")),
            R::Instructions { .. } | R::ReadInstruction { .. } => {
                return Err(self.elsewhere("the project's files are there"));
            }
            R::Bridges | R::Doctor | R::Domains => {
                return Err(self.elsewhere("it can only be looked at there"));
            }
            R::ExportMemory { .. } | R::VerifyMemory => return Err(self.elsewhere("it is done there")),
            R::Ask { .. }
            | R::Cancel { .. }
            | R::Steer { .. }
            | R::Retry { .. }
            | R::Answer { .. }
            | R::HandOver { .. }
            | R::Pick { .. }
            | R::Rate { .. }
            | R::Rollback { .. }
            | R::PlanStep { .. }
            | R::DropStep { .. }
            | R::Push { .. }
            | R::PushMany { .. }
            | R::Supersede { .. }
            | R::Forget { .. }
            | R::EditGraph { .. }
            | R::UseModel { .. }
            | R::InstallAgent { .. }
            | R::CheckAgent { .. }
            | R::SignIn { .. }
            | R::SignInSay { .. }
            | R::SignInStop { .. }
            | R::SetKey { .. }
            | R::SignOut { .. }
            | R::WriteInstruction { .. }
            | R::CreateProject { .. }
            | R::ActivateProject { .. }
            | R::SetDomain { .. } => {
                return Err(self.unchanged());
            }
        })
    }

    fn remembered(&self, request: Request) -> Result<Response, ApiError> {
        use Request as R;
        let reader = &self.reader;
        let memory = memory::Reader::open(&self.folder.memory());
        Ok(match request {
            R::Notes { project, limit, superseded } => {
                let of = reader.notes(&self.space(project)?, rows::page(limit), superseded);
                Response::Notes { rows: of.map_err(unreadable)? }
            }
            R::Recall(ask) => {
                let space = self.space(ask.project.clone())?;
                // Words and the graph alone: the model is the daemon's.
                let found = memory.recall(&space, &query(*ask, self.now), None).map_err(forgotten)?;
                Response::Recalled(Box::new(told(reader, found).map_err(unreadable)?))
            }
            R::Note { note } => {
                let view = rows::note(reader, &note).map_err(unreadable)?;
                let mut view = view.ok_or_else(|| missing(&format!("note {note}")))?;
                view.entities = memory.note_entities(&view.row.project, &note).map_err(forgotten)?;
                Response::Note(Box::new(view))
            }
            R::Memory { project } => Response::Memory(Box::new(self.stand(&memory, &self.space(project)?)?)),
            R::Graph(ask) => {
                let space = self.space(ask.project.clone())?;
                let protocol::api::GraphAsk { focus, depth, limit, kinds, since, until, find, .. } = *ask;
                let query = GraphQuery { focus, depth, limit, kinds, since, until, find };
                Response::Graph(Box::new(memory.graph(&space, &query).map_err(forgotten)?))
            }
            R::GraphPath { project, from, to } => {
                let view = memory.path(&self.space(project)?, &from, &to).map_err(forgotten)?;
                Response::Graph(Box::new(view.unwrap_or_default()))
            }
            _ => return Err(self.elsewhere("it is no question to the memory")),
        })
    }

    fn hello(&self) -> Result<protocol::view::Hello, ApiError> {
        self.state.hello.clone().ok_or_else(|| missing("what the daemon said of itself"))
    }

    fn home(&self) -> Result<Response, ApiError> {
        let projects = self.reader.projects().map_err(unreadable)?;
        let active = self.project(None)?;
        let requests = self.reader.requests(Some(&active), rows::HOME).map_err(unreadable)?;
        let current = rows::shown(&requests).map(|row| self.reader.show(&row.request)).transpose();
        Ok(Response::Home(Box::new(Home {
            hello: self.hello()?,
            projects,
            active,
            current: current.map_err(unreadable)?.flatten(),
            requests,
            agents: self.state.agents.clone(),
            disk_full: false,
        })))
    }

    fn stand(&self, memory: &memory::Reader, space: &ProjectId) -> Result<MemoryView, ApiError> {
        let sizes = memory.sizes(space).map_err(forgotten)?;
        Ok(MemoryView {
            notes: sizes.notes,
            superseded: sizes.superseded,
            entities: sizes.entities,
            relations: sizes.relations,
            tokens: sizes.tokens,
            bytes: sizes.bytes,
            model: ModelView {
                says: Some("the copy is searched by words and graph alone".into()),
                ..ModelView::default()
            },
            models: Vec::new(),
            enrichment: EnrichmentView::default(),
            address: None,
            address_why: Some(format!("{}; this is its copy", self.unreached.why)),
            elsewhere: None,
            meter: self.reader.meter(space, rows::METER).map_err(unreadable)?,
        })
    }

    fn project(&self, named: Option<ProjectId>) -> Result<ProjectId, ApiError> {
        match named {
            Some(project) => Ok(project),
            None => rows::active(&self.reader).map_err(unreadable)?.ok_or_else(|| missing("a project")),
        }
    }

    fn space(&self, named: Option<ProjectId>) -> Result<ProjectId, ApiError> {
        let space = self.project(named)?;
        if rows::is_space(&self.reader, &space).map_err(unreadable)? {
            return Ok(space);
        }
        Err(missing(&format!("project {space}")))
    }

    fn unchanged(&self) -> ApiError {
        let Unreached { why, sent } = self.unreached;
        if *sent {
            return ApiError::new(
                Code::Internal,
                format!("{why}: the connection broke while this was asked, and it may have been done"),
            )
            .next("look whether it was, once it is reached");
        }
        ApiError::new(Code::Conflict, format!("{why}: nothing was changed"))
            .next("do it again once it is reached")
    }

    fn elsewhere(&self, what: &str) -> ApiError {
        ApiError::new(Code::Conflict, format!("{}, and {what}", self.unreached.why))
            .next("look again once it is reached")
    }
}

fn missing(what: &str) -> ApiError {
    ApiError::new(Code::NotFound, format!("the copy on this computer does not have {what}"))
        .next("look again once the daemon is reached")
}

fn unreadable(error: journal::Error) -> ApiError {
    damaged(&error)
}

fn forgotten(error: memory::Error) -> ApiError {
    damaged(&error)
}

fn damaged(error: &dyn std::error::Error) -> ApiError {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    ApiError::new(Code::Internal, format!("failed to read the copy on this computer: {error}{cause}"))
        .next("connect to the workspace; if that does not help, forget it and add it again")
}
