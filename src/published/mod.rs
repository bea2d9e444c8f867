//! The function that AWS published in 2018, `populate_NLB_TG_with_ALB`, as far as this one takes
//! its place: the environment variables it is set up by, the files it left in its bucket, and a tick
//! by both.
//!
//! Never writes those files.
//!
//! Source: AWS Networking blog, "Using static IP addresses for Application Load Balancers", with
//! its function in Python 2.7 and in Python 3, and its CloudFormation template.

mod adopt;
mod environment;
mod files;
mod tick;

pub use adopt::{Denied, adopt};
pub use environment::{Variables, VariablesError, variables};
pub use files::FileError;
pub use tick::tick;

use crate::capabilities::AwsError;
use crate::record::RecordError;

/// Why what an earlier function left cannot be used, or taken over.
#[derive(Debug, thiserror::Error)]
pub enum PublishedError {
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("s3://{bucket}/{key}, which an earlier function left")]
    File {
        bucket: String,
        key: String,
        #[source]
        source: FileError,
    },
    #[error("the record is there, but may not be read: allow s3:GetObject on s3://{bucket}/{key}")]
    MayNotRead {
        bucket: String,
        key: String,
        #[source]
        source: Box<AwsError>,
    },
    #[error(
        "the record may not be written: allow s3:GetObject and s3:PutObject on s3://{bucket}/{key} \
         (the published function's own two files are only read)"
    )]
    MayNotWrite {
        bucket: String,
        key: String,
        #[source]
        source: Box<AwsError>,
    },
}
