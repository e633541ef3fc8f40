//! What was measured, and what does it add up to? Samples, the models made of them, and the units and texts
//! that all crates share. No I/O but the clocks in [`clock`].

pub mod clock;
pub mod collect;
pub mod failure;
pub mod host_names;
pub mod machine;
pub mod model;
pub mod sample;
pub mod text;
pub mod units;

#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;
#[cfg(any(test, fuzzing, feature = "fixtures"))]
pub mod mutate;
