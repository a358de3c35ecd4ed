/** When something is to be done, as people write it: a time, or how long from now. */
import { problemError } from '../engine/index.ts';

const UNITS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, ms: 1, s: 1_000 };

/** `--at` or `--in`, at most one of them. Throws `usage-invalid`. */
export function laterOf(flags: { readonly at?: string | undefined; readonly in?: string | undefined }): {
  readonly at?: number;
  readonly inMs?: number;
} {
  if (flags.in !== undefined) return { inMs: parseDelay(flags.in) };
  return flags.at === undefined ? {} : { at: parseTime(flags.at, Date.now()) };
}

/** Whole milliseconds, of any length. */
export function parseDelay(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
  const ms = Math.round(Number(amount) * (UNITS[unit] ?? 0));
  if (Number.isSafeInteger(ms)) return ms;
  throw problemError('usage-invalid', `--in: "${text}" is no duration; write 500ms, 30s, 5m, 2h or 7d`);
}

/** Milliseconds since 1970. A time without a day is the next one; one without a zone is this machine's. */
export function parseTime(text: string, now: number): number {
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text.trim());
  const at = clock === null ? Date.parse(text) : nextTime(clock.slice(1).map(Number), now);
  if (!Number.isFinite(at) || !/^\s*\d/.test(text)) {
    throw problemError(
      'usage-invalid',
      `--at: "${text}" is no time; write 2027-01-31T18:00, or 18:00 for the next one`,
    );
  }
  if (at < now) throw problemError('usage-invalid', `--at: ${new Date(at).toISOString()} is past`);
  return at;
}

function nextTime([hours = 0, minutes = 0, seconds = 0]: readonly number[], now: number): number {
  if (hours > 23 || minutes > 59 || seconds > 59) return Number.NaN;
  const at = new Date(now);
  at.setHours(hours, minutes, seconds || 0, 0);
  if (at.getTime() < now) at.setDate(at.getDate() + 1);
  return at.getTime();
}
