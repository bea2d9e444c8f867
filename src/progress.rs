//! What an invocation is doing now, so that an answer sent for want of time can say so.
//!
//! One value a task; outside of [`track`] nothing is kept.

use std::cell::RefCell;
use std::rc::Rc;

tokio::task_local! {
    static DOING: Rc<RefCell<String>>;
}

/// Runs `work`; `doing` tells what it did last, also when it was dropped half way.
pub async fn track<T>(doing: &Rc<RefCell<String>>, work: impl Future<Output = T>) -> T {
    DOING.scope(Rc::clone(doing), work).await
}

/// Notes what is done or waited for from now on.
pub fn note(doing: impl Into<String>) {
    // Ticks are not tracked, and need not be.
    let _ = DOING.try_with(|now| now.replace(doing.into()));
}
