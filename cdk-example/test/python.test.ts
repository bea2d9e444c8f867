import { App } from 'aws-cdk-lib';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SmallStack } from '../stacks/small';
import { AlbNlbBindingCode } from '../lib';
import { temporaryDirectory, writePackage } from './support';

/*
 * The library as users of Python get it: the wheel, in an environment that has the CDK and nothing of the project.
 * `make cdk` makes both the wheel and the environment.
 */

const ROOT = join(__dirname, '..');
const PYTHON = join(ROOT, '../target/cdk-python/bin/python');
const CONTEXT = (JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8')) as { context: object }).context;

/** Runs Python and returns what it prints. */
function python(...args: string[]): string {
  return execFileSync(PYTHON, args, {
    cwd: temporaryDirectory(),
    encoding: 'utf8',
    env: {
      ...process.env,
      CDK_CONTEXT_JSON: JSON.stringify({ ...CONTEXT, 'aws:cdk:disable-metadata': true }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function templateIn(directory: string): unknown {
  return JSON.parse(readFileSync(join(directory, 'Small.template.json'), 'utf8'));
}

beforeAll(() => {
  const wheels = join(ROOT, 'dist/python');
  const [wheel] = existsSync(wheels) ? readdirSync(wheels).filter((name) => name.endsWith('.whl')) : [];
  if (wheel === undefined || !existsSync(PYTHON)) {
    throw new Error('there is no wheel, or no Python to install it for: run `make cdk`, which makes both');
  }
  python('-m', 'pip', 'install', '--quiet', '--force-reinstall', '--no-deps', join(wheels, wheel));
  // Fails if the wheel needs a package that the environment lacks, so that for users `pip install` is enough.
  python('-m', 'pip', 'check');
}, 120_000);

test('an app in Python has the template of the one in TypeScript', () => {
  const zip = writePackage(join(temporaryDirectory(), 'bootstrap.zip'));
  const [inPython, inTypeScript] = [temporaryDirectory(), temporaryDirectory()];
  python(join(__dirname, 'python/app.py'), inPython, zip);
  const app = new App({ context: CONTEXT, analyticsReporting: false, outdir: inTypeScript });
  new SmallStack(app, 'Small', { code: AlbNlbBindingCode.fromPackage(zip) });
  app.synth();
  expect(templateIn(inPython)).toEqual(templateIn(inTypeScript));
}, 120_000);

test('the wheel brings the function along', () => {
  const directory = temporaryDirectory();
  if (!existsSync(join(ROOT, 'assets/bootstrap-arm64.zip'))) {
    process.stderr.write(
      'the wheel has no package of the function: THAT IT DEPLOYS ITS OWN IS NOT CHECKED\n',
    );
    return;
  }
  python(join(__dirname, 'python/app.py'), directory);
  const packages = readdirSync(directory).filter((name) => name.endsWith('.zip'));
  expect(packages.map((name) => readFileSync(join(directory, name)))).toEqual([
    readFileSync(join(ROOT, 'assets/bootstrap-arm64.zip')),
  ]);
}, 120_000);
