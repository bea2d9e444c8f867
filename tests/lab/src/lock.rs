//! State that servers and their handles share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) type Shared<T> = Arc<Mutex<T>>;

/// Locks, also when another test panicked meanwhile: what it left is still readable.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
