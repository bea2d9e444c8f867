import { CfnOutput, Stack, CfnParameter, CfnWaitConditionHandle } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AlbNlbHealthCheckProtocol } from '../lib';
import { bind, loadBalancers, newStack, appOf } from './support';
import { writeFileSync } from 'node:fs';
test('x', () => {
  const stack = newStack();
  const { alb, nlb } = loadBalancers(stack, 80);
  const binding = bind(stack, { alb, nlb, listeners: [{ port: new CfnParameter(stack, 'P', {type:'Number'}).valueAsNumber, healthCheck: { protocol: AlbNlbHealthCheckProtocol.HTTP, path: "/it's" } }] });
  const other = new Stack(appOf(stack), 'Other');
  new CfnParameter(other, 'Q'); new CfnWaitConditionHandle(other, 'W');
  for (const s of [stack, other]) {
    new CfnOutput(s, 'A', { value: binding.statusCommand });
    new CfnOutput(s, 'B', { value: binding.checkCommand });
    new CfnOutput(s, 'C', { value: binding.provider.statusCommand });
  }
  appOf(stack).synth();
  writeFileSync('/tmp/x/out.json', JSON.stringify([stack, other].map(s => Template.fromStack(s).toJSON().Outputs), null, 1));
});
