/** Text that users' code writes, line by line, bounded in length and number. */
import type { Readable } from 'node:stream';

const NEWLINE = 0x0a;
const LOG_LINE_MAX = 16 * 1024;
/** Limit: lines per second of one stream that reach the log. Why: writing them costs the node's loop more than saying them. */
const LOG_LINES_MAX = 1_000;

/**
 * Calls `each` with every line, without its end. A line over `bytesMax` is not kept: `overlong` gets how it begins, once,
 * when its end has come.
 */
export function eachLine(
  stream: Readable,
  bytesMax: number,
  each: (line: string) => void,
  overlong: (head: string) => void,
): void {
  let parts: Buffer[] = [];
  let length = 0;
  const add = (part: Buffer) => {
    const before = length;
    length += part.length;
    if (length <= bytesMax) parts.push(part);
    else if (before <= bytesMax) parts = [Buffer.from(Buffer.concat([...parts, part]).subarray(0, HEAD_BYTES))];
  };
  const end = () => {
    const text = Buffer.concat(parts).toString('utf8');
    if (length > bytesMax) overlong(text);
    else each(text.endsWith('\r') ? text.slice(0, -1) : text);
    parts = [];
    length = 0;
  };
  stream.on('data', (chunk: Buffer) => {
    let from = 0;
    for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, to));
      end();
      from = to + 1;
    }
    if (from < chunk.length) add(chunk.subarray(from));
  });
  stream.on('end', () => {
    if (length > 0) end();
  });
}

const HEAD_BYTES = 256;

/** Lines for the log: long ones are cut, and those that are too many are counted in place of being said. */
export function logLines(stream: Readable, say: (line: string) => void): void {
  const bounded = boundedLog(say);
  eachLine(stream, LOG_LINE_MAX, bounded, (head) => bounded(`${head}… (over ${LOG_LINE_MAX} bytes)`));
}

export function boundedLog(say: (line: string) => void): (line: string) => void {
  let second = 0;
  let count = 0;
  return (line) => {
    const now = Math.floor(performance.now() / 1_000);
    if (now !== second) {
      if (count > LOG_LINES_MAX) say(`${count - LOG_LINES_MAX} lines were too many, and are lost`);
      second = now;
      count = 0;
    }
    if (++count <= LOG_LINES_MAX) say(line);
  };
}
