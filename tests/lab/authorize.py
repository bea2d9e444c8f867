"""Says which statements of a function's role allow a request, by MiniStack's own evaluator.

Reads one JSON object a line and answers with one, until its input ends:
{"policy": {...}, "requests": [{"action": ..., "resource": ..., "context": {key: value}}...]}
{"allowed_by": [[Sid...]...], "grants": [[Sid, action]...]}

In place of "policy" there may be a "template", its file, with "role", the role's logical id, and
"parameters": its intrinsics are resolved by MiniStack's CloudFormation. Each statement is evaluated
alone, which is the same while none of them denies.
"""

import functools
import json
import logging
import sys

# MiniStack warns of packages that it could use for what is not used here.
logging.disable(logging.WARNING)

from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document  # noqa: E402
from ministack.core.responses import get_account_id, get_region  # noqa: E402
from ministack.services.cloudformation import engine  # noqa: E402

@functools.cache
def parsed_template(path):
    with open(path, encoding="utf-8") as file:
        return engine._parse_template(file.read())


def resolved(path, role, given):
    template = parsed_template(path)
    parameters = engine._resolve_parameters(
        template, [{"Key": key, "Value": value} for key, value in given.items()]
    )
    conditions = engine._evaluate_conditions(template, parameters)
    # What Fn::GetAtt gives for an AWS::Logs::LogGroup.
    name = engine._resolve_refs(
        template["Resources"]["LogGroup"]["Properties"]["LogGroupName"],
        {}, parameters, conditions, {}, "stack", "stack",
    )
    arn = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{name}:*"
    made = {"LogGroup": {"PhysicalResourceId": name, "Attributes": {"Arn": arn}}}
    policies = engine._resolve_refs(
        template["Resources"][role]["Properties"]["Policies"],
        made, parameters, conditions, {}, "stack", "stack",
    )
    return [policy["PolicyDocument"] for policy in policies]


@functools.cache
def statements(asked):
    asked = json.loads(asked)
    if "policy" in asked:
        documents = [asked["policy"]]
    else:
        documents = resolved(asked["template"], asked["role"], asked["parameters"])
    parsed = [s for document in documents for s in parse_policy_document(document)]
    for statement in parsed:
        if statement.effect != "Allow" or statement.not_actions or statement.not_resources:
            raise ValueError(f"{statement.sid} is more than a plain Allow: evaluate the role whole")
    return parsed


def allowed_by(request, role):
    context = {key.lower(): value for key, value in request["context"].items()}
    # The evaluator takes a resource without an account in its ARN, which S3's are, for the caller's
    # own. No statement looks at the caller, so the owner is given in its place; none is "absent".
    owner = context.pop("aws:resourceaccount", get_account_id())
    asked = EvalContext(
        principal_arn=f"arn:aws:sts::{get_account_id()}:assumed-role/role/function",
        principal_type="AssumedRole",
        principal_account=owner,
        action=request["action"],
        resource_arn=request["resource"],
        region=get_region(),
        service_context=context,
    )
    return [s.sid for s in role if evaluate(asked, [[s]]).decision == "Allow"]


for line in sys.stdin:
    asked = json.loads(line)
    requests = asked.pop("requests")
    role = statements(json.dumps(asked))
    answer = {
        "allowed_by": [allowed_by(request, role) for request in requests],
        "grants": [[s.sid, action] for s in role for action in s.actions],
    }
    print(json.dumps(answer), flush=True)
