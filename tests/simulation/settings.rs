//! The environment variables by which a developer controls the simulation.

/// The number in an environment variable, or `None` if it is not set to a number.
pub fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
