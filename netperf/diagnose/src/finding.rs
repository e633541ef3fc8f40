//! What is a finding? What is wrong, how that is known, and what to do about it.

use serde::Serialize;

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What it is. May hold untrusted text.
    pub what: String,
    /// Why that is so, in numbers. May hold untrusted text.
    pub evidence: String,
    /// What to do, in order. May hold untrusted text.
    pub advice: Vec<String>,
}

impl Finding {
    /// All of it.
    pub fn new(level: Level, what: String, evidence: String, advice: &[String]) -> Self {
        Self {
            level,
            what,
            evidence,
            advice: advice.to_vec(),
        }
    }
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Connections fail, or will within a minute.
    Critical,
    /// Something is wrong.
    Warn,
    /// It looks odd and is as it should be.
    Ok,
}

impl Level {
    /// As the JSON has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warn => "warn",
            Self::Ok => "ok",
        }
    }
}
