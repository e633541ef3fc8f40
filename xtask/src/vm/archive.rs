//! Debian packages of any suite, through a private apt: the system's own lists, sources and packages stay as they
//! are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::step::Steps;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Lists older than this are read again.
const LISTS_AGE: Duration = Duration::from_hours(20);

/// The package mirror of this machine, and its release of Debian.
#[derive(Debug)]
pub(super) struct Mirror {
    site: String,
    /// Name of the release, such as `bookworm`.
    pub(super) codename: String,
}

impl Mirror {
    /// Reads both from the machine's own configuration.
    pub(super) fn of_this_machine() -> Result<Self> {
        let os_release = fs::read_to_string("/etc/os-release")?;
        let codename = os_release
            .lines()
            .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
            .context("`/etc/os-release` names no release")?
            .trim_matches('"')
            .to_owned();
        let format = "$(CREATED_BY) $(RELEASE) $(SITE)";
        let targets = output(Command::new("apt-get").args(["indextargets", "--format", format]))?;
        let prefix = format!("Packages {codename} ");
        let site = targets
            .lines()
            .find_map(|line| line.strip_prefix(&prefix))
            .with_context(|| format!("the package sources of this machine lack `{codename}`"))?;
        Ok(Self {
            site: site.to_owned(),
            codename,
        })
    }
}

/// Some suites of Debian, seen together.
#[derive(Debug)]
pub(super) struct Archive<'a> {
    folder: PathBuf,
    /// The database of installed packages that dependencies are held against.
    installed: &'static str,
    steps: &'a Steps,
}

impl<'a> Archive<'a> {
    /// The suite alone, as on a machine without any package.
    pub(super) fn of_suite(
        suite: &str,
        mirror: &Mirror,
        below: &Path,
        steps: &'a Steps,
    ) -> Result<Self> {
        let folder = below.join("archives").join(suite);
        Self::open(&folder, &[suite], "/dev/null", mirror, steps)
    }

    /// This machine's own release with its backports, and the packages that it has.
    pub(super) fn of_this_machine(mirror: &Mirror, below: &Path, steps: &'a Steps) -> Result<Self> {
        let backports = format!("{}-backports", mirror.codename);
        let suites = [mirror.codename.as_str(), &backports];
        let folder = below.join("archives").join("machine");
        Self::open(&folder, &suites, "/var/lib/dpkg/status", mirror, steps)
    }

    fn open(
        folder: &Path,
        suites: &[&str],
        installed: &'static str,
        mirror: &Mirror,
        steps: &'a Steps,
    ) -> Result<Self> {
        fs::create_dir_all(folder.join("lists/partial"))?;
        fs::create_dir_all(folder.join("cache/archives/partial"))?;
        let site = &mirror.site;
        let sources = suites.iter();
        let sources = sources.map(|suite| format!("deb [signed-by={KEYRING}] {site} {suite} main"));
        let sources: Vec<_> = sources.chain([String::new()]).collect();
        let (list, text) = (folder.join("sources.list"), sources.join("\n"));
        // apt reads everything anew after the list was written.
        if fs::read_to_string(&list).ok().as_ref() != Some(&text) {
            fs::write(list, text)?;
        }
        let archive = Self {
            folder: folder.canonicalize()?,
            installed,
            steps,
        };
        archive.refresh(&suites.join(" and "))?;
        Ok(archive)
    }

    /// Reads the lists again if they are old; old ones do where the mirror can't be reached.
    fn refresh(&self, what: &str) -> Result<()> {
        let stamp = self.folder.join("fresh");
        let age = fs::metadata(&stamp)
            .and_then(|file| file.modified())
            .ok()
            .and_then(|written| written.elapsed().ok());
        if age.is_some_and(|age| age < LISTS_AGE) {
            return Ok(());
        }
        let mut update = self.apt("apt-get");
        update.args(["--error-on=any", "update"]);
        let outcome = self
            .steps
            .run_twice(&format!("reading the lists of {what}"), &mut update);
        match outcome {
            Err(error) if age.is_none() => return Err(error),
            Err(error) => eprintln!("{error:#}\ngoing on with older lists"),
            Ok(()) => fs::write(stamp, [])?,
        }
        Ok(())
    }

    /// Names of packages that begin with `prefix`.
    pub(super) fn names(&self, prefix: &str) -> Result<Vec<String>> {
        let names = output(self.apt("apt-cache").args(["pkgnames", prefix]))?;
        Ok(names.lines().map(str::to_owned).collect())
    }

    /// A package and everything that it needs, also indirectly.
    pub(super) fn closure(&self, package: &str) -> Result<Vec<String>> {
        let mut depends = self.apt("apt-cache");
        depends.args(["depends", "--recurse", "--no-recommends", "--no-suggests"]);
        depends.args(["--no-conflicts", "--no-breaks", "--no-replaces"]);
        let answer = output(depends.args(["--no-enhances", "--", package]))?;
        // Edges are indented; other lines are the nodes.
        let nodes = answer
            .lines()
            .filter(|line| !line.starts_with([' ', '<', '|']));
        Ok(nodes.map(str::to_owned).collect())
    }

