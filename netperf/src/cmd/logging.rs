//! Diagnostics: to stderr, or to the status line while the screen is in use.

use std::io::{self, Write};

use env_logger::{Builder, Env, Target};
use log::LevelFilter;
use netperf_core::text::visible;

use crate::render::tui::LogTail;

/// Starts logging: warnings; with `-v` information, with `-vv` details. `RUST_LOG` has precedence.
pub(super) fn start(verbosity: u8, screen: Option<LogTail>) {
    let level = match verbosity {
        0 => LevelFilter::Warn,
        1 => LevelFilter::Info,
        _ => LevelFilter::Debug,
    };
    let mut builder = Builder::new();
    builder.filter_level(level).parse_env(Env::default());
    builder.format(|out, record| {
        let text = record.args().to_string();
        writeln!(
            out,
            "{}: {}",
            record.level().as_str().to_lowercase(),
            visible(&text)
        )
    });
    if let Some(tail) = screen {
        builder.target(Target::Pipe(Box::new(tail)));
    }
    // A logger that is there already, as in a test, may stay.
    let _ = builder.try_init();
}

/// Writes an error to stderr: the whole chain once, each line free of escape sequences.
pub fn report(error: &anyhow::Error) {
    let text = format!("{error:#}");
    let mut stderr = io::stderr().lock();
    for (at, line) in text.lines().enumerate() {
        let prefix = if at == 0 { "netperf-trace: " } else { "" };
        // Without stderr, there is no reader.
        let _ = writeln!(stderr, "{prefix}{}", visible(line));
    }
}
