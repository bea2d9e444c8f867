//! What an invocation does now and which calls it has to make again, so that an invocation that runs out of time can
//! say so.
//!
//! Each task has one value, inside of [`track`]. Elsewhere nothing is kept.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

tokio::task_local! {
    static PROGRESS: Rc<RefCell<Progress>>;
}

/// What an invocation does, and why it has made calls again meanwhile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    doing: String,
    /// The reasons by call, because several calls are made side by side.
    waits: BTreeMap<String, String>,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.doing)?;
        let waits: Vec<_> = self.waits.values().map(String::as_str).collect();
        match waits.as_slice() {
            [] => Ok(()),
            waits => write!(f, ", tried again because {}", waits.join("; ")),
        }
    }
}

/// Runs `work` and notes in `progress` what it does, so that this is known also when `work` was dropped half way.
pub async fn track<T>(progress: &Rc<RefCell<Progress>>, work: impl Future<Output = T>) -> T {
    PROGRESS.scope(Rc::clone(progress), work).await
}

/// Notes what the invocation does or waits for from now on.
pub fn note(doing: impl Into<String>) {
    change(|progress| {
        *progress = Progress {
            doing: doing.into(),
            waits: BTreeMap::new(),
        }
    });
}

/// Notes why a call is made again.
pub fn note_retry(call: &str, why: impl Into<String>) {
    change(|progress| {
        progress.waits.insert(call.to_owned(), why.into());
    });
}

/// Notes that such a call has succeeded.
pub fn note_success(call: &str) {
    change(|progress| {
        progress.waits.remove(call);
    });
}

fn change(change: impl FnOnce(&mut Progress)) {
    // Outside of `track` there is nothing to change.
    let _ = PROGRESS.try_with(|progress| change(&mut progress.borrow_mut()));
}
