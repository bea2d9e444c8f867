//! Shows the story of a binding on the terminal.

use std::path::Path;
use std::process::ExitCode;

use lab::story::{Stage, play};

#[tokio::main]
async fn main() -> ExitCode {
    let Some(binary) = std::env::args().nth(1) else {
        eprintln!("usage: demo BINARY, the built alb-nlb-binding or its zip");
        return ExitCode::from(2);
    };
    let stage = Stage::new(std::io::stdout());
    match play(&stage, Path::new(&binary)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            stage.act("NOT as it should be");
            stage.tell(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
