//! The roles of functions, and whether they allow what was called: the one of cfn/provider.yaml, that
//! of cfn/sync.yaml, and policies that are given by hand.
//!
//! What IAM is asked for a call is worked out here, by the Service Authorization Reference; the
//! answer comes from MiniStack's own evaluator of policies, in `authorize.py`. It knows no policies of
//! resources and no boundaries: the function meets none.

mod observed_tags;
mod request;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::lab::Lab;
use crate::lock::lock;
use crate::names::TEMPLATES_FOLDER;
use crate::process;

pub use observed_tags::requests;
pub use request::{IamRequest, of_key};

const AUTHORIZE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/authorize.py");

/// The role, as deployed with ARNs of buckets, their keys, and target groups that users bring.
#[derive(Clone, Debug, Default)]
pub struct Role {
    pub given_buckets: BTreeSet<String>,
    pub given_bucket_keys: BTreeSet<String>,
    pub given_target_groups: BTreeSet<String>,
}

/// What the role says.
#[derive(Debug)]
pub struct Evaluation {
    /// For each request the Sids of the statements that allow it. A refused request has none.
    pub allowed_by: Vec<Vec<String>>,
    /// Every Sid with every action it allows.
    pub grants: BTreeSet<(String, String)>,
}

impl Role {
    pub fn judge(&self, requests: &[IamRequest]) -> Result<Evaluation> {
        let joined = |arns: &BTreeSet<String>| {
            let arns: Vec<_> = arns.iter().map(String::as_str).collect();
            arns.join(",")
        };
        let parameters = json!({
            "CodeBucket": "code",
            "GivenBuckets": joined(&self.given_buckets),
            "GivenBucketKeys": joined(&self.given_bucket_keys),
            "GivenTargetGroups": joined(&self.given_target_groups),
        });
        Policy::of_template("provider.yaml", "Role", parameters).judge(requests)
    }

    /// The requests that the role refuses.
    pub fn refused(&self, requests: &[IamRequest]) -> Result<Vec<IamRequest>> {
        Ok(self.judge(requests)?.refused(requests))
    }
}

/// Any other policy that a function may have.
#[derive(Clone, Debug)]
pub struct Policy(Value);

impl Policy {
    /// A policy document.
    pub fn new(document: &str) -> Result<Self> {
        let document: Value = serde_json::from_str(document)?;
        Ok(Self(json!({"policy": document})))
    }

    /// The policies of a role, by its logical id, in a template of cfn/.
    pub fn of_template(file: &str, role: &str, parameters: Value) -> Self {
        let template = format!("{TEMPLATES_FOLDER}/{file}");
        Self(json!({"template": template, "role": role, "parameters": parameters}))
    }

    /// The inline policies of a role that is deployed, by its name.
    pub async fn of_role(lab: &Lab, role: &str) -> Result<Self> {
        let api = lab.api()?;
        let named = [("RoleName", role)];
        let listed = api.query("iam", "ListRolePolicies", &named).await?;
        let mut statements = Vec::new();
        for name in listed.list("PolicyNames") {
            let asked = [("RoleName", role), ("PolicyName", &name.text)];
            let got = api.query("iam", "GetRolePolicy", &asked).await?;
            let document = got.find("PolicyDocument").context("a document")?;
            let document: Value = serde_json::from_str(&decoded(&document.text))?;
            let all = document["Statement"].as_array().into_iter().flatten();
            statements.extend(all.cloned());
        }
        Ok(Self(
            json!({"policy": {"Version": "2012-10-17", "Statement": statements}}),
        ))
    }

    pub fn judge(&self, requests: &[IamRequest]) -> Result<Evaluation> {
        let mut asked = self.0.clone();
        asked["requests"] = requests.iter().map(IamRequest::to_json).collect();
        let answer = ask(&asked).context("authorize.py does not answer")?;
        Ok(Evaluation {
            allowed_by: serde_json::from_value(answer["allowed_by"].clone())?,
            grants: serde_json::from_value(answer["grants"].clone())?,
        })
    }

    /// The requests that the policy refuses.
    pub fn refused(&self, requests: &[IamRequest]) -> Result<Vec<IamRequest>> {
        Ok(self.judge(requests)?.refused(requests))
    }
}

impl Evaluation {
    fn refused(self, requests: &[IamRequest]) -> Vec<IamRequest> {
        let judged = requests.iter().zip(self.allowed_by);
        let refused = judged.filter(|(_, allowed_by)| allowed_by.is_empty());
        refused.map(|(request, _)| request.clone()).collect()
    }

    /// Grants that no request needed. If two statements allow a request, it needs neither of them.
    pub fn unneeded(&self, requests: &[IamRequest]) -> BTreeSet<(String, String)> {
        let mut unneeded = self.grants.clone();
        for (request, allowed_by) in requests.iter().zip(&self.allowed_by) {
            if let [sid] = allowed_by.as_slice() {
                unneeded.remove(&(sid.clone(), request.action.clone()));
            }
        }
        unneeded
    }
}

/// IAM answers documents as RFC 3986 encodes them (IAM API, GetRolePolicy): a plus is a plus.
fn decoded(document: &str) -> String {
    let document = document.replace('+', "%2B");
    let mut pairs = form_urlencoded::parse(document.as_bytes());
    pairs
        .next()
        .map(|(text, _)| text.into_owned())
        .unwrap_or_default()
}

/// The resources of a template of cfn/ that its conditions leave, by logical id. A logical id replaces what is not
/// known before the stack is made.
pub fn resources(file: &str, parameters: &Value) -> Result<Value> {
    let template = format!("{TEMPLATES_FOLDER}/{file}");
    let answer = ask(&json!({"template": template, "parameters": parameters}));
    answer.context("authorize.py does not answer")
}

/// One evaluator for all tests of a process. It ends when its input does, and that ends with the process.
struct Evaluator {
    _process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Evaluator {
    fn start() -> Result<Self> {
        let mut child = Command::new(process::python()?)
            .arg(AUTHORIZE)
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
