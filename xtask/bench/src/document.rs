//! Writes the report into `docs/benchmarks.md`, between two marks.

use std::fs;

use anyhow::{Context as _, Result};

use xtask::workspace::Workspace;

const FILE: &str = "docs/benchmarks.md";
const BEGIN: &str = "<!-- begin: written by `cargo xtask bench --write` -->\n";
const END: &str = "<!-- end -->";

/// Replaces the generated part.
pub(super) fn write(workspace: &Workspace, report: &str) -> Result<()> {
    let path = workspace.root.join(FILE);
    let text = fs::read_to_string(&path).with_context(|| format!("no `{FILE}`"))?;
    let text = replace(&text, report)
        .with_context(|| format!("`{FILE}` lacks `{}` or `{END}`", BEGIN.trim()))?;
    fs::write(&path, text).with_context(|| format!("can't write `{FILE}`"))
}

fn replace(text: &str, report: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{report}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_around_stay() {
        let text = format!("before\n{BEGIN}old{END}\nafter\n");
        let once = replace(&text, "new").unwrap();
        assert_eq!(once, format!("before\n{BEGIN}\nnew\n{END}\nafter\n"));
        assert_eq!(replace(&once, "new"), Some(once));
        assert_eq!(replace("no marks", "new"), None);
    }
}
