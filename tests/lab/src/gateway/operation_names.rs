//! Names of operations where a request does not carry them: S3 by method, path and query, and the
//! CBOR protocol by path. From the "API operations" of the S3 API reference and Smithy's RPC v2 CBOR.

use hyper::Method;
use hyper::http::HeaderMap;
use percent_encoding::percent_decode_str;

/// `/service/GraniteServiceVersion20100801/operation/PutMetricData`
pub(super) fn cbor_operation(path: &str) -> Option<&str> {
    let (_, rest) = path.strip_prefix("/service/")?.split_once('/')?;
    rest.strip_prefix("operation/")
}

/// Subresources in the query, with what GET, PUT and DELETE of a bucket are called.
const BUCKET: [(&str, [&str; 3]); 10] = [
    (
        "tagging",
        [
            "GetBucketTagging",
            "PutBucketTagging",
            "DeleteBucketTagging",
        ],
    ),
    (
        "versioning",
        ["GetBucketVersioning", "PutBucketVersioning", ""],
    ),
    ("versions", ["ListObjectVersions", "", ""]),
    ("location", ["GetBucketLocation", "", ""]),
    (
        "policy",
        ["GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"],
    ),
    (
        "encryption",
        [
            "GetBucketEncryption",
            "PutBucketEncryption",
            "DeleteBucketEncryption",
        ],
    ),
    (
        "publicAccessBlock",
        [
            "GetPublicAccessBlock",
            "PutPublicAccessBlock",
            "DeletePublicAccessBlock",
        ],
    ),
    (
        "lifecycle",
        [
            "GetBucketLifecycleConfiguration",
            "PutBucketLifecycleConfiguration",
            "DeleteBucketLifecycle",
        ],
    ),
    (
        "ownershipControls",
        [
            "GetBucketOwnershipControls",
            "PutBucketOwnershipControls",
            "",
        ],
    ),
    ("uploads", ["ListMultipartUploads", "", ""]),
];

/// The operation, the bucket and the key of a path-style request.
pub(super) fn s3_operation(
    method: &Method,
    path: &str,
    query: &[(String, String)],
    headers: &HeaderMap,
) -> (&'static str, String, String) {
    let path = percent_decode_str(path.trim_start_matches('/'))
        .decode_utf8_lossy()
        .into_owned();
    let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
    let has = |name: &str| query.iter().any(|(given, _)| given == name);
    let verb = match *method {
        Method::GET => 0,
        Method::PUT => 1,
        Method::DELETE => 2,
        _ => 3,
    };
    let operation = match (method, bucket.is_empty(), key.is_empty()) {
        (_, true, _) => "ListBuckets",
        (&Method::HEAD, _, true) => "HeadBucket",
        (&Method::HEAD, _, false) => "HeadObject",
        (&Method::POST, _, true) if has("delete") => "DeleteObjects",
        (&Method::POST, _, false) if has("uploads") => "CreateMultipartUpload",
        (&Method::POST, _, false) => "CompleteMultipartUpload",
        (_, _, true) => match BUCKET.iter().find(|(name, _)| has(name)) {
            Some((_, names)) => names.get(verb).copied().unwrap_or_default(),
            None if has("list-type") => "ListObjectsV2",
            None => ["ListObjects", "CreateBucket", "DeleteBucket"]
                .get(verb)
                .copied()
                .unwrap_or_default(),
        },
        (_, _, false) if has("tagging") => [
            "GetObjectTagging",
            "PutObjectTagging",
            "DeleteObjectTagging",
        ]
        .get(verb)
        .copied()
        .unwrap_or_default(),
        (&Method::PUT, ..) if has("partNumber") => "UploadPart",
        (&Method::PUT, ..) if headers.contains_key("x-amz-copy-source") => "CopyObject",
        _ => ["GetObject", "PutObject", "DeleteObject"]
            .get(verb)
            .copied()
            .unwrap_or_default(),
    };
    (operation, bucket.to_owned(), key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(method: Method, path: &str, query: &str) -> &'static str {
        let query: Vec<_> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        s3_operation(&method, path, &query, &HeaderMap::new()).0
    }

    #[test]
    fn s3_operations_are_told_apart() {
        assert_eq!(named(Method::PUT, "/bucket", ""), "CreateBucket");
        assert_eq!(
            named(Method::PUT, "/bucket/", "tagging"),
            "PutBucketTagging"
        );
        assert_eq!(
            named(Method::GET, "/bucket", "versions"),
            "ListObjectVersions"
        );
        assert_eq!(named(Method::POST, "/bucket", "delete"), "DeleteObjects");
        assert_eq!(
            named(Method::GET, "/bucket/a/b.json", "x-id=GetObject"),
            "GetObject"
        );
        assert_eq!(named(Method::PUT, "/bucket/a/b.json", ""), "PutObject");
        assert_eq!(
            named(Method::DELETE, "/bucket/a", "versionId=1"),
            "DeleteObject"
        );
    }

    #[test]
    fn a_cbor_operation_is_the_end_of_its_path() {
        let path = "/service/GraniteServiceVersion20100801/operation/PutMetricData";
        assert_eq!(cbor_operation(path), Some("PutMetricData"));
    }
}
