//! Turns: which tests of one program may run at the same time.
//!
//! Losses are counted for the whole machine, settings of the kernel hold for all of it, and a rate
//! means little beside another measurement. A test that depends on one of these has the machine for
//! itself, as far as the other tests of its program are concerned.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static MACHINE: RwLock<()> = RwLock::new(());

/// Waits until no test runs that holds a turn of either kind.
pub fn exclusive() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until no test runs that holds an [`exclusive`] turn.
pub fn shared() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}
