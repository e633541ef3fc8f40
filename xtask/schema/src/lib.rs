//! The files of docs/schema: one JSON Schema for each type of line that a command prints.

use anyhow::Result;

/// Each file by its name, with its text.
///
/// # Errors
/// When a schema can't be written as JSON.
pub fn files() -> Result<Vec<(String, String)>> {
    let schemas = netperf::schema::all().into_iter();
    let files = schemas.map(|(name, schema)| {
        let text = serde_json::to_string_pretty(&schema)?;
        Ok((format!("{name}.json"), format!("{text}\n")))
    });
    files.collect()
}
