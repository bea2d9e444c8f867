//! What environment variables ask of the simulation.

/// A variable's number, where it is set to one.
pub fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
