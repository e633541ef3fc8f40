//! `cargo xtask vm-test`: boots every supported kernel and tests the hooks there.
//!
//! Kernels and QEMU are Debian's, fetched by suite and kept in the target directory.

mod archive;
mod image;
mod kernels;
mod qemu;
mod report;

use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, mpsc};
use std::thread;

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use self::archive::Mirror;
use self::image::{Modules, Programs};
use self::kernels::{Kernel, Wanted};
use self::qemu::{Ended, Machine, Qemu};
use self::report::{Report, Total};
use crate::build::PROGRAM;
use crate::count::Count;
use crate::setup::programs::{self, Program};
use crate::static_build;
use crate::step::Steps;
use crate::workspace::Workspace;

/// Programs that fetching, unpacking and the guest call.
const NEEDED: [Program; 5] = [
    Program {
        name: "ip",
        package: "iproute2",
    },
    Program {
        name: "apt-get",
        package: "apt",
    },
    Program {
        name: "dpkg-deb",
        package: "dpkg",
    },
    Program {
        name: "depmod",
        package: "kmod",
    },
    Program {
        name: "xz",
        package: "xz-utils",
    },
];

/// Kernels from 5.10 on, each with features that the others lack.
const KERNELS: &str = "bullseye,bookworm,trixie,trixie-backports:6.18,trixie-backports";

/// Processors of a machine: more than one, so that races can happen.
const CPUS: u32 = 2;

/// A matrix of fewer kernels proves too little.
const FEWEST: usize = 4;

/// What to test, and on which kernels.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Kernels, as SUITE or SUITE:SERIES of Debian
    #[arg(long, value_delimiter = ',', default_value = KERNELS)]
    kernels: Vec<Wanted>,
    /// Only a short test of every hook set
    #[arg(long, conflicts_with = "only")]
    smoke: bool,
    /// Run only one test, or those of one topic
    #[arg(long, value_name = "TEST")]
    only: Option<String>,
    /// Also keep the console of machines on which everything passed
    #[arg(long)]
    keep_log: bool,
}

impl Options {
    /// The defaults of the command line.
    fn all_kernels() -> Self {
        Self {
            kernels: KERNELS.split(',').map(Wanted::new).collect(),
            smoke: false,
            only: None,
            keep_log: false,
        }
    }
}

/// Tests each kernel and prints the sum as the last line.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    Ok(test(workspace, options)?.close())
}

/// Every test on every kernel. What keeps the machines from booting is a failure.
pub(crate) fn full(workspace: &Workspace) -> Count {
    counted(test(workspace, &Options::all_kernels()))
}

/// A short test of every hook set on every kernel.
pub(crate) fn smoke(workspace: &Workspace) -> Count {
    let options = Options {
        smoke: true,
        ..Options::all_kernels()
    };
    counted(test(workspace, &options))
}

fn counted(outcome: Result<Count>) -> Count {
    outcome.unwrap_or_else(|error| {
        let mut count = Count::default();
        count.fail(format!("virtual machines: {error:#}"));
        count
    })
}

/// What a kernel wrote to its console.
#[derive(Debug)]
pub struct Console {
    /// Release of the kernel.
    pub release: String,
    /// All that the kernel wrote.
    pub text: String,
    /// Where the text is kept.
    pub file: PathBuf,
    /// Whether the machine switched itself off.
    pub ended: bool,
}

/// Boots every kernel of the matrix with empty eBPF programs and what attaches them; `empty` is their object. The
/// guest gets `arguments`.
///
/// # Errors
/// When a program does not compile, or a kernel can't be fetched or booted.
pub fn consoles(
    workspace: &Workspace,
    empty: PathBuf,
    arguments: &[String],
) -> Result<Vec<Console>> {
    let hooks = static_build::Programs::build_hooks(workspace)?;
    let machines = Machines::obtain(workspace, guest_programs(workspace, &[hooks, empty])?)?;
    let on_each = KERNELS.split(',').map(|wanted| {
        let kernel = machines.kernel(&Wanted::new(wanted))?;
        let (ended, file) = machines.boot(&kernel, Modules::None, arguments, 1)?;
        Ok(Console {
            release: kernel.release,
            text: String::from_utf8_lossy(&fs::read(&file)?).into_owned(),
            file,
            ended: ended.status.is_some(),
        })
    });
    on_each.collect()
}

/// What runs in a virtual machine: the program, the mover and the guest's PID 1, all static, as the image has no
/// libraries. `others` are added.
fn guest_programs(workspace: &Workspace, others: &[PathBuf]) -> Result<Programs> {
    let built = static_build::Programs::build(workspace)?;
    let tested = [PROGRAM, "mover"].map(|name| built.path(name));
    let called = ["ip", "tc", "timeout"].into_iter();
    let called = called.map(|name| programs::find(name).with_context(|| format!("no `{name}`")));
    Ok(Programs {
        init: built.path("guest"),
        tested: [&tested[..], others].concat(),
        called: called.collect::<Result<_>>()?,
    })
}

