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
      `the function's package ${zip} does not exist: build it with \`make package ARCH=x86_64\` in `,
    );
    expect(() => deploy(AlbNlbBindingCode.fromPackage(zip), Architecture.ARM_64)).toThrow(
      '`make package ARCH=arm64`',
    );
  });

  test('for another processor is refused with both ways to mend it', () => {
    expect(() => deploy(packaged(AARCH64))).toThrow(
      /bootstrap.zip is for arm64, and the provider's architecture is x86_64: build it with `make package ARCH=x86_64`, or give the provider architecture: Architecture.ARM_64$/,
    );
    expect(() => deploy(packaged(X86_64), Architecture.ARM_64)).toThrow('is for x86_64');
    expect(() => deploy(packaged(AARCH64), Architecture.ARM_64)).not.toThrow();
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
  /** A repository, and what was run in it; `make` builds for this machine. */
  function repository(machine = X86_64): { path: string; run: string[]; code: AlbNlbBindingCode } {
    const path = temporaryDirectory();
    const run: string[] = [];
    for (const name of ['.cargo', 'src', 'target/lambda/alb-nlb-binding'])
      mkdirSync(join(path, name), { recursive: true });
    for (const name of ['Makefile', 'Cargo.toml', 'Cargo.lock', 'src/main.rs'])
      writeFileSync(join(path, name), name);
    const code = AlbNlbBindingCode.fromSource({
      repository: path,
      run: (command, args, directory) => {
        run.push([directory, command, ...args].join(' '));
        writePackage(join(path, 'target/lambda/alb-nlb-binding/bootstrap.zip'), machine);
      },
    });
    return { path, run, code };
  }

  function assetOf(stack: Stack): unknown {
    const [found] = Object.values(Template.fromStack(stack).findResources('AWS::Lambda::Function'));
    return (found?.Properties as { Code: { S3Key: unknown } }).Code.S3Key;
  }

  test('runs `make package` for the processor and deploys what it makes', () => {
    const { path, run, code } = repository();
    const key = assetOf(deploy(code));
    expect(run).toEqual([`${path} make package ARCH=x86_64`]);
    expect(key).toMatch(/\.zip$/);
    const arm = repository(AARCH64);
    deploy(arm.code, Architecture.ARM_64);
    expect(arm.run).toEqual([`${arm.path} make package ARCH=arm64`]);
  });

  test('is made by make itself', () => {
    const { path } = repository();
    const zip = writePackage(join(temporaryDirectory(), 'bootstrap.zip'));
    writeFileSync(
      join(path, 'Makefile'),
      `package:\n\ttest "$(ARCH)" = x86_64 && cp ${zip} target/lambda/alb-nlb-binding/`,
    );
    expect(assetOf(deploy(AlbNlbBindingCode.fromSource({ repository: path })))).toMatch(/\.zip$/);
    writeFileSync(join(path, 'Makefile'), 'package:\n\tfalse');
    expect(() => deploy(AlbNlbBindingCode.fromSource({ repository: path }))).toThrow(
      'failed; run it by hand',
    );
  });

  test('is new code when a source changes, and only then', () => {
    const { path, code } = repository();
    const first = assetOf(deploy(code));
    writeFileSync(join(path, 'target/anything'), 'built');
    writeFileSync(join(path, 'README.md'), 'written');
    expect(assetOf(deploy(code))).toBe(first);
    writeFileSync(join(path, 'src/main.rs'), 'changed');
    const second = assetOf(deploy(code));
    expect(second).not.toBe(first);
    writeFileSync(join(path, '.cargo/config.toml'), 'compiled otherwise');
    expect(assetOf(deploy(code))).not.toBe(second);
  });

  test('that fails is told with its cause', () => {
    const code = AlbNlbBindingCode.fromSource({
      repository: repository().path,
      run: () => {
        throw new Error('spawn make ENOENT');
      },
    });
    const failed = (): unknown => deploy(code);
    expect(failed).toThrow(/`make package ARCH=x86_64` in .+ failed; run it by hand to see why/);
  });

  test('that makes a package for another processor is refused', () => {
    expect(() => deploy(repository(AARCH64).code)).toThrow('is for arm64');
  });
});
