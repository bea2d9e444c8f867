//! What AWS denies the function, until it is allowed again.

use super::fixture::Fixture;
use lab::{Fault, FaultId, FaultKind};

impl Fixture {
    pub fn deny(&self, service: &str, operation: &str) -> FaultId {
        let fault = Fault::new(service, operation, FaultKind::Deny);
        let fault = fault.by(self.function.access_key());
        self.lab.gateway().inject(fault)
    }

    pub fn allow(&self, denied: FaultId) {
        self.lab.gateway().remove_fault(denied);
    }
}
