import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'vitest';
import { runScenario } from '../../scenario.ts';
import { alertsScript } from './alerts-script.ts';

const folder = fileURLToPath(new URL('../../scenarios/', import.meta.url));

describe('alerts, as told in', () => {
  for (const file of readdirSync(folder).sort()) {
    if (!file.startsWith('federation-alerts')) continue;
    test(file, () => runScenario(`${folder}${file}`, alertsScript()));
  }
});
