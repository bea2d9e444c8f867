//! The function that AWS published in 2018, `populate_NLB_TG_with_ALB`, as far as this one takes
//! its place: the environment variables it is set up by, and the files it left in its bucket.
//!
//! Never writes those files. What a tick then does is `sync`'s own business.
//!
//! Source: AWS Networking blog, "Using static IP addresses for Application Load Balancers", with
//! its function in Python 2.7 and in Python 3, and its CloudFormation template.

mod adopt;
mod environment;
mod files;

pub use adopt::{Denied, adopt};
pub use environment::{VariablesError, orders};
pub use files::FileError;
