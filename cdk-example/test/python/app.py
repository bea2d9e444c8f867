"""stacks/small.ts in Python, for a user who has installed the wheel and nothing else of the project.

The first argument is the directory to synthesize into. The feature flags of cdk.json are in the variable
CDK_CONTEXT_JSON, as the CDK's CLI would set it.
"""

import sys

from aws_cdk import App, CfnOutput, Stack
from aws_cdk.aws_ec2 import IpAddresses, Peer, Port, SubnetConfiguration, SubnetType, Vpc
from aws_cdk.aws_elasticloadbalancingv2 import (
    ApplicationLoadBalancer,
    ApplicationProtocol,
    ListenerAction,
    NetworkLoadBalancer,
)
from cdk_alb_nlb_binding import AlbNlbBinding, AlbNlbBindingCode, AlbNlbBindingProvider, AlbNlbListener

NETWORK = "10.80.0.0/16"


class SmallStack(Stack):
    def __init__(self, scope: App, construct_id: str, code: AlbNlbBindingCode) -> None:
        super().__init__(scope, construct_id)
        vpc = Vpc(
            self,
            "Vpc",
            ip_addresses=IpAddresses.cidr(NETWORK),
            max_azs=2,
            nat_gateways=0,
            restrict_default_security_group=False,
            subnet_configuration=[
                SubnetConfiguration(name="Internal", subnet_type=SubnetType.PRIVATE_ISOLATED)
            ],
        )
        nlb = NetworkLoadBalancer(self, "Nlb", vpc=vpc, internet_facing=False)
        alb = ApplicationLoadBalancer(
            self, "Alb", vpc=vpc, internet_facing=False, load_balancer_name="orders"
        )
        alb.add_listener(
            "Http",
            protocol=ApplicationProtocol.HTTP,
            open=False,
            default_action=ListenerAction.fixed_response(
                200, content_type="text/plain", message_body="Hello."
            ),
        )
        alb.connections.allow_from(Peer.ipv4(NETWORK), Port.tcp(80), "The NLB")

        provider = AlbNlbBindingProvider(self, "Provider", code=code)
        binding = AlbNlbBinding(
            self, "Binding", alb=alb, nlb=nlb, listeners=[AlbNlbListener(port=80)], provider=provider
        )
        for name, value in {
            "BindingId": binding.binding_id,
            "BucketName": binding.bucket_name,
            "NlbArn": nlb.load_balancer_arn,
            "RuleName": binding.rule_name,
            "TargetGroupArn": binding.target_group_arn,
        }.items():
            CfnOutput(self, name, value=value)


app = App(outdir=sys.argv[1])
# Without a second argument it is the package that came with the wheel.
SmallStack(app, "Small", AlbNlbBindingCode.from_package(*sys.argv[2:]))
app.synth()
