import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { codeFrom } from '../stacks/code';
import { FixedAddressesStack } from '../stacks/fixed-addresses';

// The whole example: `npx cdk deploy`.
const app = new App();
new FixedAddressesStack(app, 'AlbNlbBindingExample', { code: codeFrom(app.node) });
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
