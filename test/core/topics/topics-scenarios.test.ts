import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'vitest';
import { runScenario } from '../../scenario.ts';
import { backlogScript } from './backlog-script.ts';
import { meshScript } from './mesh-script.ts';

const folder = fileURLToPath(new URL('../../scenarios/', import.meta.url));

describe('topics, as told in', () => {
  for (const file of readdirSync(folder).sort()) {
    if (!file.startsWith('topics-')) continue;
    const run = file.startsWith('topics-kept') ? backlogScript() : meshScript(file === 'topics-widen.txt' ? 3 : 100);
    test(file, () => runScenario(`${folder}${file}`, run));
  }
});
