//! Calls that are kept waiting, so that a test sees which of them are made without an answer to others.

use std::sync::Arc;

use tokio::sync::watch;

#[derive(Clone, Debug)]
pub struct HeldCalls {
    arrived: Arc<watch::Sender<usize>>,
    released: Arc<watch::Sender<bool>>,
}

impl Default for HeldCalls {
    fn default() -> Self {
        Self {
            arrived: Arc::new(watch::Sender::new(0)),
            released: Arc::new(watch::Sender::new(false)),
        }
    }
}

impl PartialEq for HeldCalls {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.arrived, &other.arrived)
    }
}

impl HeldCalls {
    /// Waits until so many calls have arrived since the beginning.
    pub async fn arrived(&self, calls: usize) {
        let mut arrived = self.arrived.subscribe();
        // It cannot fail: the sender lives as long as this.
        let _ = arrived.wait_for(|count| *count >= calls).await;
    }

    /// Lets all held calls go on, and holds no more from now on.
    pub fn release(&self) {
        self.released.send_replace(true);
    }

    pub(super) async fn pass(&self) {
        self.arrived.send_modify(|count| *count += 1);
        let mut released = self.released.subscribe();
        let _ = released.wait_for(|released| *released).await;
    }
}
