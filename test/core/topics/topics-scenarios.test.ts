import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'vitest';
import { type Command, runScenario } from '../../scenario.ts';
import { backlogScript } from './backlog-script.ts';
import { debtsScript } from './debts-script.ts';
import { meshScript } from './mesh-script.ts';
import { scheduleScript } from './schedule-script.ts';

const folder = fileURLToPath(new URL('../../scenarios/', import.meta.url));

function scriptOf(file: string): (command: Command) => string {
  if (file.startsWith('topics-kept')) return backlogScript();
  if (file.startsWith('topics-debts')) return debtsScript();
  if (file.startsWith('topics-later')) return scheduleScript();
  return meshScript(file === 'topics-widen.txt' ? 3 : 100);
}

describe('topics, as told in', () => {
  for (const file of readdirSync(folder).sort()) {
    if (!file.startsWith('topics-')) continue;
    test(file, () => runScenario(`${folder}${file}`, scriptOf(file)));
  }
});
