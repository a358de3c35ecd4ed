/**
 * Durations as people write them: `500ms`, `2s`, `1.5m`, `1h`, `7d`, and `0`, which means no limit.
 *
 * Refuses a bare number: `--timeout 5` means seconds to one reader and milliseconds to the next.
 */
import { problemError } from '../engine/index.ts';

const UNITS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, ms: 1, s: 1000 };

/** The longest delay that a timer takes: 2³¹ − 1 ms, 24.8 days. */
const LONGEST_MS = 2 ** 31 - 1;

/** Whole milliseconds. `where` names the flag or the key of the file for the message; `longestMs`: what no timer waits for may be longer. */
export function parseDuration(text: string, where: string, longestMs = LONGEST_MS): number {
  const parts = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text.trim());
  const amount = Number(parts?.[1]);
  const unit = parts?.[2];
  if (parts === null || (unit === undefined && amount !== 0)) {
    const why = parts === null ? 'is no duration' : 'has no unit';
    throw problemError('usage-invalid', `${where}: "${text}" ${why}; write 500ms, 2s, 1m, 1h, or 0 for no limit`);
  }
  const ms = Math.round(amount * (UNITS[unit ?? 'ms'] ?? 1));
  if (ms > longestMs) throw problemError('usage-invalid', `${where}: "${text}" is longer than 24 days; 0 is no limit`);
  return ms;
}

const LONG_UNITS: Readonly<Record<string, number>> = { ...UNITS, d: 86_400_000, w: 604_800_000 };

/** Like `parseDuration`, for what no timer waits for: also days and weeks, of any length; 0 is no time at all. */
export function parseLongDuration(text: string, where: string): number {
  const ms = durationOf(text);
  if (ms !== undefined) return ms;
  throw problemError('usage-invalid', `${where}: "${text}" is no duration; write 500ms, 2s, 1m, 1h, 7d or 0`);
}

/** As `parseLongDuration`; undefined where it is none. */
export function durationOf(text: string): number | undefined {
  const parts = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)?$/.exec(text.trim());
  const ms = Math.round(Number(parts?.[1]) * (LONG_UNITS[parts?.[2] ?? 'ms'] ?? 1));
  return parts === null || (parts[2] === undefined && ms !== 0) || !Number.isSafeInteger(ms) ? undefined : ms;
}

/** Short and rounded, for people: `850 ms`, `12 s`, `3 min`, `2 h`, `5 d`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}
