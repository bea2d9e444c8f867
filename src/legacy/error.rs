//! Why this binary cannot take the place of the function that AWS published in 2018, or cannot adopt what it left.

use super::files::FileError;
use crate::aws::api::AwsError;
use crate::record::RecordError;

/// Why a tick in place of the function of 2018 failed, or why nothing was adopted.
#[derive(Debug, thiserror::Error)]
pub enum LegacyError {
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
