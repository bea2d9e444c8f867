import { App, Stack, type StackProps } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import {
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ListenerAction,
  NetworkLoadBalancer,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { AlbNlbBinding, AlbNlbBindingCode, AlbNlbBindingProvider, type AlbNlbBindingProps } from '../lib';

export const X86_64 = 62;
export const AARCH64 = 183;
export const ALB_ARN =
  'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/orders/50dc6c495c0c9188';
export const NLB_ARN =
  'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/front/0f1e2d3c4b5a6978';
export const GROUP_ARN =
  'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/given/943f017f100becff';

/** Holds all that tests write, also the cloud assemblies of their apps. */
const DIRECTORY = mkdtempSync(join(tmpdir(), 'cdk-example-'));

afterAll(() => {
  rmSync(DIRECTORY, { recursive: true });
});

/** A directory that is deleted after the tests of a file. */
export function temporaryDirectory(): string {
  return mkdtempSync(join(DIRECTORY, 'test-'));
}

/** Writes a package like that of `make package`, with a program that does nothing. */
export function writePackage(file: string, machine = AARCH64, magic = '\x7fELF'): string {
  const program = Buffer.alloc(64);
  program.write(magic, 'latin1');
  program.writeUInt16LE(machine, 18);
  const name = 'bootstrap';
  const content = deflateRawSync(program);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(8, 8);
  header.writeUInt32LE(crc32(program), 14);
  header.writeUInt32LE(content.length, 18);
  header.writeUInt32LE(program.length, 22);
  header.writeUInt16LE(name.length, 26);
  writeFileSync(file, Buffer.concat([header, Buffer.from(name), content]));
  return file;
}

/** An app with the feature flags that the CLI reads from cdk.json. */
export function newApp(): App {
  const { context } = JSON.parse(readFileSync(join(__dirname, '../cdk.json'), 'utf8')) as {
    context: Record<string, unknown>;
  };
  return new App({ context, analyticsReporting: false, outdir: temporaryDirectory() });
}

/** The app that a stack is in. */
export function appOf(stack: Stack): App {
  const { root } = stack.node;
  if (!App.isApp(root)) throw new Error(`${root.node.path} is no app`);
  return root;
}

/** A stack whose bindings' function is a dummy. */
export function newStack(props?: StackProps, app = newApp()): Stack {
  const stack = new Stack(app, 'Orders', props);
  AlbNlbBindingProvider.of(stack, { code: dummyCode() });
  return stack;
}

export function dummyCode(): AlbNlbBindingCode {
  return AlbNlbBindingCode.fromPackage(writePackage(join(temporaryDirectory(), 'bootstrap.zip')));
}

/** An internal ALB that listens on some ports, and an NLB, in the two zones of one VPC. */
export function loadBalancers(
  stack: Stack,
  ...ports: number[]
): { vpc: Vpc; alb: ApplicationLoadBalancer; nlb: NetworkLoadBalancer } {
  const vpc = new Vpc(stack, 'Vpc', { maxAzs: 2, natGateways: 0, restrictDefaultSecurityGroup: false });
  const alb = new ApplicationLoadBalancer(stack, 'Alb', { vpc });
  for (const port of ports) {
    alb.addListener(`Port${port}`, {
      protocol: ApplicationProtocol.HTTP,
      port,
      open: false,
      defaultAction: ListenerAction.fixedResponse(200),
    });
  }
  return { vpc, alb, nlb: new NetworkLoadBalancer(stack, 'Nlb', { vpc }) };
}

/** A binding of existing load balancers on port 80, with some of the properties changed. */
export function bind(stack: Stack, changes: Partial<AlbNlbBindingProps> = {}, id = 'Binding'): AlbNlbBinding {
  return new AlbNlbBinding(stack, id, { alb: ALB_ARN, nlb: NLB_ARN, listeners: [{ port: 80 }], ...changes });
}

/** The only binding of a stack, as the template has it. */
export function bindingOf(stack: Stack): {
  id: string;
  Properties: Record<string, unknown>;
  DependsOn: string[];
} {
  const found = Object.entries(Template.fromStack(stack).findResources('Custom::AlbNlbBinding'));
  expect(found).toHaveLength(1);
  const [id, resource] = found[0] as [string, { Properties: Record<string, unknown>; DependsOn: string[] }];
  return { id, ...resource };
}
