//! The runtime that a lab's servers run on. A lab has its own, for tests may share a lab, and each test
//! has a runtime that ends with it.

use anyhow::Result;
use tokio::runtime::{Builder, Handle, Runtime};

pub(crate) struct Tasks(Option<Runtime>);

impl Tasks {
    pub fn new() -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("lab")
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    pub fn handle(&self) -> Handle {
        let runtime = self.0.as_ref().expect("it is taken by the drop only");
        runtime.handle().clone()
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // An ordinary drop waits, which is not allowed within another runtime.
            runtime.shutdown_background();
        }
    }
}
