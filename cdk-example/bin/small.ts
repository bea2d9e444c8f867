import { App } from 'aws-cdk-lib';
import { codeFrom } from '../stacks/code';
import { SmallStack } from '../stacks/small';

// A smaller app, all internal, which `npx cdk deploy --app 'node --import tsx bin/small.ts' [-c alb=<name>]` deploys.
const app = new App();
const albName: unknown = app.node.tryGetContext('alb');
new SmallStack(app, 'AlbNlbBindingSmall', {
  code: codeFrom(app.node),
  albName: typeof albName === 'string' ? albName : undefined,
});
