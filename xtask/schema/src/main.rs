//! Writes docs/schema: the JSON Schema of each type of line, made from the program's own types.

use std::fs;
use std::path::Path;

use anyhow::Result;

fn main() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
    fs::create_dir_all(&folder)?;
    for (name, text) in netperf_schema::files()? {
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}
