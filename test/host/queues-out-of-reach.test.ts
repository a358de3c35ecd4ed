/** What whoever uses a queue is told while its node is away, starts again, or has only just made it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Client, MpregNode } from '../../src/engine/api.ts';
import { createNode } from '../../src/engine/create-node.ts';
import type { ProblemError } from '../../src/engine/problem-error.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function node(name: string, peer?: MpregNode, dataDir = mkdtempSync(join(tmpdir(), `mpreg-${name}-`))) {
  closing.push(async () => rmSync(dataDir, { force: true, recursive: true }));
  const made = await createNode({ dataDir, discover: false, name, ...(peer && { peers: [peer.url] }) });
  closing.push(() => made.kill());
  return { dataDir, made };
}

async function until(what: string, is: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 2_400; i++) {
    if (await is()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`not within 60 s: ${what}`);
}

/** Two nodes that know each other, and a client of the first. */
async function pair() {
  const { made: alpha } = await node('alpha');
  const { made: beta, dataDir } = await node('beta', alpha);
  const client = await alpha.client();
  closing.push(() => client.close());
  await until('both are alive', async () => (await aliveIn(client)) === 2);
  return { alpha, beta, client, dataDir };
}

async function aliveIn(client: Client): Promise<number> {
  return (await client.members()).filter(({ state }) => state === 'alive').length;
}

function codeOf(sent: Promise<unknown>): Promise<string> {
  return sent.then(
    () => 'sent',
    (error: ProblemError) => error.code,
  );
}

test('a queue that was made on another node can be used through the one that was asked to make it, at once', async () => {
  const { client } = await pair();
  for (let i = 0; i < 5; i++) {
    await client.queue(`jobs${i}`).create({ place: 'beta' });
    expect(await codeOf(client.queue(`jobs${i}`).send('a'))).toBe('sent');
  }
});

test('a queue whose node is away is there no less: nobody is there, until the node is back', async () => {
  const { alpha, beta, client, dataDir } = await pair();
  const jobs = client.queue('jobs');
  await jobs.create({ place: 'beta' });
  await beta.kill();
  await until('it is dead', async () => (await client.members()).some(({ state }) => state === 'dead'));
  await expect(jobs.send('a')).rejects.toMatchObject({
    code: 'nobody-there',
    message: expect.stringContaining('the queue jobs is on beta'),
  });
  await expect(client.queue('other').send('a')).rejects.toMatchObject({ code: 'queue-unknown' });
  const codes = new Set<string>();
  const returned = node('beta', alpha, dataDir);
  await until('it is back', async () => codes.add(await codeOf(jobs.send('b'))).has('sent'));
  await returned;
  expect([...codes]).not.toContain('queue-unknown');
});
