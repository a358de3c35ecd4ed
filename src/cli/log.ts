/** The log of a node, on stderr: readable lines for people, one JSON object per line for machines. */
import type { NodeOptions } from '../engine/index.ts';
import type { Output } from './output.ts';
import type { Style } from './table.ts';
import { oneLine } from './terminal.ts';

export type Log = NonNullable<NodeOptions['log']>;
export type LogFormat = 'text' | 'json';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof LEVELS)[number];

const STYLES: Readonly<Record<Level, Style>> = { debug: 'dim', error: 'red', info: 'green', warn: 'yellow' };

/** --verbose shows everything, --quiet only what is wrong. */
export async function makeLog(format: LogFormat, output: Output): Promise<Log> {
  const least: Level = output.verbose ? 'debug' : output.quiet ? 'warn' : 'info';
  if (format === 'json') return jsonLog(least);
  return (level, message, details = {}) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
    const time = process.stderr.isTTY ? new Date().toTimeString().slice(0, 8) : new Date().toISOString();
    const pairs = Object.entries(details).map(([key, value]) => output.style('dim', ` ${key}=${inline(value)}`));
    const name = output.style(STYLES[level], level.padEnd(5));
    process.stderr.write(`${output.style('dim', time)} ${name} ${oneLine(message)}${pairs.join('')}\n`);
  };
}

async function jsonLog(least: Level): Promise<Log> {
  const { pino } = await import('pino');
  const logger = pino(
    {
      base: { pid: process.pid },
      formatters: { level: (level) => ({ level }) },
      level: least,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    pino.destination({ fd: 2, sync: true }),
  );
  return (level, message, details = {}) => logger[level](details, message);
}

function inline(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return oneLine(/[\s"]/.test(text) && typeof value === 'string' ? JSON.stringify(text) : text);
}
