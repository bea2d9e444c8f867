import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { BundlingOutput, DockerImage, IgnoreMode } from 'aws-cdk-lib';
import { Architecture, Code } from 'aws-cdk-lib/aws-lambda';
import { architectureOf } from './package';

/** The function's code: a binary named `bootstrap` in a zip. */
export abstract class AlbNlbBindingCode {
  /**
   * A packaged function.
   *
   * @param zip path of the package; by default that of the library's own package for the provider's processor
   */
  public static fromPackage(zip?: string): AlbNlbBindingCode {
    return new PackagedCode(zip);
  }

  /**
   * Runs `make package` whenever the function's sources have changed. That needs Rust, and more.
   *
   * @param repository path of the project's sources
   */
  public static fromSource(repository: string): AlbNlbBindingCode {
    return new SourceCode(repository);
  }

  /** Any other code, such as `Code.fromBucket(...)`. Nothing checks that it was built for the provider's processor. */
  public static fromCode(code: Code): AlbNlbBindingCode {
    return new OtherCode(code);
  }

  /** The processor that the code was built for, if that is known before the build. */
  public get architecture(): Architecture | undefined {
    return undefined;
  }

  /**
   * The code for a function on this kind of processor.
   *
   * @throws an error that names the remedy, if the code is missing, cannot be built, or is for another processor
   */
  public abstract forArchitecture(architecture: Architecture): Code;
}

class PackagedCode extends AlbNlbBindingCode {
  constructor(private readonly zip?: string) {
    super();
  }

  public override get architecture(): Architecture | undefined {
    return this.zip !== undefined && existsSync(this.zip) ? architectureOf(this.zip) : undefined;
  }

  public override forArchitecture(architecture: Architecture): Code {
    const zip = this.zip ?? join(__dirname, `../assets/bootstrap-${architecture.name}.zip`);
    if (!existsSync(zip)) {
      throw new Error(
        `the function's package ${zip} does not exist: in the project's sources, build it with ` +
          `\`${makePackage(architecture)}\`, or let the CDK build it with AlbNlbBindingCode.fromSource(repository)`,
      );
    }
    checkArchitecture(zip, architecture);
    return Code.fromAsset(zip);
  }
}

class SourceCode extends AlbNlbBindingCode {
  constructor(private readonly repository: string) {
    super();
  }

  public override forArchitecture(architecture: Architecture): Code {
    return Code.fromAsset(this.repository, {
      // Only what the package is built from is hashed, so that the CDK builds it again only when that changes.
      ignoreMode: IgnoreMode.GIT,
      exclude: [
        '/*',
        '!/.cargo',
        '!/Cargo.lock',
        '!/Cargo.toml',
        '!/Makefile',
        '!/release',
        '!/rust-toolchain.toml',
        '!/src',
      ],
      bundling: {
        local: {
          tryBundle: (directory) => {
            this.build(architecture, directory);
            return true;
          },
        },
        outputType: BundlingOutput.ARCHIVED,
        // The command is part of the hash. The CDK never runs a container: the local build succeeds or throws.
        command: makePackage(architecture).split(' '),
        image: DockerImage.fromRegistry('scratch'),
      },
    });
  }

  private build(architecture: Architecture, directory: string): void {
    const [command, ...args] = makePackage(architecture).split(' ') as [string, ...string[]];
    try {
      // The CDK's CLI reads the app's standard output, so nothing else may write there.
      execFileSync(command, args, {
        cwd: this.repository,
        stdio: ['ignore', process.stderr, process.stderr],
      });
    } catch (cause) {
      const text = `\`${makePackage(architecture)}\` in ${this.repository} failed; run it by hand to see why`;
      throw new Error(text, { cause });
    }
    const zip = join(this.repository, 'target/lambda', PACKAGES[architecture.name] ?? '', 'bootstrap.zip');
    checkArchitecture(zip, architecture);
    copyFileSync(zip, join(directory, 'bootstrap.zip'));
  }
}

class OtherCode extends AlbNlbBindingCode {
  constructor(private readonly code: Code) {
    super();
  }

  public override forArchitecture(_architecture: Architecture): Code {
    return this.code;
  }
}

/** Folder below target/lambda into which `make package` puts the package, by processor. */
const PACKAGES: Readonly<Record<string, string>> = {
  x86_64: 'alb-nlb-binding',
  arm64: 'alb-nlb-binding-arm64',
};

function makePackage({ name }: Architecture): string {
  return `make package ARCH=${name}`;
}

function checkArchitecture(zip: string, wanted: Architecture): void {
  const built = architectureOf(zip);
  if (built.name !== wanted.name) {
    const name = built.name === Architecture.ARM_64.name ? 'ARM_64' : 'X86_64';
    throw new Error(
      `the function's package ${zip} is for ${built.name}, and the provider's architecture is ${wanted.name}: build ` +
        `it with \`${makePackage(wanted)}\`, or give the provider architecture: Architecture.${name}`,
    );
  }
}
