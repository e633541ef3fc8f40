//! Errors that have an exit status of their own.

/// An error that has an exit status of its own. Every other error gives status 1.
///
/// Made anywhere in a chain of errors, or put on one with `context`; the binary finds it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line was wrong in a way that its parser could not see.
    #[error("{0}")]
    Usage(String),
    /// A capability is missing; the text names it and the command that would work.
    #[error("{0}")]
    NotAllowed(String),
    /// This kernel or machine lacks something; the text names it and what was tried.
    #[error("{0}")]
    Lacking(String),
    /// A check or threshold on the command line was not met.
    #[error("{0}")]
    CheckFailed(String),
}
