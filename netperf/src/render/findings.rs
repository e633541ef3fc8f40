//! How are findings written for people? Each with its level, its evidence, and what to do.

use std::io;

use super::looks::sentence;
use crate::view::states::Finding;

/// Longest line of a sentence: longer ones are hard to read.
const SENTENCE: usize = 100;

/// Blanks below a level: that of the longest, and two.
const INDENT: usize = 10;

/// Writes findings in lines of `width` columns at most.
pub(super) fn write(findings: &[Finding], width: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let width = width.min(SENTENCE);
    let blank = " ".repeat(INDENT);
    for found in findings {
        let level = found.level.word();
        sentence(&format!("{level:INDENT$}"), &found.what, width, out)?;
        sentence(&blank, &found.evidence, width, out)?;
        for advice in &found.advice {
            sentence(&format!("{blank}-> "), advice, width, out)?;
        }
    }
    Ok(())
}