fn test(workspace: &Workspace, options: &Options) -> Result<Count> {
    ensure!(!options.kernels.is_empty(), "no kernel is named");
    let machines = Machines::obtain(workspace, guest_programs(workspace, &[])?)?;
    let matrix = Matrix { options, machines };
    let kernels: Vec<_> = options
        .kernels
        .iter()
        .map(|wanted| (wanted, matrix.machines.kernel(wanted)))
        .collect();
    let mut total = Total::default();
    matrix.test_all(&kernels, |wanted, outcome| match outcome {
        Ok(report) => {
            report.print();
            total.add(&report);
        }
        Err(error) => total.fail(wanted, &error),
    });
    for (wanted, error) in kernels.iter().filter_map(|(wanted, kernel)| {
        let error = kernel.as_ref().err()?;
        Some((wanted, error))
    }) {
        total.skip(wanted, error);
    }
    Ok(total.close(options.kernels.len().min(FEWEST)))
}

/// What every machine needs.
struct Machines {
    programs: Programs,
    qemu: Qemu,
    mirror: Mirror,
    folder: PathBuf,
    steps: Steps,
}

impl Machines {
    fn obtain(workspace: &Workspace, programs: Programs) -> Result<Self> {
        programs::ensure(workspace, &NEEDED, "fetch kernels")?;
        let folder = workspace.target.join("vm");
        let steps = Steps::new(folder.join("vm-test.log"))?;
        let mirror = Mirror::of_this_machine()?;
        let qemu = Qemu::obtain(&mirror, &folder, &steps).context("QEMU can't be fetched")?;
        Ok(Self {
            programs,
            qemu,
            mirror,
            folder,
            steps,
        })
    }

    fn kernel(&self, wanted: &Wanted) -> Result<Kernel> {
        kernels::obtain(wanted, &self.mirror, &self.folder, &self.steps)
    }

    /// Boots a kernel and waits for its end. Returns the file with its console.
    fn boot(
        &self,
        kernel: &Kernel,
        modules: Modules,
        arguments: &[String],
        cpus: u32,
    ) -> Result<(Ended, PathBuf)> {
        let files = self.folder.join("machines").join(&kernel.release);
        fs::create_dir_all(&files)?;
        let image = files.join("initramfs");
        image::write(&image, &self.programs, kernel, modules)
            .with_context(|| format!("no image for `{}`", kernel.release))?;
        let console = files.join("console.log");
        let ended = self.qemu.run(&Machine {
            kernel: &kernel.image,
            image: &image,
            console: &console,
            arguments,
            cpus,
        })?;
        fs::remove_file(&image)?;
        Ok((ended, console))
    }
}

/// A test on several kernels.
struct Matrix<'a> {
    options: &'a Options,
    machines: Machines,
}

impl Matrix<'_> {
    /// Tests the available kernels, as many at once as there are processors, and reports each as it ends. The newest,
    /// which boot longest, come first.
    fn test_all(
        &self,
        kernels: &[(&Wanted, Result<Kernel>)],
        mut tell: impl FnMut(&Wanted, Result<Report>),
    ) {
        let available = kernels
            .iter()
            .rev()
            .filter_map(|(wanted, kernel)| Some((*wanted, kernel.as_ref().ok()?)));
        let waiting = Mutex::new(available);
        let next = || waiting.lock().ok()?.next();
        let at_once = thread::available_parallelism().map_or(1, NonZero::get);
        let (ended, all_ended) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..at_once {
                let ended = ended.clone();
                scope.spawn(move || {
                    while let Some((wanted, kernel)) = next()
                        && ended.send((wanted, self.test(wanted, kernel))).is_ok()
                    {
                    }
                });
            }
            drop(ended);
            for (wanted, outcome) in all_ended {
                tell(wanted, outcome);
            }
        });
    }

    fn test(&self, wanted: &Wanted, kernel: &Kernel) -> Result<Report> {
        let (modules, cpus) = if self.options.smoke {
            (Modules::None, 1)
        } else {
            (Modules::Needed, CPUS)
        };
        let arguments = self.arguments();
        let (ended, console) = self.machines.boot(kernel, modules, &arguments, cpus)?;
        let report = Report::read(wanted, kernel, ended, console.clone())?;
        if !self.options.keep_log && report.is_success() {
            fs::remove_file(&console)?;
        }
        Ok(report)
    }

    /// Arguments of the guest.
    fn arguments(&self) -> Vec<String> {
        match &self.options.only {
            Some(name) => vec!["--only".to_owned(), name.clone()],
            None if self.options.smoke => vec!["--smoke".to_owned()],
            None => Vec::new(),
        }
    }
}

/// Name of the only entry of a folder.
fn only_entry(folder: &Path) -> Result<String> {
    let name = fs::read_dir(folder)
        .ok()
        .and_then(|mut entries| entries.next())
        .with_context(|| format!("`{}` is empty", folder.display()))??
        .file_name();
    Ok(name.to_string_lossy().into_owned())
}
