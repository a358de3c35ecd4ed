/**
 * A list in a file, which is read anew each time: whoever writes it (a person, Ansible, a cloud's agent) needs to tell nobody.
 * JSON, YAML, or one address a line.
 *
 * Refuses what is no plain file: a pipe that nobody writes to would keep its reader, and the end of the process, waiting for ever.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { problemError } from '../../problem-error.ts';
import { type DiscoverySource, DOCUMENT_BYTES_MAX, type Found } from './discovery-source.ts';
import { sightingsOf } from './sightings.ts';
import { interrupted, senseless } from './source-problems.ts';

const EVERY_MS = 1_000;

export function fileSource(name: string, path: string): DiscoverySource {
  const closed = new AbortController();
  return {
    close: async () => closed.abort(),
    everyMs: EVERY_MS,
    find: async (given): Promise<Found> => {
      const signal = AbortSignal.any([given, closed.signal]);
      if (signal.aborted) throw interrupted(name);
      const content = await contentOf(path, signal).catch((error: Error) => {
        if (signal.aborted) throw interrupted(name);
        throw problemError('file-unreadable', `${name}: ${error.message}`, {
          hint: `Check its path and permissions.\nls -l ${path}`,
        });
      });
      if (content === undefined) throw senseless(name, `it is larger than ${DOCUMENT_BYTES_MAX} bytes`);
      const found = sightingsOf(await parsed(name, content));
      if (found === undefined) throw senseless(name, 'it holds no list');
      return found;
    },
    name,
  };
}

/** Undefined where it is too large. Why not waiting for the open: that of a pipe waits for a writer, and nothing takes it back. */
async function contentOf(path: string, signal: AbortSignal): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const about = await file.stat();
    if (!about.isFile()) throw new Error('it is no file');
    return about.size > DOCUMENT_BYTES_MAX ? undefined : await file.readFile({ encoding: 'utf8', signal });
  } finally {
    await file.close();
  }
}

async function parsed(name: string, content: string): Promise<unknown> {
  try {
    return (await import('yaml')).parse(content); // JSON is YAML
  } catch (error) {
    throw senseless(name, (error as Error).message.trim());
  }
}
