//! The lab's secrets. Each is a text of its own, so that it is recognised wherever it turns up.

use std::fmt::Display;

use anyhow::{Result, bail};

use crate::response_url::{RESPONSE_PATH, SIGNATURE};

/// The secret access key of everyone in a lab.
pub(crate) const SECRET_ACCESS_KEY: &str = "bGFiLXNlY3JldC1hY2Nlc3Mta2V5";
/// The session token of functions, which on AWS have temporary credentials.
pub(crate) const SESSION_TOKEN: &str = "bGFiLXNlc3Npb24tdG9rZW4";
/// What is in every ResponseURL of MiniStack's CloudFormation.
const MINISTACKS: &str = "/cfn-response/";

/// Fails if one of these lines has a secret in it: credentials, or a ResponseURL, which is one as well.
pub(crate) fn none_in(lines: impl IntoIterator<Item = impl Display>) -> Result<()> {
    for line in lines {
        let line = line.to_string();
        for secret in [
            SECRET_ACCESS_KEY,
            SESSION_TOKEN,
            SIGNATURE,
            RESPONSE_PATH,
            MINISTACKS,
        ] {
            if line.contains(secret) {
                bail!("a secret is logged, {secret}: {line}");
            }
        }
    }
    Ok(())
}
