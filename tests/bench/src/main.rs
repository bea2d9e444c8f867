//! The benchmark: what the function costs, as it is deployed. That is its start-up, a tick's time, processor,
//! memory and calls, and a whole account of bindings in one minute; and, in `benches`, how long its planners
//! think. DNS and AWS answer after a set time, so that the figures are those of the function and not of the lab.
//!
//! It is not a test, for it asserts no time, and not the emulated AWS that it runs on, which is `tests/lab`.

mod binding;
mod deploy;
mod figures;
mod fleet;
mod legacy;
mod processor;
mod report;
mod scale;
mod settings;
mod share;
mod start;
mod table;
mod ticks;

use std::process::ExitCode;

use demo::Console;

use settings::Subject;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (binary, package, bindings, legacy) = match arguments.as_slice() {
        [binary, package, bindings] => (binary, package, bindings, None),
        [binary, package, bindings, legacy] => (binary, package, bindings, Some(legacy)),
        _ => return usage(),
    };
    let Ok(bindings) = bindings.parse() else {
        return usage();
    };
    let subject = Subject {
        binary: binary.into(),
        package: package.into(),
        bindings,
        legacy: legacy.map(Into::into),
    };
    let console = Console::new(std::io::stdout());
    match report::run(&console, &subject).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console.heading("It does not work, so it is not measured");
            console.line(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: bench BINARY ZIP BINDINGS [PUBLISHED]: alb-nlb-binding as `make package` builds it, \
         the zip of it, how many bindings tick in one minute (0: none do), and the source of the \
         function that AWS published in 2018, on Python 3"
    );
    ExitCode::from(2)
}
