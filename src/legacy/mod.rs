//! The function that AWS published in 2018, `populate_NLB_TG_with_ALB`, which this binary can replace where it
//! runs: its environment variables (`variables`), the files that it left in its bucket (`files`, `adopt`), and its
//! tick (`tick`).
//!
//! Never writes those files.
//!
//! Source: AWS Networking blog, "Using static IP addresses for Application Load Balancers", with the function in
//! Python 2.7 and in Python 3, and its CloudFormation template.

mod adopt;
mod error;
mod files;
mod tick;
mod variables;

pub use adopt::{WhenDenied, adopt};
pub use error::LegacyError;
pub use files::FileError;
pub use tick::tick;
pub use variables::{Variables, VariablesError, variables};
