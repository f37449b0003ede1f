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
}
