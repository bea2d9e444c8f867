//! The demo's story as a test: the function behind a real stack, fired by a real schedule.

use crate::support::binary;
use anyhow::Result;
use lab::story::{Stage, play};
use std::path::Path;

#[tokio::test]
async fn a_binding_lives_through_create_scaling_a_change_of_alb_and_delete() -> Result<()> {
    play(&Stage::new(std::io::stderr()), Path::new(&binary())).await
}
