/** What people write for sizes, moments and long durations, and what of it is refused. */
import { describe, expect, test } from 'vitest';
import { parseLongDuration } from '../../src/cli/duration.ts';
import { optionsOf, parseBytes, parseCount, parseMoment } from '../../src/cli/queue-flags.ts';

describe('a size', () => {
  test.each([
    ['500', 500],
    ['64kb', 65_536],
    ['1.5MB', 1_572_864],
    ['1gb', 2 ** 30],
  ])('%s is %i bytes', (text, bytes) => expect(parseBytes(text, '--bytes-max')).toBe(bytes));
  test.each(['', '0', 'lots', '-1', '5 eb', '99999999tb'])('"%s" is none', (text) => {
    expect(() => parseBytes(text, '--bytes-max')).toThrow(`"${text}" is no size`);
  });
});

describe('a moment', () => {
  const now = new Date(2026, 4, 6, 12, 0, 0);
  const local = (...parts: [number, number, number, number, number]) => new Date(...parts).getTime();
  test.each([
    ['2026-12-24T18:00:00Z', Date.UTC(2026, 11, 24, 18)],
    ['2026-12-24T18:00', local(2026, 11, 24, 18, 0)],
    ['18:30', local(2026, 4, 6, 18, 30)],
    ['9:05', local(2026, 4, 7, 9, 5)],
  ])('%s', (text, at) => expect(parseMoment(text, '--at', now)).toBe(at));
  test.each(['tomorrow', '25:00', '12:75', '5', '2026-13-45', ''])('"%s" is none', (text) => {
    expect(() => parseMoment(text, '--at', now)).toThrow('is no moment');
  });
});

describe('a long duration', () => {
  test.each([
    ['0', 0],
    ['90s', 90_000],
    ['2d', 172_800_000],
    ['1w', 604_800_000],
  ])('%s', (text, ms) => expect(parseLongDuration(text, '--in')).toBe(ms));
  test.each(['5', 'soon', '-1s', '1y', ''])('"%s" is none', (text) => {
    expect(() => parseLongDuration(text, '--in')).toThrow('is no duration');
  });
});

test('what is not said of a queue is left to it, and "none" is no limit', () => {
  expect(optionsOf({})).toEqual({});
  expect(optionsOf({ 'bytes-max': '1mb', 'dead-letter': 'none', 'max-receives': 'none', 'retry-base': '2s' })).toEqual({
    bytesMax: 2 ** 20,
    deadLetter: null,
    maxReceives: null,
    retry: { baseMs: 2_000 },
  });
  expect(() => parseCount('0', '--messages-max')).toThrow('no whole number above 0');
});
