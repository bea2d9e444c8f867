import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTemplate } from './templates';

// Writes the project's templates, as JSON, into the library. `make construct` adds the function's packages.
const assets = join(__dirname, '../assets');
mkdirSync(assets, { recursive: true });
for (const name of ['provider', 'operations', 'alarms']) {
  writeFileSync(join(assets, `${name}.json`), JSON.stringify(readTemplate(`${name}.yaml`), undefined, 2));
}
