import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'vitest';
import { runScenario } from '../../scenario.ts';
import { queuesScript } from './queues-script.ts';

const folder = fileURLToPath(new URL('../../scenarios/', import.meta.url));

describe('queues, as told in', () => {
  for (const file of readdirSync(folder).sort()) {
    if (!file.startsWith('queues-')) continue;
    test(file, () => runScenario(`${folder}${file}`, queuesScript()));
  }
});
