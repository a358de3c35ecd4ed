import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'vitest';
import { runScenario } from '../../scenario.ts';
import { linksScript } from './links-script.ts';

const folder = fileURLToPath(new URL('../../scenarios/', import.meta.url));

describe('links, as told in', () => {
  for (const file of readdirSync(folder).sort()) {
    if (!file.startsWith('links-')) continue;
    test(file, () => runScenario(`${folder}${file}`, linksScript(file === 'links-full.txt' ? { waitingMax: 3 } : {})));
  }
});
