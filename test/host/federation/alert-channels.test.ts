/** One suite for every channel: what arrives, how often it is tried, and what is said when nobody takes it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AlertChannel } from '../../../src/engine/core/federation/alerting.ts';
import { deliver } from '../../../src/engine/host/federation/alert-channels.ts';
import { type AlertMessage, alertMessage } from '../../../src/engine/host/federation/alert-message.ts';

const message: AlertMessage = alertMessage(
  {
    alerts: [
      {
        cluster: 'east',
        comparison: '>',
        id: 'slow:east',
        metric: 'link-rtt',
        rule: 'slow',
        says: 'a round trip takes 250 ms, more than <100> & so on',
        severity: 'critical',
        since: 1_700_000_000_000,
        state: 'firing',
        threshold: 100,
        told: [],
        value: 250.1234,
      },
    ],
    at: 1_700_000_060_000,
    change: 'firing',
    id: 1,
    more: 2,
    rule: 'slow',
    severity: 'critical',
  },
  { cluster: 'west', name: 'west-1' },
);

interface Got {
  readonly body: unknown;
  readonly headers: IncomingHttpHeaders;
  readonly method: string;
}

/** What a channel is tried with: a way to see what arrived, and a way to have it refused so many times, or never answered. */
interface Other {
  readonly channel: AlertChannel;
  readonly got: () => readonly Got[];
  readonly fail: (times: number) => void;
  readonly hang: () => void;
}

let folder: string;
let server: Server;
let url: string;
const got: Got[] = [];
/** Statuses of the next answers; then 200. `undefined` never answers. */
let answers: (number | undefined)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mpreg-alerts-'));
  got.length = 0;
  answers = [];
  server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      got.push({ body: JSON.parse(text), headers: request.headers, method: request.method ?? '' });
      const status = answers.length === 0 ? 200 : answers.shift();
      if (status !== undefined)
        response.writeHead(status, { location: '/elsewhere' }).end(status === 200 ? 'ok' : 'not today');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
});
afterEach(() => {
  rmSync(folder, { force: true, recursive: true });
  server.closeAllConnections();
  server.close();
});

const never = new AbortController().signal;
const parts = { commandsAllowed: true, log: () => undefined, retryMs: 1, signal: never };

function posting(channel: AlertChannel): Other {
  return {
    channel,
    fail: (times) => {
      answers = Array.from({ length: times }, () => 503);
    },
    got: () => got,
    hang: () => {
      answers = [undefined];
    },
  };
}

/** A command that writes down its stdin, and does badly as often as a file says. */
function command(): Other {
  const file = (name: string) => join(folder, name);
  const program = `
    const { appendFileSync, readFileSync, writeFileSync } = require('node:fs');
    const text = readFileSync(0, 'utf8');
    appendFileSync(${JSON.stringify(file('got'))}, text);
    const left = readFileSync(${JSON.stringify(file('left'))}, 'utf8');
    if (left === 'hang') setInterval(() => {}, 1000);
    else if (Number(left) > 0) {
      writeFileSync(${JSON.stringify(file('left'))}, String(left - 1));
      console.error('not today');
      process.exit(3);
    }`;
  writeFileSync(file('program.cjs'), program);
  writeFileSync(file('left'), '0');
  writeFileSync(file('got'), '');
  return {
    channel: { argv: [process.execPath, file('program.cjs'), '$(touch hacked)'], kind: 'command', name: 'run' },
    fail: (times) => writeFileSync(file('left'), String(times)),
    got: () =>
      readFileSync(file('got'), 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => ({ body: JSON.parse(line) as unknown, headers: {}, method: 'stdin' })),
    hang: () => writeFileSync(file('left'), 'hang'),
  };
}

const CHANNELS: readonly [string, () => Other][] = [
  ['a command', command],
  ['a webhook', () => posting({ kind: 'webhook', name: 'hook', url })],
  ['Slack', () => posting({ kind: 'slack', name: 'slack', url })],
];

