use super::*;

#[test]
fn a_call_without_an_answer_is_retried_and_one_that_the_sdk_refuses_is_not() {
    let cut = OrchestratorError::response("the connection is closed".into());
    assert_eq!(trouble_of(&cut, Some(200)), Trouble::MayPass);
    let late = OrchestratorError::timeout("no answer in time".into());
    assert_eq!(trouble_of(&late, None), Trouble::MayPass);
    let refused = OrchestratorError::other("no credentials");
    assert_eq!(trouble_of(&refused, None), Trouble::Stays);
}

#[test]
fn a_call_is_retried_where_aws_is_busy_or_fails_and_not_where_aws_refuses_it() {
    use Trouble::{MayPass, Passes, Stays};
    for (operation, code, message, status, expected) in [
        (
            "DescribeListeners",
            Some("Throttling"),
            "",
            Some(400),
            Passes,
        ),
        ("DescribeListeners", None, "", Some(429), Passes),
        ("GetObject", Some("SlowDown"), "", Some(503), Passes),
        ("GetObject", None, "", Some(503), Passes),
        (
            "CreateBucket",
            Some("OperationAborted"),
            "",
            Some(409),
            Passes,
        ),
        (
            "PutObject",
            Some("ConditionalRequestConflict"),
            "",
            Some(409),
            Passes,
        ),
        (
            "PutTargets",
            Some("ConcurrentModificationException"),
            "",
            None,
            Passes,
        ),
        (
            "DeleteTargetGroup",
            Some("ResourceInUse"),
            "",
            Some(400),
            Passes,
        ),
        (
            "DeleteListener",
            Some("ResourceInUse"),
            "",
            Some(400),
            Passes,
        ),
        (
            "CreateListener",
            Some("ResourceInUse"),
            "",
            Some(400),
            Stays,
        ),
        (
            "DeleteRule",
            Some("ValidationException"),
            "Rule can't be deleted since it has targets.",
            Some(400),
            Passes,
        ),
        (
            "DeleteRule",
            Some("ValidationException"),
            "no name",
            Some(400),
            Stays,
        ),
        (
            "PutRule",
            Some("LimitExceededException"),
            "",
            Some(400),
            Stays,
        ),
        ("PutTargets", Some("InternalFailure"), "", None, MayPass),
        ("PutRule", Some("InternalException"), "", Some(500), MayPass),
        (
            "PutBucketPolicy",
            Some("RequestTimeout"),
            "",
            Some(400),
            MayPass,
        ),
        ("GetObject", None, "", None, MayPass),
        ("HeadBucket", None, "", Some(403), Stays),
        ("HeadBucket", None, "", Some(301), Stays),
        (
            "PutRule",
            Some("AccessDeniedException"),
            "",
            Some(400),
            Stays,
        ),
    ] {
        let told = trouble(operation, code, message, status);
        assert_eq!(told, expected, "{operation} {code:?} {status:?}");
    }
}
