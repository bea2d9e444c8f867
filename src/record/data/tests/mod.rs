//! What a record holds, and what it lets a tick do.

mod record;
mod sample;
mod ticks;
