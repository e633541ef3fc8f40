//! The man page of one command.

use std::io;

use clap::Command;
use clap_mangen::Man;
use roff::{Roff, bold, roman};

/// Manual section of programs.
const SECTION: &str = "1";

/// Commands below a command that have pages.
pub(crate) fn children(command: &Command) -> impl Iterator<Item = &Command> {
    command
        .get_subcommands()
        .filter(|child| !child.is_hide_set())
}

/// For example `netperf-trace-limit-set.1`.
pub(crate) fn file_name(command: &Command) -> String {
    format!("{}.{SECTION}", name(command))
}

/// The page in the language of man; `date` is that of its text, as `YYYY-MM-DD`.
pub(crate) fn render(command: &Command, date: &str) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone())
        .title(name(command))
        .section(SECTION)
        .date(date)
        .source(command.get_version().unwrap_or_default())
        .manual("netperf-trace");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    synopsis(command).to_writer(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().next().is_some() {
        let mut options = Vec::new();
        man.render_options_section(&mut options)?;
        page.extend(without_idle_breaks(&String::from_utf8_lossy(&options)).bytes());
    }
    let help = command.get_after_long_help().or(command.get_after_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    blocks(&help).to_writer(&mut page)?;
    see_also(command).to_writer(&mut page)?;
    Ok(page)
}

/// Beside an empty line a line break does nothing, and mandoc warns of it.
fn without_idle_breaks(page: &str) -> String {
    let lines: Vec<&str> = page.lines().collect();
    let is_empty = |index: usize| lines.get(index).is_some_and(|line| line.is_empty());
    let kept = lines.iter().enumerate().filter(|(index, line)| {
        let beside_space = is_empty(index + 1) || index.checked_sub(1).is_some_and(is_empty);
        **line != ".br" || !beside_space
    });
    let line = |line: &str| {
        if line.is_empty() {
            ".sp\n".to_owned()
        } else {
            format!("{line}\n")
        }
    };
    kept.map(|(_, text)| line(text)).collect()
}

/// Commands below the program are called by its name and theirs.
fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or(command.get_name())
}

/// The line that `--help` prints, or several.
fn synopsis(command: &Command) -> Roff {
    let usage = command.clone().render_usage().to_string();
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]).control("nf", []);
    for line in usage.trim_start_matches("Usage:").lines() {
        roff.text([bold(line.trim())]);
    }
    roff.control("fi", []);
    roff
}

/// What stands below the options of `--help`: blocks with a heading each, whose columns are aligned by spaces.
/// Empty lines are left out: man leaves a gap before each heading.
fn blocks(help: &str) -> Roff {
    let mut roff = Roff::new();
    let mut is_open = false;
    for line in help.lines() {
        if let Some(heading) = heading(line) {
            if is_open {
                roff.control("fi", []);
            }
            roff.control("SH", [heading.to_uppercase().as_str()]);
            roff.control("nf", []);
            is_open = true;
        } else if !line.trim().is_empty() {
            if !is_open {
                roff.control("SH", ["NOTES"]).control("nf", []);
                is_open = true;
            }
            roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
        }
    }
    if is_open {
        roff.control("fi", []);
    }
    roff
}

/// A line such as `Examples:`.
fn heading(line: &str) -> Option<&str> {
    let text = line.strip_suffix(':')?;
    let is_heading = text.starts_with(char::is_alphabetic) && text.split(' ').count() <= 4;
    is_heading.then_some(text)
}

/// Pages of the commands below, or of the program.
fn see_also(command: &Command) -> Roff {
    let mut names: Vec<&str> = children(command).map(name).collect();
    let program = command.get_bin_name().and_then(|bin| bin.split(' ').next());
    names.extend(program.filter(|program| *program != name(command)));
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]);
    let last = names.len().saturating_sub(1);
    for (index, name) in names.iter().enumerate() {
        let comma = if index == last { "" } else { "," };
        roff.text([bold(*name), roman(format!("({SECTION}){comma}"))]);
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_below_the_options_become_sections() {
        let text = blocks("Examples:\n  a   b\n\nExit status:\n  0 fine").to_roff();
        assert!(
            text.contains(".SH EXAMPLES\n.nf\na   b\n.fi\n.SH"),
            "{text}"
        );
        assert!(text.contains("\n0 fine\n.fi\n"), "{text}");
    }

    #[test]
    fn breaks_beside_space_are_left_out() {
        assert_eq!(
            without_idle_breaks("a\n.br\n\n.br\nb\n.br\nc\n"),
            "a\n.sp\nb\n.br\nc\n"
        );
    }

    #[test]
    fn pages_of_nested_commands_are_named_after_all_that_is_typed() {
        let set = Command::new("set");
        let mut program = Command::new("p").subcommand(Command::new("limit").subcommand(set));
        program.build();
        let limit = children(&program)
            .find(|child| child.get_name() == "limit")
            .unwrap();
        let set = children(limit)
            .find(|child| child.get_name() == "set")
            .unwrap();
        assert_eq!(file_name(set), "p-limit-set.1");
        let page = String::from_utf8(render(set, "2026-01-31").unwrap()).unwrap();
        assert!(page.contains("\\fBp limit set\\fR"), "{page}");
        assert!(page.contains("\\fBp\\fR(1)"), "{page}");
    }
}
