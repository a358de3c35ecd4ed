/** What of SQS is kept in queues of the mesh: settings as options and back, and ids of messages that were sent of late. */
import { describe, expect, test } from 'vitest';
import { openEndpoint } from '../../../src/engine/host/gateway/sqs/open-endpoint.ts';
import {
  changedOptions,
  optionsOf,
  redriveOf,
  settingsOf,
  viewOf,
} from '../../../src/engine/host/gateway/sqs/queue-options.ts';
import type { QueueSettings } from '../../../src/engine/host/gateway/sqs/queues-face.ts';
import { SentIds } from '../../../src/engine/host/gateway/sqs/sent-ids.ts';
import type { QueueInfo } from '../../../src/engine/queues-api.ts';

const SETTINGS: QueueSettings = {
  contentDedupe: true,
  deadLetter: { maxReceives: 3, queue: 'dead.fifo' },
  dedupeScope: 'group',
  delayMs: 4_000,
  fifo: true,
  leaseMs: 50_000,
  messageBytesMax: 6_000,
  notes: new Map([['sqs.attributes', '{"Policy":"{}"}']]),
  retentionMs: 70_000,
  tags: new Map([['team', 'a']]),
};

/** As somebody made it who says little. */
const PLAIN = {
  bytesMax: null,
  deadLetter: 'plain.dead',
  dedupe: 'id',
  dedupeMs: 300_000,
  delayMs: 0,
  expired: 'dead-letter',
  guarantee: 'at-least-once',
  leasesMax: 120_000,
  maxReceives: 10,
  messageBytesMax: 5_000_000,
  messagesMax: null,
  notes: { theirs: { deep: true } },
  retry: { baseMs: 1_000, factor: 2, jitter: 0.5, maxMs: 300_000 },
  tags: {},
  ttlMs: null,
  visibilityMs: 30_500,
} as const;

function infoOf(options: object, kind: QueueInfo['kind'] = 'fifo'): QueueInfo {
  return {
    changedAt: 2,
    consumers: [],
    counts: {
      bytes: 0,
      dead: 0,
      delayed: 5,
      done: 0,
      expired: 0,
      leased: 6,
      lost: 0,
      purged: 0,
      ready: 7,
      refused: 0,
      sent: 0,
    },
    createdAt: 1,
    deadLetter: null,
    durability: 'disk',
    kind,
    name: 'q',
    node: 'alpha',
    oldestAt: null,
    options: { ...PLAIN, ...options },
    redrive: null,
    waiting: 0,
  };
}

describe('settings', () => {
  test('come back from the options that they became', () => {
    const info = infoOf(optionsOf(SETTINGS));
    expect(settingsOf(info)).toEqual(SETTINGS);
    expect(viewOf(info)).toMatchObject({ createdAt: 1, delayed: 5, leased: 6, modifiedAt: 2, ready: 7 });
    const bare = { ...SETTINGS, contentDedupe: false, deadLetter: undefined, dedupeScope: 'queue' } as const;
    expect(settingsOf(infoOf(optionsOf(bare)))).toEqual(bare);
  });

  test('of a queue that was made otherwise are as near as SQS can say it', () => {
    expect(settingsOf(infoOf({}, 'standard'))).toEqual({
      contentDedupe: false,
      deadLetter: { maxReceives: 10, queue: 'plain.dead' },
      dedupeScope: 'queue',
      delayMs: 0,
      fifo: false,
      leaseMs: 30_500,
      messageBytesMax: 1_048_576,
      notes: new Map(),
      retentionMs: 1_209_600_000,
      tags: new Map(),
    });
  });

  test('that are changed change nothing else', () => {
    const info = infoOf({}, 'standard');
    expect(changedOptions(info, settingsOf(info))).toEqual({});
    expect(changedOptions(info, { ...settingsOf(info), delayMs: 9 })).toEqual({ delayMs: 9 });
    const noted = changedOptions(info, { ...settingsOf(info), notes: new Map([['sqs.attributes', '{}']]) });
    expect(noted).toEqual({
      notes: { 'sqs.attributes': '{}', 'sqs.dedupeScope': null, 'sqs.messageBytesMax': 1_048_576 },
    });
    expect(changedOptions(info, { ...settingsOf(info), retentionMs: 60_000 })).toEqual({ ttlMs: 60_000 });
  });
});

test('a move that failed says why in the words of the service', () => {
  const job = { dryRun: false, endedAt: 9, failed: 2, id: 3, max: null, moved: 1, rate: null, startedAt: 5, total: 3 };
  const why = (failure: string) => redriveOf('q', { ...job, failure, state: 'done', to: 'origin' });
  expect(why('queue-unknown')).toMatchObject({ state: 'failed', why: 'AWS.SimpleQueueService.NonExistentQueue' });
  expect(why('input-invalid')).toMatchObject({ why: 'CouldNotDetermineMessageSource' });
  expect(why('store-failed')).toMatchObject({ why: '2 messages could not be moved' });
  expect(redriveOf('q', { ...job, failed: 0, state: 'done', to: 'origin' })).toMatchObject({ why: undefined });
});

test('ids of messages are known for as long as queues tell duplicates, and no longer', () => {
  let now = 0;
  const ids = new SentIds(() => now);
  ids.put('q', 1, 'one');
  now = 299_000;
  ids.put('q', 2, 'two');
  expect([ids.get('q', 1), ids.get('q', 2), ids.get('other', 1)]).toEqual(['one', 'two', undefined]);
  now = 301_000;
  ids.put('q', 3, 'three');
  expect([ids.get('q', 1), ids.get('q', 2), ids.get('q', 3)]).toEqual([undefined, 'two', 'three']);
});

test.each([
  [{ account: '12' }, '"12" is no account of SQS: it must be twelve digits'],
  [{ keys: { 'a/b': 'x' } }, '"a/b" is no id of an access key: letters, digits, "_" and "-" may be in it'],
  [{ keys: { a: '' } }, 'the secret of the access key a is empty'],
])('a node is not opened with %j', (options, message) => {
  const open = () => Promise.reject(new Error('not asked'));
  expect(() => openEndpoint({ locked: false, log: () => undefined, open, options })).toThrow(message);
});
