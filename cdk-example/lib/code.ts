import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BundlingOutput, DockerImage, IgnoreMode } from 'aws-cdk-lib';
import { Architecture, Code } from 'aws-cdk-lib/aws-lambda';
import { architectureOf } from './package';

const REPOSITORY = resolve(__dirname, '../..');
const PACKAGE = 'target/lambda/alb-nlb-binding/bootstrap.zip';

/** Runs a command in a directory and throws when it fails. */
export type CommandRunner = (command: string, args: readonly string[], directory: string) => void;

/** Options of {@link AlbNlbBindingCode.fromSource}. */
export interface SourceOptions {
  /**
   * Where the repository is.
   *
   * @default - the one that this file is in
   */
  readonly repository?: string;
  /**
   * What runs `make`.
   *
   * @default - a child process whose output goes to standard error
   */
  readonly run?: CommandRunner;
}

/** The function's code: a binary named `bootstrap` in a zip. */
export abstract class AlbNlbBindingCode {
  /**
   * What `make package` has built.
   *
   * @param zip where the package is; by default where `make package` puts it
   */
  public static fromPackage(zip: string = join(REPOSITORY, PACKAGE)): AlbNlbBindingCode {
    return new PackagedCode(zip);
  }

  /** Builds the function whenever its sources changed, by `make package`. Needs what that needs: Rust, for a start. */
  public static fromSource(options: SourceOptions = {}): AlbNlbBindingCode {
    return new SourceCode(options.repository ?? REPOSITORY, options.run ?? run);
  }

  /** Any other code, such as that in a bucket: `Code.fromBucket(...)`. It is for you to see that the processor fits. */
  public static fromCode(code: Code): AlbNlbBindingCode {
    return new OtherCode(code);
  }

  /**
   * The code for a function on this kind of processor.
   *
   * @throws an error where it is missing, cannot be built, or is for another processor; it names the remedy
   */
  public abstract forArchitecture(architecture: Architecture): Code;
}

class PackagedCode extends AlbNlbBindingCode {
  constructor(private readonly zip: string) {
    super();
  }

  public override forArchitecture(architecture: Architecture): Code {
    if (!existsSync(this.zip)) {
      throw new Error(
        `the function's package ${this.zip} does not exist: build it with \`${makePackage(architecture)}\` in ` +
          `${REPOSITORY}, or let the CDK build it with AlbNlbBindingCode.fromSource()`,
      );
    }
    checkArchitecture(this.zip, architecture);
    return Code.fromAsset(this.zip);
  }
}

class SourceCode extends AlbNlbBindingCode {
  constructor(
    private readonly repository: string,
    private readonly run: CommandRunner,
  ) {
    super();
  }

  public override forArchitecture(architecture: Architecture): Code {
    return Code.fromAsset(this.repository, {
      // The hash is that of what the package is built from, so that nothing is built twice.
      ignoreMode: IgnoreMode.GIT,
      exclude: ['/*', '!/.cargo', '!/Cargo.lock', '!/Cargo.toml', '!/Makefile', '!/src'],
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
      this.run(command, args, this.repository);
    } catch (cause) {
      throw new Error(
        `\`${makePackage(architecture)}\` in ${this.repository} failed; run it by hand to see why`,
        {
          cause,
        },
      );
    }
    const zip = join(this.repository, PACKAGE);
    checkArchitecture(zip, architecture);
    copyFileSync(zip, join(directory, 'bootstrap.zip'));
  }
}

class OtherCode extends AlbNlbBindingCode {
  constructor(private readonly code: Code) {
    super();
  }

  public override forArchitecture(): Code {
    return this.code;
  }
}

/** `make package` without an argument builds for x86_64; arm64 needs cargo-lambda. */
function makePackage(architecture: Architecture): string {
  return architecture.name === Architecture.ARM_64.name
    ? 'make package ARCH=arm64'
    : 'make package ARCH=x86_64';
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

function run(command: string, args: readonly string[], directory: string): void {
  // The CLI reads the app's standard output.
  execFileSync(command, args, { cwd: directory, stdio: ['ignore', process.stderr, process.stderr] });
}
