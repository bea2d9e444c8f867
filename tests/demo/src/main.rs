//! The demo on the terminal.

use std::path::Path;
use std::process::ExitCode;

use demo::{Console, play};

#[tokio::main]
async fn main() -> ExitCode {
    let Some(binary) = std::env::args().nth(1) else {
        eprintln!("usage: demo BINARY, the built alb-nlb-binding or its zip");
        return ExitCode::from(2);
    };
    let console = Console::new(std::io::stdout());
    match play(&console, Path::new(&binary)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console.heading("NOT as it should be");
            console.line(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
