//! Measures the built function and shows what it costs.

use std::process::ExitCode;

use lab::bench::{Subject, run};
use lab::story::Stage;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (binary, package, bindings, published) = match arguments.as_slice() {
        [binary, package, bindings] => (binary, package, bindings, None),
        [binary, package, bindings, published] => (binary, package, bindings, Some(published)),
        _ => return usage(),
    };
    let Ok(bindings) = bindings.parse() else {
        return usage();
    };
    let subject = Subject {
        binary: binary.into(),
        package: package.into(),
        bindings,
        published: published.map(Into::into),
    };
    let stage = Stage::new(std::io::stdout());
    match run(&stage, &subject).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            stage.act("It does not work, so it is not measured");
            stage.tell(&format!("{error:#}"));
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
