//! The function that AWS published in 2018, `populate_NLB_TG_with_ALB`, as far as this one takes
//! its place: the environment variables it is set up by, the files it left in its bucket, and a tick
//! by both.
//!
//! Never writes those files.
//!
//! Source: AWS Networking blog, "Using static IP addresses for Application Load Balancers", with
//! its function in Python 2.7 and in Python 3, and its CloudFormation template.

mod adopt;
mod error;
mod files;
mod tick;
mod variables;

pub use adopt::{Denied, adopt};
pub use error::LegacyError;
pub use files::FileError;
pub use tick::tick;
pub use variables::{Variables, VariablesError, variables};
