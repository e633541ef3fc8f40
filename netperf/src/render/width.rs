//! The size of the terminal on stdout.

use std::io;

/// Columns of the terminal; `None` if stdout is none, or does not report them.
pub fn of_stdout() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|&columns| columns > 0)
}

/// Lines of the terminal; `None` if stdout is none, or does not report them.
pub fn lines_of_stdout() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_row)).filter(|&lines| lines > 0)
}
