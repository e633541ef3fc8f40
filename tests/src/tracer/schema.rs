//! The JSON Schemas of `docs/schema`: one file, named after it, for each `type` of a line.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, bail};
use jsonschema::Validator;
use serde_json::Value;

/// A validator for each type of line.
#[derive(Debug)]
pub struct Schemas(BTreeMap<String, Validator>);

impl Schemas {
    /// Reads every `TYPE.json` of `folder`. References to other files or hosts are errors.
    ///
    /// # Errors
    /// When a file can't be read, or is no valid schema.
    pub fn load(folder: &Path) -> Result<Self> {
        let mut validators = BTreeMap::new();
        let entries = fs::read_dir(folder).with_context(|| format!("no {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.extension() != Some(OsStr::new("json")) {
                continue;
            }
            let name = path.file_stem().and_then(OsStr::to_str);
            let name = name.context("a file name that is no UTF-8")?.to_owned();
            let validator = validator(&path).with_context(|| path.display().to_string())?;
            validators.insert(name, validator);
        }
        Ok(Self(validators))
    }

    /// Whether `line` fits the schema of its type.
    ///
    /// # Errors
    /// All that does not fit, with its place in the line; or that the type has no schema.
    pub fn check(&self, line: &Value) -> Result<()> {
        let name = line["type"].as_str();
        let name = name.with_context(|| format!("a line without a type: {line}"))?;
        let validator = self.0.get(name);
        let validator = validator.with_context(|| format!("docs/schema has no {name}.json"))?;
        let errors: Vec<String> = validator
            .iter_errors(line)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        if !errors.is_empty() {
            bail!(
                "not as docs/schema/{name}.json: {}; {line}",
                errors.join("; ")
            );
        }
        Ok(())
    }
}

fn validator(path: &Path) -> Result<Validator> {
    let schema: Value = serde_json::from_slice(&fs::read(path)?)?;
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .map_err(|error| anyhow!("no valid schema: {error}"))
}

/// Where the schemas are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema")
}

/// Whether `line` fits the schema of its type in this repository.
///
/// # Errors
/// Those of [`Schemas::load`] and [`Schemas::check`].
pub fn check(line: &Value) -> Result<()> {
    static SCHEMAS: OnceLock<Result<Schemas>> = OnceLock::new();
    match SCHEMAS.get_or_init(|| Schemas::load(&folder())) {
        Ok(schemas) => schemas.check(line),
        Err(error) => bail!("{error:#}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tempfile::TempDir;

    use super::*;

    fn folder_with(schema: &Value) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("end.json"), schema.to_string()).unwrap();
        folder
    }

    fn end() -> Value {
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "type": {"const": "end"},
                "time": {"type": "string", "format": "date-time"},
                "ticks": {"type": "integer", "minimum": 0},
            },
            "required": ["type", "time", "ticks"],
        })
    }

    #[test]
    fn a_line_that_does_not_fit_its_schema_is_named_with_the_place() {
        let folder = folder_with(&end());
        let schemas = Schemas::load(folder.path()).unwrap();
        let line = |ticks: Value, time| json!({"type": "end", "time": time, "ticks": ticks});
        let moment = "2026-11-22T09:41:00.123456789Z";
        assert!(schemas.check(&line(json!(3), moment)).is_ok());
        for wrong in [
            line(json!(-1), moment),
            line(json!("3"), moment),
            line(Value::Null, moment),
            line(json!(3), "yesterday"),
            json!({"type": "end", "time": moment}),
        ] {
            assert!(schemas.check(&wrong).is_err(), "{wrong} passes");
        }
        let error = schemas.check(&line(json!(-1), moment)).unwrap_err();
        assert!(error.to_string().contains("/ticks"), "{error}");
    }

    #[test]
    fn a_type_without_a_schema_is_an_error() {
        let folder = folder_with(&end());
        let schemas = Schemas::load(folder.path()).unwrap();
        let error = schemas.check(&json!({"type": "start"})).unwrap_err();
        assert!(error.to_string().contains("no start.json"), "{error}");
        assert!(schemas.check(&json!({"ticks": 3})).is_err());
    }

    #[test]
    fn schemas_that_are_wrong_or_refer_to_other_places_are_refused() {
        for schema in [
            json!({"type": "no such type"}),
            json!({"$ref": "https://example.org/end.json"}),
            json!({"$ref": "start.json"}),
        ] {
            let folder = folder_with(&schema);
            assert!(Schemas::load(folder.path()).is_err(), "{schema} loads");
        }
    }
}
