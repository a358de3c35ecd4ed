import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'vitest';
import { runScenario } from '../../scenario.ts';
import { machineScript } from './machine-script.ts';
import { meshScript } from './mesh-script.ts';

const folder = fileURLToPath(new URL('../../scenarios/', import.meta.url));

describe('membership, as told in', () => {
  for (const file of readdirSync(folder).sort()) {
    if (!file.startsWith('membership-')) continue;
    const isMesh = file.startsWith('membership-mesh-');
    test(file, () => runScenario(`${folder}${file}`, isMesh ? meshScript(3) : machineScript()));
  }
});
