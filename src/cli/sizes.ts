/** Sizes as people write them: `500`, `10kb`, `1.5gb`; a kilobyte is 1024 bytes. */
import { problemError } from '../engine/index.ts';

const UNITS: Readonly<Record<string, number>> = { b: 1, kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30, tb: 2 ** 40 };

/** Whole bytes, at least 1. `where` names the flag for the message. */
export function parseSize(text: string, where: string): number {
  const parts = /^(\d+(?:\.\d+)?)\s*(b|kb|mb|gb|tb)?$/i.exec(text.trim());
  const bytes = Math.round(Number(parts?.[1]) * (UNITS[(parts?.[2] ?? 'b').toLowerCase()] ?? 1));
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw problemError('usage-invalid', `${where}: "${text}" is no size; write 500kb, 10mb, 1gb`);
}

/** Short and rounded, for people: `812 B`, `12 kB`, `1.5 GB`. */
export function formatSize(bytes: number): string {
  let rest = bytes;
  let unit = 'B';
  for (const larger of ['kB', 'MB', 'GB', 'TB']) {
    if (rest < 1_000) break;
    rest /= 1_024;
    unit = larger;
  }
  return `${rest < 10 && unit !== 'B' ? rest.toFixed(1) : Math.round(rest)} ${unit}`;
}
