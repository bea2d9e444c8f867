//! The demo: what a binding does from its first stack to the last trace of it, shown on a terminal. `make demo`
//! runs the program; a test plays the same through this library.
//!
//! It is not the emulated AWS that it runs on, which is `tests/lab`, and it measures nothing: `tests/bench` does.

mod console;
mod demo;
mod fixture;

pub use console::Console;
pub use demo::play;
