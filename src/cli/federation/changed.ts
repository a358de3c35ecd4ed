/** What every command says that changes the links of one cluster. */
import type { Applied } from '../../engine/index.ts';
import type { Output } from '../output.ts';
import { changeLine } from './deploy-report.ts';

/** `what`: in words, what is so now. */
export async function sayChanged(applied: Applied, what: string, output: Output): Promise<void> {
  const { changes, told, untold, version } = applied;
  const first = changes.length === 0 ? `nothing to change: ${what} already` : `${what}\tversion ${version}`;
  await output.result({ changes, told, untold, version }, [first, ...changes.map(changeLine)].join('\n'));
  if (untold.length > 0) output.warn(`not told yet: ${untold.join(', ')}; they ask when they are back`);
  output.note('next: mpreg federation topology');
}
