//! What an invocation is doing now, and what it waits for, so that one that runs out of time can say so.
//!
//! One value a task; outside of [`track`] nothing is kept.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

tokio::task_local! {
    static PROGRESS: Rc<RefCell<Progress>>;
}

/// What is done, and what has been tried again since it was begun.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    doing: String,
    /// By call, for several are made side by side.
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

/// Runs `work`; `progress` tells what it did last, also when it was dropped half way.
pub async fn track<T>(progress: &Rc<RefCell<Progress>>, work: impl Future<Output = T>) -> T {
    PROGRESS.scope(Rc::clone(progress), work).await
}

/// Notes what is done or waited for from now on.
pub fn note(doing: impl Into<String>) {
    change(|progress| {
        *progress = Progress {
            doing: doing.into(),
            waits: BTreeMap::new(),
        }
    });
}

/// Notes why a call is made again.
pub fn waits(call: &str, why: impl Into<String>) {
    change(|progress| {
        progress.waits.insert(call.to_owned(), why.into());
    });
}

/// Notes that such a call has come through.
pub fn has_passed(call: &str) {
    change(|progress| {
        progress.waits.remove(call);
    });
}

fn change(change: impl FnOnce(&mut Progress)) {
    // What runs outside of an invocation is not tracked.
    let _ = PROGRESS.try_with(|progress| change(&mut progress.borrow_mut()));
}
