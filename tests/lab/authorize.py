"""Says which statements of a function's role allow a request, by MiniStack's own evaluator.

Reads one JSON object a line and answers with one, until its input ends:
{"policy": {...}, "requests": [{"action": ..., "resource": ..., "context": {key: value}}...]}
{"allowed_by": [[Sid...]...], "grants": [[Sid, action]...]}

In place of "policy" there may be a "template", its file, with "role", the role's logical id, and
"parameters": its intrinsics are resolved by MiniStack's CloudFormation. Each statement that allows is
evaluated alone but for those that deny.

Without "requests" it answers what a template asks CloudFormation for: {logical id: {...}...}. This is
for properties that MiniStack's own stacks do not keep.
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


def resources(path, given):
    """Those that the conditions leave, with their logical ids for names."""
    template = parsed_template(path)
    parameters = engine._resolve_parameters(
        template, [{"Key": key, "Value": value} for key, value in given.items()]
    )
    conditions = engine._evaluate_conditions(template, parameters)
    left = {
        name: resource
        for name, resource in template["Resources"].items()
        if conditions.get(resource.get("Condition"), True)
    }
    made = {
        name: {"PhysicalResourceId": name, "Attributes": {"Arn": name}} for name in left
    }

    def resolve(value):
        return engine._resolve_refs(value, made, parameters, conditions, {}, "stack", "stack")

    # What Fn::GetAtt gives for an AWS::Logs::LogGroup: it stands in policies.
    name = resolve(left["LogGroup"]["Properties"]["LogGroupName"])
    arn = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{name}:*"
    made["LogGroup"] = {"PhysicalResourceId": name, "Attributes": {"Arn": arn}}
    return resolve(left)


def policies(made, role):
    """The role's own, and those that are resources of their own."""
    inline = made[role]["Properties"]["Policies"]
    attached = [
        resource["Properties"]
        for resource in made.values()
        if resource["Type"] == "AWS::IAM::Policy" and role in resource["Properties"]["Roles"]
    ]
    return [policy["PolicyDocument"] for policy in inline + attached]


@functools.cache
def statements(asked):
    asked = json.loads(asked)
    if "policy" in asked:
        documents = [asked["policy"]]
    else:
        documents = policies(resources(asked["template"], asked["parameters"]), asked["role"])
    return [s for document in documents for s in parse_policy_document(document)]


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
    denying = [s for s in role if s.effect == "Deny"]
    return [s.sid for s in role if evaluate(asked, [[s, *denying]]).decision == "Allow"]


for line in sys.stdin:
    asked = json.loads(line)
    requests = asked.pop("requests", None)
    if requests is None:
        answer = resources(asked["template"], asked["parameters"])
    else:
        role = statements(json.dumps(asked))
        answer = {
            "allowed_by": [allowed_by(request, role) for request in requests],
            "grants": [[s.sid, a] for s in role if s.effect == "Allow" for a in s.actions],
        }
    print(json.dumps(answer), flush=True)
