//! Pictures of the program's screens, for README and docs.
//!
//! Each [`scenario`] runs the real program in a pseudo-terminal, beside processes that move bytes between network
//! namespaces of their own ([`network`], [`load`]). The screen is written as SVG images ([`svg`]), with
//! colours for light and dark pages. `tests/current.rs` holds the images in `docs/images` against the screens
//! of today.

pub mod frame;
pub mod load;
pub mod network;
pub mod scenario;
pub mod svg;
