//! Exit statuses, and which error gives which.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use netperf_core::failure::Failure;
use netperf_sys::rights::MissingRights;

/// Exit status of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// All went well, or the reader of the output went away.
    Fine = 0,
    /// The run failed for another reason.
    Failed = 1,
    /// The command line was wrong.
    Usage = 2,
    /// A capability is missing.
    NotAllowed = 3,
    /// This kernel or machine lacks something.
    Lacking = 4,
    /// A check or threshold on the command line was not met.
    CheckFailed = 5,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// The exit status of a command under a limit, which is passed on without a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the command ended with status {0}")]
pub struct PassedOn(pub u8);

fn failure_status(failure: &Failure) -> Status {
    match failure {
        Failure::Usage(_) => Status::Usage,
        Failure::NotAllowed(_) => Status::NotAllowed,
        Failure::Lacking(_) => Status::Lacking,
        Failure::CheckFailed(_) => Status::CheckFailed,
    }
}

/// The exit status of a run. A closed pipe counts as success: `| head -3` has seen enough. Code that
/// writes to sockets must therefore turn a broken connection into an error of another type.
pub fn status_of(result: &anyhow::Result<()>) -> Status {
    let Err(error) = result else {
        return Status::Fine;
    };
    if let Some(failure) = error.downcast_ref::<Failure>() {
        failure_status(failure)
    } else if error.is::<MissingRights>() {
        Status::NotAllowed
    } else if error.chain().any(is_closed_pipe) {
        Status::Fine
    } else {
        Status::Failed
    }
}

fn is_closed_pipe(error: &(dyn Error + 'static)) -> bool {
    let io = error.downcast_ref().map(io::Error::kind);
    // `serde_json` does not give the error of its writer as its source.
    let json = error
        .downcast_ref()
        .and_then(serde_json::Error::io_error_kind);
    io.or(json) == Some(io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use anyhow::{Context, anyhow};

    use super::*;

    fn status(error: impl Into<anyhow::Error>) -> Status {
        status_of(&Err(error.into()))
    }

    fn broken() -> io::Error {
        io::ErrorKind::BrokenPipe.into()
    }

    #[test]
    fn each_failure_has_the_status_of_the_contract() {
        let text = String::new;
        assert_eq!(status_of(&Ok(())) as u8, 0);
        assert_eq!(status(anyhow!("anything else")) as u8, 1);
        assert_eq!(status(Failure::Usage(text())) as u8, 2);
        assert_eq!(status(Failure::NotAllowed(text())) as u8, 3);
        assert_eq!(status(Failure::Lacking(text())) as u8, 4);
        assert_eq!(status(Failure::CheckFailed(text())) as u8, 5);
        assert_eq!(ExitCode::from(Status::Lacking), ExitCode::from(4));
    }

    #[test]
    fn a_failure_keeps_its_status_below_and_as_context() {
        let lacking = || Failure::Lacking("no BTF".to_owned());
        let below = Err::<(), _>(lacking())
            .context("can't attach")
            .context("can't start");
        assert_eq!(status_of(&below), Status::Lacking);
        let above = Err::<(), _>(io::Error::other("refused"))
            .context(lacking())
            .context("top");
        assert_eq!(status_of(&above), Status::Lacking);
    }

    #[test]
    fn a_closed_pipe_is_success_wherever_it_stands() {
        assert_eq!(status(broken()), Status::Fine);
        assert_eq!(
            status(anyhow::Error::from(broken()).context("can't write")),
            Status::Fine
        );
        assert_eq!(
            status(io::Error::from(io::ErrorKind::UnexpectedEof)),
            Status::Failed
        );
    }

    #[test]
    fn a_pipe_closed_under_json_is_success() {
        let mut child = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
        let pipe = child.stdin.take().unwrap();
        child.wait().unwrap();
        let error = serde_json::to_writer(pipe, "text").unwrap_err();
        assert_eq!(status(error), Status::Fine);
    }
}
