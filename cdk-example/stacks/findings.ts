import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Tells cdk-nag why its findings in the example stay. The provider explains those in the function's role. */
export function acceptFindings({
  vpc,
  nlbSecurityGroup,
  nlb,
  alb,
}: Record<'vpc' | 'nlbSecurityGroup' | 'nlb' | 'alb', IConstruct>): void {
  accept(vpc, 'VPC7', 'Flow logs cost money and tell nothing about what the example shows.');
  accept(
    nlbSecurityGroup,
    'EC23',
    'Reaching the fixed addresses from anywhere is what the example shows; name your clients instead.',
  );
  accept(nlb, 'ELB2', 'An NLB logs TLS connections only, and this one has none.');
  accept(alb, 'ELB2', 'Access logs would need a bucket of their own, which the example leaves out.');
}

function accept(construct: IConstruct, rule: string, reason: string): void {
  Validations.of(construct).acknowledge({ id: `AwsSolutions::AwsSolutions-${rule}`, reason });
}
