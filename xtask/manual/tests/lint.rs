//! man and the shells accept the pages and completions without a warning.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

/// Pages that must be among the written ones: the program, a command, a nested command.
const PAGES: [&str; 3] = [
    "netperf-trace.1",
    "netperf-trace-top.1",
    "netperf-trace-limit-set.1",
];

/// A folder with everything in it.
fn written() -> Result<TempDir> {
    let folder = TempDir::new()?;
    let output = Command::new(env!("CARGO_BIN_EXE_manual"))
        .args(["--date", "2026-01-31"])
        .arg(folder.path())
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(folder)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Fails with what `program` prints about `file`, unless that is nothing.
fn lint(program: &str, arguments: &[&str], file: &Path) -> Result<()> {
    let output = Command::new(program).args(arguments).arg(file).output();
    let output = output.with_context(|| format!("`{program}` is not installed"))?;
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed);
    if !output.status.success() || !printed.trim().is_empty() {
        bail!("{program} {}: {}\n{printed}", file.display(), output.status);
    }
    Ok(())
}

fn lint_page(page: &Path) -> Result<()> {
    lint("mandoc", &["-Tlint", "-W", "warning"], page)
}

#[test]
fn every_command_has_a_page_without_warnings() -> Result<()> {
    let folder = written()?;
    let pages = files(&folder.path().join("man/man1"))?;
    for name in PAGES {
        ensure!(
            pages.iter().any(|page| page.ends_with(name)),
            "no page `{name}`"
        );
    }
    for page in &pages {
        lint_page(page)?;
    }
    Ok(())
}

#[test]
fn a_page_with_a_warning_is_refused() -> Result<()> {
    let folder = TempDir::new()?;
    let page = folder.path().join("broken.1");
    fs::write(&page, ".TH broken 1\n.SH NAME\nbroken \\- a page\n.XYZ\n")?;
    ensure!(
        lint_page(&page).is_err(),
        "a macro that there is not was accepted"
    );
    Ok(())
}

#[test]
fn shells_accept_the_completions() -> Result<()> {
    let folder = written()?;
    let folder = folder.path().join("completions");
    lint("bash", &["-n"], &folder.join("netperf-trace.bash"))?;
    lint("zsh", &["-n"], &folder.join("_netperf-trace"))?;
    lint("fish", &["-n"], &folder.join("netperf-trace.fish"))
}

#[test]
fn bash_completes_a_command() -> Result<()> {
    let folder = written()?;
    let script = folder.path().join("completions/netperf-trace.bash");
    let press_tab = "source \"$0\"; COMP_WORDS=(netperf-trace lim); COMP_CWORD=1; \
                     [[ $(complete -p netperf-trace) =~ -F\\ ([^\\ ]+) ]] && \
                     \"${BASH_REMATCH[1]}\" netperf-trace lim netperf-trace; echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash")
        .args(["-c", press_tab])
        .arg(&script)
        .output()?;
    let completed = String::from_utf8(output.stdout)?;
    ensure!(completed.trim() == "limit", "`lim` became `{completed}`");
    Ok(())
}