describe.each(CHANNELS)('%s', (_, open) => {
  test('gets what there is to tell, once', async () => {
    const other = open();
    await deliver(other.channel, message, parts);
    expect(other.got()).toHaveLength(1);
    expect(JSON.stringify(other.got()[0]?.body)).toContain('slow:east');
  });

  test('is tried again until it takes it', async () => {
    const other = open();
    other.fail(2);
    await deliver(other.channel, message, parts);
    expect(other.got()).toHaveLength(3);
  });

  test('is given up after so many attempts, with its last reason', async () => {
    const other = open();
    other.fail(9);
    await expect(deliver({ ...other.channel, retries: 1 }, message, parts)).rejects.toThrow('not today');
    expect(other.got()).toHaveLength(2);
  });

  test('is not waited for without end', async () => {
    const other = open();
    other.hang();
    const slow = deliver({ ...other.channel, retries: 0, timeoutMs: 700 }, message, parts);
    await expect(slow).rejects.toThrow('no end after 700 ms');
  });

  test('is left alone when the hub ends', async () => {
    const other = open();
    other.fail(1_000);
    const ending = new AbortController();
    const going = deliver({ ...other.channel, retries: 10 }, message, {
      ...parts,
      retryMs: 60_000,
      signal: ending.signal,
    });
    setTimeout(() => ending.abort(new Error('the node has ended')), 20);
    await expect(going).rejects.toThrow();
  });
});

test('the console is the log, at the level of the severity', async () => {
  const lines: unknown[] = [];
  const log = (...line: unknown[]) => void lines.push(line);
  await deliver({ kind: 'console', name: 'log' }, message, { ...parts, log });
  await deliver({ kind: 'console', name: 'log' }, { ...message, change: 'resolved', more: 0 }, { ...parts, log });
  const says =
    'slow:east: link-rtt of east is 250.123, the rule says > 100: a round trip takes 250 ms, more than <100> & so on';
  expect(lines).toEqual([
    ['error', `alert ${message.title}`, { alerts: [says, 'and 2 more'] }],
    ['info', `alert ${message.title}`, { alerts: [says] }],
  ]);
});

test('a webhook gets the document that is promised, with the headers that were asked for', async () => {
  const headers = { authorization: 'Bearer secret' };
  await deliver({ headers, kind: 'webhook', name: 'hook', url }, message, parts);
  expect(got[0]).toMatchObject({ headers: { ...headers, 'content-type': 'application/json' }, method: 'POST' });
  expect(got[0]?.body).toEqual({
    alerts: [
      {
        cluster: 'east',
        comparison: '>',
        id: 'slow:east',
        metric: 'link-rtt',
        says: 'a round trip takes 250 ms, more than <100> & so on',
        since: '2023-11-14T22:13:20.000Z',
        threshold: 100,
        value: 250.1234,
      },
    ],
    at: '2023-11-14T22:14:20.000Z',
    change: 'firing',
    from: 'west',
    hub: 'west-1',
    kind: 'mpreg.alert',
    more: 2,
    rule: 'slow',
    severity: 'critical',
    title: 'critical: slow fires (3): east, as west-1 of west sees it',
    version: 1,
  });
});

test('Slack gets what its incoming webhooks take, with nothing in it that it would obey', async () => {
  await deliver({ kind: 'slack', name: 'slack', url }, message, parts);
  const line = 'a round trip takes 250 ms, more than &lt;100&gt; &amp; so on';
  expect(got[0]?.body).toEqual({
    attachments: [
      {
        color: '#d00000',
        fallback: message.title,
        mrkdwn_in: ['text'],
        text: `• *slow:east* link-rtt of east is 250.123, the rule says &gt; 100: ${line}\n• and 2 more`,
        ts: 1_700_000_060,
      },
    ],
    text: message.title,
  });
});

test.each([
  [400, 1],
  [404, 1],
  [429, 4],
  [500, 4],
])('a webhook that answers %i is asked %i times', async (status, times) => {
  answers = Array.from({ length: 9 }, () => status);
  const hook = deliver({ kind: 'webhook', name: 'hook', url }, message, parts);
  await expect(hook).rejects.toThrow(`answered ${status}: not today`);
  expect(got).toHaveLength(times);
});

test('a webhook that nobody answers says so, and one that leads elsewhere is not followed', async () => {
  answers = [302, 302, 302, 302];
  await expect(deliver({ kind: 'webhook', name: 'hook', url }, message, parts)).rejects.toThrow('redirect');
  const closed = new URL(url);
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  const hook = { kind: 'webhook', name: 'hook', retries: 0, url: closed.href } as const;
  await expect(deliver(hook, message, parts)).rejects.toThrow('ECONNREFUSED');
});

test('a command runs only where the hub allows commands, and without a shell', async () => {
  const { channel, got: read } = command();
  await expect(deliver(channel, message, { ...parts, commandsAllowed: false })).rejects.toThrow('--alert-commands');
  expect(read()).toEqual([]);
  const missing = { argv: ['/no/such/program'], kind: 'command', name: 'none', retries: 0 } as const;
  await expect(deliver(missing, message, parts)).rejects.toThrow('ENOENT');
});
