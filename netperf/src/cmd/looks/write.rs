//! How is a look written while the user may end the session?

use std::pin::pin;
use std::time::Duration;

use anyhow::Context;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::view::envelope::Reason;

/// How long a reader that does not read may hold up the end of a session.
const LAST_WRITE: Duration = Duration::from_secs(2);

/// Whether the user ended the session while something was written.
pub(in crate::cmd) enum Stopped {
    /// No.
    Not,
    /// For this reason; `None` if nobody looks any more.
    For(Option<Reason>),
}

/// Writes all of `text`, so that no line is cut. A reader that does not read holds up the end no
/// longer than [`LAST_WRITE`].
pub(in crate::cmd) async fn write_unless(
    stop: impl Future<Output = Option<Reason>>,
    text: &[u8],
) -> anyhow::Result<Stopped> {
    let mut stdout = tokio::io::stdout();
    let mut write = pin!(async {
        stdout.write_all(text).await?;
        stdout.flush().await
    });
    tokio::select! {
        written = write.as_mut() => {
            written.context("can't write")?;
            Ok(Stopped::Not)
        }
        reason = stop => match timeout(LAST_WRITE, write).await {
            Ok(written) => {
                written.context("can't write")?;
                Ok(Stopped::For(reason))
            }
            Err(_) => Ok(Stopped::For(None)),
        },
    }
}
