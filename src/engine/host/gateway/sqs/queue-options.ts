/**
 * A queue's settings as SQS has them, from and to a queue's options. What an option cannot say is kept in the queue's
 * notes; what a queue was told over another face is read as well as SQS can say it.
 */
import type { QueueInfo, QueueOptions, RedriveJob } from '../../../queues-api.ts';
import { madeId } from './made-id.ts';
import { MESSAGE_BYTES_MAX } from './queue-attributes.ts';
import type { QueueSettings, QueueView, RedriveView } from './queues-face.ts';

export type NotedOptions = Omit<QueueOptions, 'kind'> & { readonly notes?: Readonly<Record<string, unknown>> };

/** A queue that keeps messages until they are done shows the longest time that SQS has. */
const RETENTION_MS_MAX = 1_209_600_000;
/** In the notes: `group`, where duplicates are told in each group alone. */
const SCOPE = 'sqs.dedupeScope';
/** In the notes: `MaximumMessageSize`. The queue's own limit is larger: it counts what stands around attributes, too. */
const SIZE = 'sqs.messageBytesMax';

/** A queue keeps the notes that are not named; one that is null is taken away. */
export function optionsOf(settings: QueueSettings): NotedOptions {
  const { contentDedupe, deadLetter, dedupeScope, messageBytesMax } = settings;
  return {
    deadLetter: deadLetter?.queue ?? null,
    dedupe: contentDedupe ? 'content' : 'id',
    delayMs: settings.delayMs,
    expired: 'drop',
    maxReceives: deadLetter?.maxReceives ?? null,
    messageBytesMax: withRoom(messageBytesMax),
    notes: {
      ...Object.fromEntries(settings.notes),
      [SCOPE]: dedupeScope === 'group' ? 'group' : null,
      [SIZE]: messageBytesMax,
    },
    tags: Object.fromEntries(settings.tags),
    ttlMs: settings.retentionMs,
    visibilityMs: settings.leaseMs,
  };
}

/** Only what is other than it was: what SQS cannot say must not be lost by a change of something else. */
export function changedOptions(info: QueueInfo, next: QueueSettings): NotedOptions {
  const before = Object.entries(optionsOf(settingsOf(info)));
  const was = new Map(before.map(([name, value]) => [name, JSON.stringify(value)]));
  const changed = Object.entries(optionsOf(next)).filter(([name, value]) => {
    return name !== 'expired' && was.get(name) !== JSON.stringify(value);
  });
  return Object.fromEntries(changed);
}

export function viewOf(info: QueueInfo): QueueView {
  const { changedAt, counts, createdAt, name, redrive } = info;
  return {
    createdAt,
    delayed: counts.delayed,
    leased: counts.leased,
    modifiedAt: changedAt,
    name,
    ready: counts.ready,
    redrive: redrive === null ? undefined : redriveOf(name, redrive),
    settings: settingsOf(info),
  };
}

export function settingsOf(info: QueueInfo): QueueSettings {
  const { dedupe, deadLetter, delayMs, maxReceives, messageBytesMax, tags, ttlMs, visibilityMs } = info.options;
  const notes = notesOf(info);
  const noted = notes[SIZE];
  const isNoted = typeof noted === 'number' && messageBytesMax === withRoom(noted);
  return {
    contentDedupe: dedupe === 'content',
    deadLetter: deadLetter === null || maxReceives === null ? undefined : { maxReceives, queue: deadLetter },
    dedupeScope: notes[SCOPE] === 'group' ? 'group' : 'queue',
    delayMs,
    fifo: info.kind === 'fifo',
    leaseMs: visibilityMs,
    messageBytesMax: isNoted ? noted : Math.min(messageBytesMax, MESSAGE_BYTES_MAX),
    notes: new Map(Object.entries(notes).filter((note): note is [string, string] => isOther(note))),
    retentionMs: ttlMs ?? RETENTION_MS_MAX,
    tags: new Map(Object.entries(tags)),
  };
}

export function redriveOf(
  queue: string,
  { failed, failure, id, moved, rate, startedAt, state, to, total }: RedriveJob,
): RedriveView {
  const isFailed = state === 'done' && failed > 0;
  return {
    id: madeId(`${queue} ${id} ${startedAt}`),
    moved,
    perSecond: rate ?? undefined,
    startedAt,
    state: isFailed ? 'failed' : state,
    to: to === 'origin' ? undefined : to,
    total,
    why: isFailed ? (FAILURES[failure ?? ''] ?? `${failed} messages could not be moved`) : undefined,
  };
}

/** The service's own words for why a move of messages failed. */
const FAILURES: Readonly<Record<string, string>> = {
  'input-invalid': 'CouldNotDetermineMessageSource',
  'queue-full': 'OverLimit',
  'queue-unknown': 'AWS.SimpleQueueService.NonExistentQueue',
};

function isOther([name, value]: readonly [string, unknown]): boolean {
  return typeof value === 'string' && name !== SCOPE;
}

function notesOf({ options }: QueueInfo): Readonly<Record<string, unknown>> {
  return (options as { readonly notes?: Readonly<Record<string, unknown>> }).notes ?? {};
}

/** Bytes are base64 among headers, and names and types stand twice. */
function withRoom(messageBytesMax: number): number {
  return Math.ceil((messageBytesMax * 4) / 3) + 16_384;
}
