import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'vitest';
import { runScenario } from '../../scenario.ts';
import { callsScript } from './calls-script.ts';

const folder = fileURLToPath(new URL('../../scenarios/', import.meta.url));
const SMALL = { callsMax: 4, perClientMax: 2, stepsAtOnceMax: 2 };

describe('calls, as told in', () => {
  for (const file of readdirSync(folder).sort()) {
    if (!file.startsWith('calls-')) continue;
    test(file, () => runScenario(`${folder}${file}`, callsScript(file === 'calls-limits.txt' ? SMALL : {})));
  }
});
