import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTemplate } from './templates';

// What the library takes along of the project: its templates, as JSON. The function's packages come from `make construct`.
const assets = join(__dirname, '../assets');
mkdirSync(assets, { recursive: true });
for (const name of ['provider', 'operations', 'alarms']) {
  writeFileSync(join(assets, `${name}.json`), JSON.stringify(readTemplate(`${name}.yaml`), undefined, 2));
}
