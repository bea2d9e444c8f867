//! The demo as a test: the function behind a real stack, fired by a real schedule.

use crate::support::binary;
use anyhow::Result;
use demo::{Console, play};
use std::path::Path;

#[tokio::test]
async fn a_binding_lives_through_create_scaling_a_change_of_alb_and_delete() -> Result<()> {
    play(&Console::new(std::io::stderr()), Path::new(&binary())).await
}
