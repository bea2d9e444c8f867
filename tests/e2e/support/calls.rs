//! The function's calls, as the lab's gateway has seen them.

use super::fixture::Fixture;
use lab::Call;

impl Fixture {
    /// The function's calls since the gateway's were cleared.
    pub fn function_calls(&self) -> Vec<Call> {
        self.lab.gateway().calls_by(self.function.access_key())
    }

    /// Those of them that may change something.
    pub fn changes(&self) -> Vec<Call> {
        let mut calls = self.function_calls();
        calls.retain(|call| !is_reading(&call.operation));
        calls
    }

    /// The same without the metric, whose place among them is by chance.
    pub fn wiring_changes(&self) -> Vec<Call> {
        let mut changes = self.changes();
        changes.retain(|call| call.operation != "PutMetricData");
        changes
    }
}

/// Whether an operation only reads.
pub fn is_reading(operation: &str) -> bool {
    ["Describe", "List", "Get", "Head"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}

/// The operations of calls, in their order.
pub fn operations(calls: &[Call]) -> Vec<&str> {
    calls.iter().map(|call| call.operation.as_str()).collect()
}

/// How often an operation was called.
pub fn called(calls: &[Call], operation: &str) -> usize {
    let calls = calls.iter();
    calls.filter(|call| call.operation == operation).count()
}
