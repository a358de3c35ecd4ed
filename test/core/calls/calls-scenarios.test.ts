import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'vitest';
import type { CallsOptions } from '../../../src/engine/core/calls/options.ts';
import { runScenario } from '../../scenario.ts';
import { callsScript } from './calls-script.ts';

const folder = fileURLToPath(new URL('../../scenarios/', import.meta.url));
const ALONE = { chainStepsMax: 1 };
const OPTIONS: Readonly<Record<string, Partial<CallsOptions>>> = {
  'calls-chain-trouble.txt': {},
  'calls-chain.txt': {},
  'calls-held.txt': { heldBytesMax: 40, holdBytesMin: 9 },
  'calls-keep.txt': { holdBytesMin: 9 },
  'calls-limits.txt': { ...ALONE, callsMax: 4, perClientMax: 2, stepsAtOnceMax: 2 },
};

describe('calls, as told in', () => {
  for (const file of readdirSync(folder).sort()) {
    if (!file.startsWith('calls-')) continue;
    test(file, () => runScenario(`${folder}${file}`, callsScript(OPTIONS[file] ?? ALONE)));
  }
});
