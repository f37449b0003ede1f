//! Why an input was not taken. The variants are by what the caller can do about it.

use protocol::*;
use thiserror::Error;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Rejected {
    /// Asked before: answer with that request.
    #[error("this was asked before, as request {request}")]
    Duplicate { request: RequestId },
    /// Make another id.
    #[error("the id {id} is taken")]
    Taken { id: String },
    /// The id leaves no room for the ids that are derived from it.
    #[error("the id {id} is too long")]
    BadId { id: String },
    #[error("there is no project {project}")]
    UnknownProject { project: ProjectId },
    #[error("there is no request {request}")]
    UnknownRequest { request: RequestId },
    #[error("there is no attempt {attempt}")]
    UnknownAttempt { attempt: AttemptId },
    #[error("there is no deployment {deployment}")]
    UnknownDeployment { deployment: DeploymentId },
    #[error("there is no note {note}, or it was forgotten")]
    UnknownNote { note: NoteId },
    /// Then neither of them would be the newest.
    #[error("note {note} cannot be superseded by {by}: that would go round in a circle")]
    Cycle { note: NoteId, by: NoteId },
    #[error("there is no planned step {step}")]
    UnknownStep { step: StepId },
    /// A result that nothing waits for any more: drop it.
    #[error("nothing waits for {what} any more")]
    Stale { what: String },
    #[error("request {request} has ended")]
    Ended { request: RequestId },
    /// The request is past the point where this can be done.
    #[error("it is too late: request {request} is {stage}")]
    TooLate { request: RequestId, stage: &'static str },
    #[error("request {request} is not waiting")]
    NotWaiting { request: RequestId },
    #[error("a rating is 1 to 5, not {rating}")]
    BadRating { rating: u8 },
    #[error("release {release} is live already")]
    AlreadyLive { release: ReleaseId },
    /// Ask for it in another shape.
    #[error("the request cannot be split so: {why}")]
    BadSplit { why: String },
    #[error("there is no agent {agent}")]
    UnknownAgent { agent: AgentId },
    /// The attempt is not at work, so nobody can take it over.
    #[error("attempt {attempt} is not running")]
    NotRunning { attempt: AttemptId },
    #[error("attempt {attempt} has that agent already")]
    SameAgent { attempt: AttemptId },
    /// Nothing is left to choose: it never raced, or the race is over.
    #[error("attempt {attempt} is in no race")]
    NotRacing { attempt: AttemptId },
    /// It has made nothing yet that could land.
    #[error("attempt {attempt} has nothing that could be taken yet")]
    NothingToPick { attempt: AttemptId },
    /// Answered already, or the agent does not wait for it any more.
    #[error("attempt {attempt} asks nothing of that name any more")]
    NoAsk { attempt: AttemptId, ask: String },
    #[error("that is no answer to what attempt {attempt} asked: {why}")]
    BadAnswer { attempt: AttemptId, why: &'static str },
}
