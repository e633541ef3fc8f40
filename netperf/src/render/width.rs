//! The size of the terminal that stdout is.

use std::io;

/// Columns of the terminal; `None` where stdout is none, or does not say.
pub fn of_stdout() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|&columns| columns > 0)
}

/// Lines of the terminal; `None` where stdout is none, or does not say.
pub fn lines_of_stdout() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_row)).filter(|&lines| lines > 0)
}