    /// What this machine would have to install for `package`, each as `NAME=VERSION`.
    pub(super) fn missing(&self, package: &str, release: &str) -> Result<Vec<String>> {
        let mut install = self.apt("apt-get");
        install.args(["install", "--simulate", "--no-install-recommends"]);
        install.args(["--target-release", release, "--", package]);
        let plan = output(&mut install)?;
        Ok(plan.lines().filter_map(planned).collect())
    }

    /// Unpacks packages into a folder below `below`, named after the version of `main`, which is one
    /// of them. What was unpacked before is taken as it is.
    pub(super) fn unpack(&self, main: &str, packages: &[String], below: &Path) -> Result<PathBuf> {
        let uris = output(
            self.apt("apt-get")
                .args(["download", "--print-uris"])
                .args(packages),
        )?;
        let name = uris
            .lines()
            .filter_map(|line| line.split(' ').nth(1)?.strip_suffix(".deb"))
            .find(|file| file.split('_').next() == Some(main))
            .with_context(|| format!("`{main}` can't be downloaded"))?;
        let (unpacked, partial) = (below.join(name), below.join("partial"));
        if unpacked.exists() {
            return Ok(unpacked);
        }
        if partial.exists() {
            fs::remove_dir_all(&partial)?;
        }
        let (packed, root) = (partial.join("packed"), partial.join("root"));
        fs::create_dir_all(&packed)?;
        let mut download = self.apt("apt-get");
        download.arg("download").args(packages).current_dir(&packed);
        self.steps
            .run_twice(&format!("downloading {name}"), &mut download)?;
        for package in fs::read_dir(&packed)? {
            output(
                Command::new("dpkg-deb")
                    .arg("-x")
                    .arg(package?.path())
                    .arg(&root),
            )?;
        }
        fs::rename(&root, &unpacked)?;
        fs::remove_dir_all(&partial)?;
        Ok(unpacked)
    }

    /// An apt program that knows nothing but these suites.
    fn apt(&self, program: &str) -> Command {
        let folder = self.folder.display();
        let mut apt = Command::new(program);
        apt.env("LC_ALL", "C")
            .env("DEBIAN_FRONTEND", "noninteractive");
        for setting in [
            format!("Dir::Etc::sourcelist={folder}/sources.list"),
            "Dir::Etc::sourceparts=-".to_owned(),
            "Dir::Etc::preferences=-".to_owned(),
            "Dir::Etc::preferencesparts=-".to_owned(),
            format!("Dir::State::lists={folder}/lists"),
            format!("Dir::State::status={}", self.installed),
            format!("Dir::Cache={folder}/cache"),
            // Some images of Debian keep no cache, which is read anew at each call then.
            "Dir::Cache::pkgcache=pkgcache.bin".to_owned(),
            "Dir::Cache::srcpkgcache=srcpkgcache.bin".to_owned(),
            "Acquire::Languages=none".to_owned(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
            "APT::Sandbox::User=".to_owned(),
            // A mirror that can't be reached fails soon.
            "Acquire::Retries=1".to_owned(),
            "Acquire::http::Timeout=20".to_owned(),
        ] {
            apt.args(["-o", &setting]);
        }
        apt
    }
}

/// `NAME=VERSION` of a line such as `Inst NAME [OLD] (VERSION SUITE [ARCH])`.
fn planned(line: &str) -> Option<String> {
    let (name, rest) = line.strip_prefix("Inst ")?.split_once(' ')?;
    let version = rest.split_once('(')?.1.split(' ').next()?;
    Some(format!("{name}={version}"))
}

/// What a program writes.
///
/// # Errors
/// Holds what it wrote to stderr if it fails.
pub(super) fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().display().to_string();
    let answer = command
        .output()
        .with_context(|| format!("`{name}` does not start"))?;
    let complaint = String::from_utf8_lossy(&answer.stderr);
    ensure!(answer.status.success(), "`{name}`: {}", complaint.trim());
    Ok(String::from_utf8(answer.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_names_what_is_new_and_what_is_newer() {
        let new = "Inst seabios (1.16.3-2 Debian Backports:oldstable-backports [all])";
        assert_eq!(planned(new).unwrap(), "seabios=1.16.3-2");
        let newer = "Inst libc6 [2.36-9] (2.41-12 Debian:13.7/stable [amd64]) [libc-bin:amd64 ]";
        assert_eq!(planned(newer).unwrap(), "libc6=2.41-12");
        assert_eq!(planned("Conf seabios (1.16.3-2 Debian [all])"), None);
    }
}
