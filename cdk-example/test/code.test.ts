import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Architecture, Code } from 'aws-cdk-lib/aws-lambda';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AlbNlbBindingCode, AlbNlbBindingProvider } from '../lib';
import { AARCH64, X86_64, appOf, newApp, temporaryDirectory, writePackage } from './support';

function deploy(code: AlbNlbBindingCode, architecture?: Architecture): Stack {
  const stack = new Stack(newApp(), 'Stack');
  new AlbNlbBindingProvider(stack, 'Provider', { code, architecture });
  return stack;
}

function packaged(machine: number): AlbNlbBindingCode {
  return AlbNlbBindingCode.fromPackage(writePackage(join(temporaryDirectory(), 'bootstrap.zip'), machine));
}

describe('a package', () => {
  test('is deployed as it is', () => {
    const zip = writePackage(join(temporaryDirectory(), 'bootstrap.zip'));
    const stack = deploy(AlbNlbBindingCode.fromPackage(zip));
    const assembly = appOf(stack).synth();
    const assets = readdirSync(assembly.directory).filter((name) => name.startsWith('asset.'));
    expect(assets).toHaveLength(1);
    expect(readFileSync(join(assembly.directory, assets[0] ?? ''))).toEqual(readFileSync(zip));
  });

  test('that is missing is told with the command that builds it', () => {
    const zip = join(temporaryDirectory(), 'bootstrap.zip');
    expect(() => deploy(AlbNlbBindingCode.fromPackage(zip))).toThrow(
      `the function's package ${zip} does not exist: in the project's sources, build it with \`make package ARCH=arm64\``,
    );
    expect(() => deploy(AlbNlbBindingCode.fromPackage(zip), Architecture.X86_64)).toThrow(
      '`make package ARCH=x86_64`',
    );
  });

  test('decides what processor the function runs on', () => {
    for (const [machine, name] of [
      [X86_64, 'x86_64'],
      [AARCH64, 'arm64'],
    ] as const) {
      Template.fromStack(deploy(packaged(machine))).hasResourceProperties('AWS::Lambda::Function', {
        Architectures: [name],
      });
    }
  });

  test('for another processor than was asked for is refused with both ways to mend it', () => {
    expect(() => deploy(packaged(X86_64), Architecture.ARM_64)).toThrow(
      /bootstrap.zip is for x86_64, and the provider's architecture is arm64: build it with `make package ARCH=arm64`, or give the provider architecture: Architecture.X86_64$/,
    );
    expect(() => deploy(packaged(AARCH64), Architecture.X86_64)).toThrow('is for arm64');
    expect(() => deploy(packaged(X86_64), Architecture.X86_64)).not.toThrow();
  });

  const zipped = (machine: number, magic?: string): Buffer =>
    readFileSync(writePackage(join(temporaryDirectory(), 'bootstrap.zip'), machine, magic));

  test.each([
    ['no zip', () => Buffer.from('bootstrap')],
    ['an empty file', () => Buffer.alloc(0)],
    ['a zip of a script', () => zipped(X86_64, '#!/b')],
    ['a program for another kind of processor', () => zipped(243)],
  ])('that is %s is refused', (_, content) => {
    const file = join(temporaryDirectory(), 'bootstrap.zip');
    writeFileSync(file, content());
    expect(() => deploy(AlbNlbBindingCode.fromPackage(file))).toThrow(
      `${file} is not a package of the function`,
    );
  });
});

test('code in a bucket is taken as it is', () => {
  const stack = new Stack(newApp(), 'Stack');
  const bucket = Bucket.fromBucketName(stack, 'Code', 'code-of-ours');
  new AlbNlbBindingProvider(stack, 'Provider', {
    code: AlbNlbBindingCode.fromCode(Code.fromBucketV2(bucket, 'bootstrap.zip')),
  });
  Template.fromStack(stack).hasResourceProperties('AWS::Lambda::Function', {
    Code: { S3Bucket: 'code-of-ours', S3Key: 'bootstrap.zip' },
  });
});

describe('a build from source', () => {
  /** A repository whose `make package` for a processor makes a package for `machine`, which may be another one. */
  function repository(architecture: Architecture, machine: number): string {
    const path = temporaryDirectory();
    for (const name of [
      '.cargo',
      'src',
      'target/lambda/alb-nlb-binding',
      'target/lambda/alb-nlb-binding-arm64',
    ])
      mkdirSync(join(path, name), { recursive: true });
    for (const name of ['Cargo.toml', 'Cargo.lock', 'src/main.rs']) writeFileSync(join(path, name), name);
    const zip = writePackage(join(temporaryDirectory(), 'bootstrap.zip'), machine);
    const built = { x86_64: 'alb-nlb-binding', arm64: 'alb-nlb-binding-arm64' }[architecture.name] ?? '';
    writeFileSync(
      join(path, 'Makefile'),
      `package:\n\ttest "$(ARCH)" = ${architecture.name} && cp ${zip} target/lambda/${built}/`,
    );
    return path;
  }

  function build(path: string, architecture?: Architecture): unknown {
    const stack = deploy(AlbNlbBindingCode.fromSource(path), architecture);
    const [found] = Object.values(Template.fromStack(stack).findResources('AWS::Lambda::Function'));
    return (found?.Properties as { Code: { S3Key: unknown } }).Code.S3Key;
  }

  test('runs `make package` for the processor and deploys what it makes', () => {
    expect(build(repository(Architecture.ARM_64, AARCH64))).toMatch(/\.zip$/);
    expect(build(repository(Architecture.X86_64, X86_64), Architecture.X86_64)).toMatch(/\.zip$/);
  });

  test('is new code when a source changes, and only then', () => {
    const path = repository(Architecture.ARM_64, AARCH64);
    const first = build(path);
    writeFileSync(join(path, 'target/anything'), 'built');
    writeFileSync(join(path, 'README.md'), 'written');
    expect(build(path)).toBe(first);
    writeFileSync(join(path, 'src/main.rs'), 'changed');
    const second = build(path);
    expect(second).not.toBe(first);
    writeFileSync(join(path, '.cargo/config.toml'), 'compiled otherwise');
    const third = build(path);
    expect(third).not.toBe(second);
    writeFileSync(join(path, 'rust-toolchain.toml'), 'compiled by another Rust');
    expect(build(path)).not.toBe(third);
  });

  test('that fails is told with the command to run by hand', () => {
    const path = repository(Architecture.ARM_64, AARCH64);
    writeFileSync(join(path, 'Makefile'), 'package:\n\tfalse');
    expect(() => build(path)).toThrow(/`make package ARCH=arm64` in .+ failed; run it by hand to see why/);
  });

  test('that makes a package for another processor is refused', () => {
    expect(() => build(repository(Architecture.ARM_64, X86_64))).toThrow('is for x86_64');
  });
});

test('the library has the version and the repository of the function', () => {
  const read = (name: string): string => readFileSync(join(__dirname, '../..', name), 'utf8');
  const named = (key: string): string =>
    new RegExp(`^${key} = "(.+)"$`, 'm').exec(read('Cargo.toml'))?.[1] ?? '';
  const repository = named('repository');
  expect(JSON.parse(read('cdk-example/package.json'))).toMatchObject({
    version: named('version'),
    repository: { url: `${repository}.git` },
    author: { url: repository },
  });
});
