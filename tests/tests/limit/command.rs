//! `limit` before any packet is delayed: its arguments, its files, its rights.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use netperf_tests::sys::deadline::Deadline;
use netperf_tests::tracer::command::text;
use netperf_tests::tracer::ndjson;
use netperf_tests::tracer::public_copy::PublicCopy;
use netperf_tests::tracer::registry::RegistryFolder;

/// An idle process; killed when it is dropped.
struct Idle(Child);

impl Idle {
    fn start(command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        Ok(Self(child))
    }

    fn sleeping() -> Result<Self> {
        Self::start(Command::new("sleep").arg("120"))
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn ambiguous_and_absurd_rates_are_refused_with_the_reason() -> Result<()> {
    let folder = RegistryFolder::none();
    let idle = Idle::sleeping()?;
    let pid = idle.pid();
    for (rate, reason) in [
        ("20Mb", "write `20MB` for 20 000 000 bytes per second"),
        ("20mbps", "`20Mbit` for 2 500 000 bytes per second"),
        ("20", "can be read in two ways"),
        ("-5MB", "is negative"),
        ("0", "less than one byte"),
        ("20XB", "unknown unit"),
        ("1kB", "less than one packet a second"),
        ("9kB", "the lowest limit"),
        ("11GB", "the highest limit"),
    ] {
        for args in [
            &["--pid", &pid, rate][..],
            &["--pid", &pid, "--up", rate],
            &["--pid", &pid, "--down", rate, "--detach"],
            &["set", "--id", "1", rate],
        ] {
            let message = folder.refused(args, 2)?;
            ensure!(message.contains(reason), "{args:?}: {message}");
        }
    }
    ensure!(!folder.0.exists(), "a refused limit has made its folder");
    Ok(())
}

#[test]
fn targets_that_can_not_be_limited_are_refused_with_the_reason() -> Result<()> {
    let folder = RegistryFolder::none();
    let ended = Idle::sleeping()?.pid();
    for (args, reason) in [
        (&["--pid", "1", "20MB"][..], "the whole machine"),
        (&["--pid", "1", "20MB", "--dry-run"], "the whole machine"),
        (&["--pid", "1", "20MB", "--detach"], "the whole machine"),
        (&["--pid", &ended, "20MB"], "there is no process"),
        (
            &["--name", "^no such name$", "20MB"],
            "no process has a name",
        ),
        (&["--unit", "no-such-unit", "20MB"], "no-such-unit"),
        (&["--container", "abc", "20MB"], "too short"),
        (&["--cgroup", "/no/such/cgroup", "20MB"], "/no/such/cgroup"),
        (&["20MB"], "no target given"),
        (&["--pid", &ended], "no rate"),
        (&["--pid", &ended, "20MB", "list"], "nothing else goes with"),
        (&["--pid", &ended, "20MB", "--for", "10"], "10m"),
    ] {
        let message = folder.refused(args, 2)?;
        ensure!(message.contains(reason), "{args:?}: {message}");
    }
    Ok(())
}

#[test]
fn a_reused_pid_is_not_taken_for_the_process_that_has_ended() -> Result<()> {
    let folder = RegistryFolder::none();
    let idle = Idle::sleeping()?;
    let args = ["--pid", &idle.pid(), "--started", "5", "20MB", "--detach"];
    let message = folder.refused(&args, 2)?;
    ensure!(
        message.contains("has ended; its number is sleep's now"),
        "{message}"
    );
    Ok(())
}

#[test]
fn processes_in_several_network_namespaces_are_refused_by_name() -> Result<()> {
    let folder = RegistryFolder::none();
    let here = Idle::sleeping()?;
    let there = Idle::start(Command::new("unshare").args(["--net", "sleep", "120"]))?;
    let namespace = |idle: &Idle| fs::read_link(format!("/proc/{}/ns/net", idle.0.id()));
    let deadline = Deadline::seconds(10);
    while namespace(&there)? == namespace(&here)? {
        ensure!(!deadline.left().is_zero(), "unshare has no effect");
        std::thread::yield_now();
    }
    let (here, there) = (here.pid(), there.pid());
    let message = folder.refused(&["--pid", &here, "--pid", &there, "20MB"], 2)?;
    for part in ["several network namespaces", &here, &there, "net:["] {
        ensure!(message.contains(part), "{part}: {message}");
    }
    Ok(())
}

#[test]
fn without_limits_the_list_is_empty_and_nothing_is_made() -> Result<()> {
    let folder = RegistryFolder::none();
    let output = folder.limit(&["list"])?;
    ensure!(output.status.success(), "{output:?}");
    ensure!(
        text(&output.stdout)? == "no limit is held on this machine\n",
        "{output:?}"
    );
    let output = folder.limit(&["list", "--json"])?;
    let lines = ndjson::lines(&output.stdout)?;
    let types: Vec<_> = lines.iter().map(|line| &line["type"]).collect();
    ensure!(types == ["start", "limits", "end"], "{lines:#?}");
    ensure!(lines[1]["limits"] == serde_json::json!([]), "{}", lines[1]);
    ensure!(
        folder.limit(&["clear", "--all"])?.status.success(),
        "clear --all"
    );
    ensure!(!folder.0.exists(), "the list has created the folder");
    Ok(())
}

#[test]
fn limits_that_do_not_exist_can_not_be_changed_or_lifted() -> Result<()> {
    let folder = RegistryFolder::none();
    for args in [
        &["clear", "--id", "3"][..],
        &["clear", "--pid", "3"],
        &["set", "--id", "3", "5MB"],
    ] {
        let message = folder.refused(args, 2)?;
        ensure!(message.contains("limit list"), "{args:?}: {message}");
    }
    Ok(())
}

#[test]
fn files_of_a_killed_holder_are_removed_by_the_next_run() -> Result<()> {
    let folder = RegistryFolder::new()?;
    for name in ["limit-3", "limit-3.sock", "limit-7.sock"] {
        fs::write(folder.file(name), "{}")?;
    }
    fs::write(folder.file("notes"), "of another program")?;
    ensure!(folder.limit(&["list"])?.status.success(), "the list");
    let left: Vec<_> = fs::read_dir(&folder.0)?
        .map(|it| it.map(|it| it.file_name()))
        .collect::<Result<_, _>>()?;
    ensure!(left == ["notes"], "{left:?}");
    Ok(())
}

#[test]
fn links_and_folders_of_others_are_not_followed() -> Result<()> {
    let folder = RegistryFolder::new()?;
    let victim = folder.file("victim");
    fs::write(&victim, "precious")?;
    symlink(&victim, folder.file("limit-1"))?;
    let idle = Idle::sleeping()?;
    let refuses = |folder: &RegistryFolder, part: &str| -> Result<()> {
        for args in [&["list"][..], &["--pid", &idle.pid(), "20MB"]] {
            let message = folder.refused(args, 1)?;
            ensure!(message.contains(part), "{args:?}: {message}");
        }
        Ok(())
    };
    refuses(&folder, "is a symbolic link")?;
    ensure!(
        fs::read_to_string(&victim)? == "precious",
        "it was followed"
    );

    let open = RegistryFolder::new()?;
    fs::set_permissions(&open.0, Permissions::from_mode(0o777))?;
    refuses(&open, "may be written by others")?;

    let linked = RegistryFolder::none();
    symlink(&folder.0, &linked.0)?;
    let result = refuses(&linked, "is no folder");
    fs::remove_file(&linked.0)?;
    result?;

    let foreign = RegistryFolder::new()?;
    std::os::unix::fs::chown(&foreign.0, Some(65534), None)?;
    refuses(&foreign, "belongs to another user")
}

#[test]
fn without_rights_it_names_the_missing_ones_and_changes_nothing() -> Result<()> {
    let public = PublicCopy::new()?;
    let folder = RegistryFolder::new()?;
    let idle = Idle::sleeping()?;
    let pid = idle.pid();
    for (args, part) in [
        (&["--pid", &pid, "20MB"][..], "CAP_NET_ADMIN"),
        (&["--pid", &pid, "20MB", "--detach"], "CAP_SYS_ADMIN"),
        (&["--pid", &pid, "20MB", "--dry-run"], "CAP_BPF"),
        (&["20MB", "--", "true"], "sudo"),
        (&["list"], "root"),
        (&["clear", "--all"], "root"),
        (&["set", "--id", "1", "5MB"], "root"),
    ] {
        let output = folder.run(&mut public.as_nobody(), args)?;
        let message = text(&output.stderr)?;
        ensure!(
            output.status.code() == Some(3),
            "{args:?}: {}, {message}",
            output.status
        );
        ensure!(message.contains(part), "{args:?}: {message}");
        ensure!(output.stdout.is_empty(), "{args:?} prints on stdout");
    }
    ensure!(is_empty(&folder.0)?, "something was left");
    Ok(())
}

fn is_empty(folder: &Path) -> Result<bool> {
    let mut entries = fs::read_dir(folder).context("no folder")?;
    Ok(entries.next().is_none())
}

#[test]
fn help_has_examples_and_explains_what_stays_limited() -> Result<()> {
    let folder = RegistryFolder::none();
    let output = folder.limit(&["--help"])?;
    let help = text(&output.stdout)?;
    for part in [
        "sudo netperf-trace limit --pid 9821 20MB",
        "passes to another one stays limited",
        "limit clear --id N|--pid PID|--all",
    ] {
        ensure!(help.contains(part), "{part}: {help}");
    }
    Ok(())
}
