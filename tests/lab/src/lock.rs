//! State that servers and their handles share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) type Shared<T> = Arc<Mutex<T>>;

/// Locks the state, also when another test panicked while it held the lock: the state is still readable.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
