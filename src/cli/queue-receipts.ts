import { problemError } from '../engine/index.ts';
import { readStdin, STDIN_BYTES_MAX } from './io.ts';

/** Receipts of the command line; `-` alone stands for one per line of stdin. */
export async function readReceipts(given: unknown, signal: AbortSignal): Promise<readonly string[]> {
  const words = given as readonly string[];
  if (words.length > 1 || words[0] !== '-') return words;
  const bytes = await readStdin('receipts', { bytesMax: STDIN_BYTES_MAX, note: () => undefined, signal });
  const receipts = new TextDecoder().decode(bytes).split(/\s+/).filter(Boolean);
  if (receipts.length === 0) throw problemError('usage-invalid', 'there are no receipts on stdin');
  return receipts;
}
