//! The lines of JSON that the tracer prints, each checked against the schema of its type.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::tracer::command::text;

/// One line. Every line of JSON that a test reads goes through this function.
///
/// # Errors
/// When it is not JSON, or does not fit the schema of its type.
pub fn line(line: &str) -> Result<Value> {
    let value = serde_json::from_str(line).with_context(|| format!("not JSON: {line:?}"))?;
    #[cfg(feature = "schema")]
    super::schema::check(&value)?;
    Ok(value)
}

/// All lines of an output.
///
/// # Errors
/// When the output is not UTF-8, and those of [`line()`].
pub fn lines(output: &[u8]) -> Result<Vec<Value>> {
    text(output)?.lines().map(line).collect()
}

/// Checks an output if it is a session in JSON, that is, if its first line has the type `start`.
///
/// # Errors
/// Those of [`lines`], and when another line starts the session again.
pub fn check_session(output: &[u8]) -> Result<()> {
    let is_session = output
        .split(|&byte| byte == b'\n')
        .next()
        .and_then(|first| serde_json::from_slice::<Value>(first).ok())
        .is_some_and(|first| first["type"] == "start");
    if is_session {
        let starts = lines(output)?
            .iter()
            .filter(|line| line["type"] == "start")
            .count();
        ensure!(starts == 1, "{starts} start lines in one session");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_passes_and_a_session_with_a_broken_line_or_two_starts_does_not() {
        assert!(check_session(b"PID NAME\n1 init\n").is_ok());
        assert!(check_session(b"").is_ok());
        assert!(check_session(b"{\"some\":\"other program\"}\nno JSON\n").is_ok());
        assert!(check_session(b"{\"type\":\"start\"}\n{\"type\":\n").is_err());
        assert!(check_session(b"{\"type\":\"start\"}\n{\"type\":\"start\"}\n").is_err());
    }
}
