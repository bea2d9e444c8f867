import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { codeFrom } from '../stacks/code';
import { FixedAddressesStack } from '../stacks/fixed-addresses';

// `npx cdk deploy` deploys this app, the whole example.
const app = new App();
new FixedAddressesStack(app, 'AlbNlbBindingExample', { code: codeFrom(app.node) });
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
