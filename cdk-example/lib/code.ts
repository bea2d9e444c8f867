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
   * @param zip where the package is; by default that of this library, for the provider's processor
   */
  public static fromPackage(zip?: string): AlbNlbBindingCode {
    return new PackagedCode(zip);
  }

  /**
   * Builds the function whenever its sources changed, by `make package`. Needs what that needs: Rust, for a start.
   *
   * @param repository where the project's sources are
   */
  public static fromSource(repository: string): AlbNlbBindingCode {
    return new SourceCode(repository);
  }

  /** Any other code, such as that in a bucket: `Code.fromBucket(...)`. It is for you to see that the processor fits. */
  public static fromCode(code: Code): AlbNlbBindingCode {
    return new OtherCode(code);
  }

  /** The processor that the code was built for, where that is known before it is built. */
  public get architecture(): Architecture | undefined {
    return undefined;
  }

  /**
   * The code for a function on this kind of processor.
   *
   * @throws an error where it is missing, cannot be built, or is for another processor; it names the remedy
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
      // The hash is that of what the package is built from, so that nothing is built twice.
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
        // Part of the hash. No container is ever run: the build is local or fails.
        command: makePackage(architecture).split(' '),
        image: DockerImage.fromRegistry('scratch'),
      },
    });
  }

  private build(architecture: Architecture, directory: string): void {
    const [command, ...args] = makePackage(architecture).split(' ') as [string, ...string[]];
    try {
      // The CLI reads the app's standard output.
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

/** Where `make package` puts what it builds, below target/lambda. */
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
