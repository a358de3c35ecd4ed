import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { errorDocument } from '../../documents.ts';
import { ProblemError } from '../../problem-error.ts';
import { valueToJson } from '../../wire/json-value.ts';

/**
 * A failure that shows itself so soon still gets a status of its own; after that the answer has begun with 200.
 * Longer: more failures get one. Shorter: a silent stream is seen to have begun sooner.
 */
const STATUS_MS = 250;

/** Silence after which a line is sent that says nothing: proxies cut off what is silent. */
const SILENCE_MS = 15_000;

/**
 * The items of a stream as server-sent events (WHATWG HTML §9.2): each is a message whose data is its JSON, the end is
 * an event `end`, a failure an event `error`. `idOf`: what a reader that comes back shows as `Last-Event-ID`. A reader that is slower than the stream is waited for.
 *
 * Rejects, with nothing written, where the stream failed before it began.
 */
export async function writeEvents(
  items: AsyncIterable<unknown>,
  response: ServerResponse,
  idOf: (item: unknown) => string | undefined = () => undefined,
): Promise<void> {
  const source = items[Symbol.asyncIterator]();
  let next = source.next();
  await Promise.race([next, pause(STATUS_MS)]);
  response.writeHead(200, { 'cache-control': 'no-store', 'content-type': 'text/event-stream' });
  response.flushHeaders();
  const silence = setInterval(() => response.write(':\n\n'), SILENCE_MS).unref();
  try {
    for (let item = await next; item.done !== true; item = await next) {
      silence.refresh();
      const id = idOf(item.value);
      const head = id === undefined ? '' : `id: ${id}\n`;
      const room = response.write(`${head}data: ${JSON.stringify(valueToJson(item.value))}\n\n`);
      if (!room) await drained(response);
      next = source.next();
    }
    response.end('event: end\ndata: {}\n\n');
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    response.end(`event: error\ndata: ${JSON.stringify({ error: errorDocument(error.problem) })}\n\n`);
  } finally {
    clearInterval(silence);
    await source.return?.();
  }
}

/** Also where nobody reads any more. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
    if (response.destroyed) done();
  });
}
