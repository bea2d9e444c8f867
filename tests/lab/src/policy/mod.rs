//! The function's role in cfn/provider.yaml, and whether it allows what was called.
//!
//! What IAM is asked for a call is worked out here, by the Service Authorization Reference; the
//! answer comes from MiniStack's own evaluator of policies, in `authorize.py`. Knows no policies of
//! resources and no boundaries: the function meets none.

mod book;
mod request;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{lock, process};

pub use book::requests;
pub use request::Request;

const AUTHORIZE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/authorize.py");
const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../cfn/provider.yaml");

/// The role, as deployed with ARNs of buckets and target groups that users bring.
#[derive(Clone, Debug, Default)]
pub struct Role {
    pub given_buckets: BTreeSet<String>,
    pub given_target_groups: BTreeSet<String>,
}

/// What the role says.
#[derive(Debug)]
pub struct Verdict {
    /// For each request the Sids of the statements that allow it: none where it is refused.
    pub allowed_by: Vec<Vec<String>>,
    /// Every Sid with every action it allows.
    pub grants: BTreeSet<(String, String)>,
}

impl Role {
    pub fn judge(&self, requests: &[Request]) -> Result<Verdict> {
        let asked: Vec<Value> = requests.iter().map(Request::to_json).collect();
        let asked = json!({
            "GivenBuckets": self.given_buckets,
            "GivenTargetGroups": self.given_target_groups,
            "requests": asked,
        });
        let answer = ask(&asked).context("authorize.py does not answer")?;
        Ok(Verdict {
            allowed_by: serde_json::from_value(answer["allowed_by"].clone())?,
            grants: serde_json::from_value(answer["grants"].clone())?,
        })
    }

    /// The requests that the role refuses.
    pub fn refused(&self, requests: &[Request]) -> Result<Vec<Request>> {
        let verdict = self.judge(requests)?;
        let judged = requests.iter().zip(verdict.allowed_by);
        let refused = judged.filter(|(_, allowed_by)| allowed_by.is_empty());
        Ok(refused.map(|(request, _)| request.clone()).collect())
    }
}

/// One evaluator for all tests of a process: its input ends with the process, and it with that.
struct Evaluator {
    _process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Evaluator {
    fn start() -> Result<Self> {
        let mut child = Command::new(process::python()?)
            .args([AUTHORIZE, TEMPLATE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().context("a pipe was asked for")?;
        let output = child.stdout.take().context("a pipe was asked for")?;
        Ok(Self {
            _process: child,
            input,
            output: BufReader::new(output),
        })
    }
}

fn ask(asked: &Value) -> Result<Value> {
    static EVALUATOR: Mutex<Option<Evaluator>> = Mutex::new(None);
    let mut held = lock(&EVALUATOR);
    let mut evaluator = match held.take() {
        Some(evaluator) => evaluator,
        None => Evaluator::start()?,
    };
    writeln!(evaluator.input, "{asked}")?;
    let mut line = String::new();
    evaluator.output.read_line(&mut line)?;
    let answer = serde_json::from_str(&line)?;
    *held = Some(evaluator);
    Ok(answer)
}
