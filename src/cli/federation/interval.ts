/** `--interval` of the monitors: seconds, as the configuration has them, or a duration. */
import { Flags } from '@oclif/core';
import { parseDuration } from '../duration.ts';

export const intervalFlag = Flags.string({
  default: '30',
  helpValue: 'SECONDS',
  summary: 'How often hubs are asked, in seconds, or as a duration (500ms, 1m).',
});

const LEAST_MS = 100;

export function intervalMs(given: string): number {
  const text = /^\d+(\.\d+)?$/.test(given.trim()) ? `${given.trim()}s` : given;
  return Math.max(LEAST_MS, parseDuration(text, '--interval'));
}
