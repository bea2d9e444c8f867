//! Names of operations whose requests do not carry them: S3's follow from method, path and query, those of the
//! CBOR protocol from the path. They are from "API operations" of the S3 API reference, and Smithy's RPC v2 CBOR.

use hyper::Method;
use percent_encoding::percent_decode_str;

/// `/service/GraniteServiceVersion20100801/operation/PutMetricData`
pub(super) fn cbor_operation(path: &str) -> Option<&str> {
    let (_, rest) = path.strip_prefix("/service/")?.split_once('/')?;
    rest.strip_prefix("operation/")
}

/// The operation, the bucket and the key of a path-style request. Only operations that are called in this repository
/// have names.
pub(super) fn s3_operation(
    method: &Method,
    path: &str,
    query: &[(String, String)],
) -> (Option<&'static str>, String, String) {
    let path = percent_decode_str(path.trim_start_matches('/')).decode_utf8_lossy();
    let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
    let is = |name: &str| query.iter().any(|(given, _)| given == name);
    let is_plain = query.iter().all(|(name, _)| {
        ["versionId", "x-id"].contains(&name.as_str()) || name.starts_with("X-Amz-")
    });
    let operation = match (method.as_str(), bucket.is_empty(), key.is_empty()) {
        ("GET", true, _) => Some("ListBuckets"),
        ("HEAD", _, true) => Some("HeadBucket"),
        ("POST", _, true) if is("delete") => Some("DeleteObjects"),
        ("GET", _, true) if is("policy") => Some("GetBucketPolicy"),
        ("PUT", _, true) if is("policy") => Some("PutBucketPolicy"),
        ("GET", _, true) if is("tagging") => Some("GetBucketTagging"),
        ("PUT", _, true) if is("tagging") => Some("PutBucketTagging"),
        ("GET", _, true) if is("versions") => Some("ListObjectVersions"),
        ("PUT", _, true) if is_plain => Some("CreateBucket"),
        ("DELETE", _, true) if is_plain => Some("DeleteBucket"),
        ("HEAD", _, false) if is_plain => Some("HeadObject"),
        ("GET", _, false) if is_plain => Some("GetObject"),
        ("PUT", _, false) if is_plain => Some("PutObject"),
        ("DELETE", _, false) if is_plain => Some("DeleteObject"),
        _ => None,
    };
    (operation, bucket.to_owned(), key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(method: Method, path: &str, query: &str) -> Option<&'static str> {
        let query: Vec<_> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        s3_operation(&method, path, &query).0
    }

    #[test]
    fn s3_operations_are_told_apart() {
        for (method, path, query, name) in [
            (Method::PUT, "/bucket", "", "CreateBucket"),
            (Method::PUT, "/bucket/", "tagging", "PutBucketTagging"),
            (Method::GET, "/bucket", "versions", "ListObjectVersions"),
            (Method::POST, "/bucket", "delete", "DeleteObjects"),
            (
                Method::GET,
                "/bucket/a/b.json",
                "x-id=GetObject",
                "GetObject",
            ),
            (Method::PUT, "/bucket/a/b.json", "", "PutObject"),
            (Method::DELETE, "/bucket/a", "versionId=1", "DeleteObject"),
        ] {
            assert_eq!(named(method, path, query), Some(name));
        }
    }

    #[test]
    fn what_is_not_known_is_not_taken_for_something_else() {
        assert_eq!(named(Method::PUT, "/bucket", "encryption"), None);
        assert_eq!(named(Method::PUT, "/bucket/a", "partNumber=1"), None);
    }

    #[test]
    fn a_cbor_operation_is_the_end_of_its_path() {
        let path = "/service/GraniteServiceVersion20100801/operation/PutMetricData";
        assert_eq!(cbor_operation(path), Some("PutMetricData"));
    }
}
