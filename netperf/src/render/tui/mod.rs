//! The full screen. Contents, keys and drawing are apart: `state`, `input`, and one widget a file.

mod cursor;
mod flows_page;
mod footer;
mod grid;
mod header;
mod help;
mod input;
mod links;
mod log_tail;
mod order;
mod overlay;
mod page;
mod page_context;
mod path_keys;
mod path_page;
mod path_screen;
mod prompt;
mod screen;
mod sockets_state;
mod state;
mod states_page;
mod status_line;
mod terminal;
mod top_page;

#[cfg(test)]
mod tests;

pub use self::log_tail::LogTail;
pub use self::order::LimitOrder;
pub use self::path_screen::PathScreen;
pub use self::screen::{Event, Screen};
pub use self::state::{FirstPage, Settings};
