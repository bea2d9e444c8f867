//! One value that a task waits for, like a oneshot channel.
//!
//! If the waiting task is dropped, the value is lost.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

pub struct Oneshot<T>(Rc<RefCell<OneshotState<T>>>);

struct OneshotState<T> {
    value: Option<T>,
    waiting: Option<Waker>,
}

impl<T> Clone for Oneshot<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> Oneshot<T> {
    pub fn new() -> Self {
        Self(Rc::new(RefCell::new(OneshotState {
            value: None,
            waiting: None,
        })))
    }

    /// Sets the value, unless there is one already, and wakes the task that waits for it.
    pub fn fill(&self, value: T) {
        let mut place = self.0.borrow_mut();
        place.value.get_or_insert(value);
        if let Some(waker) = place.waiting.take() {
            waker.wake();
        }
    }

    pub async fn take(self) -> T {
        poll_fn(|context| {
            let mut place = self.0.borrow_mut();
            match place.value.take() {
                Some(value) => Poll::Ready(value),
                None => {
                    place.waiting = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}
