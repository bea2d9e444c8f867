//! What things are called in every lab.

pub const REGION: &str = "us-east-1";
/// MiniStack's account for access keys that are not account numbers.
pub const ACCOUNT: &str = "000000000000";
/// The name of functions that run under `Lab::function`.
pub const FUNCTION_NAME: &str = "alb-nlb-binding";
/// The access key of the lab's own clients: `Call::source` tells their calls from those of
/// functions, and no fault hits them.
pub const LAB_ACCESS_KEY: &str = "lab";
/// The access key of functions.
pub const FUNCTION_ACCESS_KEY: &str = "function";
/// ELBv2, as services are named in signatures.
pub(crate) const ELB: &str = "elasticloadbalancing";
/// The folder of the templates that users deploy.
pub(crate) const TEMPLATES_FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../cfn");
