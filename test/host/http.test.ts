import { createHmac } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { NodeSnapshot } from '../../src/engine/core/node/snapshot.ts';
import { KeptCounters } from '../../src/engine/flow/kept-topics.ts';
import { TopicsCounters } from '../../src/engine/flow/topics-counters.ts';
import { systemDigest } from '../../src/engine/host/digest.ts';
import { httpHandler } from '../../src/engine/host/http.ts';
import { WireCounters } from '../../src/engine/host/wire-counters.ts';

const KEY = 'a shared secret of this test';
const TOKEN = createHmac('sha256', KEY).update('mpreg metrics').digest('base64url');

const snapshot = {
  calls: { held: 0, running: 0, waiting: 0 },
  generation: 1,
  health: 0,
  links: { clients: 0, peers: 0 },
  members: [],
} as unknown as NodeSnapshot;

/** The status with which a node with a key answers somebody who asks for its metrics. */
function asked(remoteAddress: string, token: string | undefined, encrypted = false): number {
  const answer = httpHandler({
    counters: () => new WireCounters(),
    held: () => ({ owed: 3, retained: 0 }),
    topics: () => new TopicsCounters(),
    digest: systemDigest,
    gateway: () => undefined,
    kept: () => ({ counters: new KeptCounters(), totals: { bytes: 0, messages: 0, names: 0, readers: 0 } }),
    key: new TextEncoder().encode(KEY),
    sqs: () => undefined,
    snapshot: () => snapshot,
  });
  let status = 0;
  const writeHead = (code: number) => {
    status = code;
  };
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const socket = encrypted ? { encrypted, remoteAddress } : { remoteAddress };
  answer(
    { headers, method: 'GET', socket, url: '/metrics' } as unknown as IncomingMessage,
    { end: () => undefined, writeHead } as unknown as ServerResponse,
  );
  return status;
}

describe('the metrics of a node with a key', () => {
  test('are open to its own machine', () => {
    expect([asked('127.0.0.1', undefined), asked('::ffff:127.0.0.1', undefined)]).toEqual([200, 200]);
  });

  test('are open elsewhere to who shows the token that is made for them', () => {
    expect([asked('10.0.0.9', TOKEN), asked('10.0.0.9', TOKEN, true)]).toEqual([200, 200]);
    expect([asked('10.0.0.9', undefined), asked('10.0.0.9', `${TOKEN}x`)]).toEqual([401, 401]);
  });

  test('do not invite the key onto a network that others can read', () => {
    expect([asked('10.0.0.9', KEY), asked('10.0.0.9', KEY, true), asked('10.0.0.9', 'wrong', true)]).toEqual([
      401, 200, 401,
    ]);
  });
});
