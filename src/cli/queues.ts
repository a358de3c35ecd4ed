/** Queues as commands show them: the documents are a contract with scripts. */
import {
  type PeekedMessage,
  problem,
  type QueueInfo,
  type ReceiptResult,
  type ReceivedMessage,
  valueToJson,
} from '../engine/index.ts';
import { formatDuration } from './duration.ts';
import { afterResult } from './failure.ts';
import { type Output, toJson } from './output.ts';
import type { Table } from './table.ts';
import { oneLine } from './terminal.ts';

export type QueueDocument = ReturnType<typeof queueDocument>;

export function queueDocument(info: QueueInfo) {
  const { changedAt, counts, createdAt, durability, kind, name, node, oldestAt, options, redrive, waiting } = info;
  const { notes, ...shown } = options as QueueInfo['options'] & { readonly notes?: unknown };
  return {
    name,
    node,
    kind,
    durability,
    counts,
    waiting,
    consumers: info.consumers,
    bindings: info.bindings ?? [],
    deadLetter: info.deadLetter,
    ...(info.sources !== undefined && { sources: info.sources }),
    ...(info.moving !== undefined && { moving: info.moving }),
    oldestAt: isoOf(oldestAt),
    createdAt: isoOf(createdAt),
    changedAt: isoOf(changedAt),
    redrive: redrive === null ? null : redriveDocument(redrive),
    options: shown,
  };
}

export function redriveDocument(job: NonNullable<QueueInfo['redrive']>) {
  return { ...job, startedAt: isoOf(job.startedAt), endedAt: isoOf(job.endedAt) };
}

export function queueTable(rows: readonly QueueDocument[]): Table<QueueDocument> {
  const count = (name: 'ready' | 'delayed' | 'leased' | 'done' | 'dead') =>
    ({ align: 'right', name, value: ({ counts }: QueueDocument) => `${counts[name]}` }) as const;
  return {
    columns: [
      { name: 'name', style: () => 'bold', value: ({ name }) => name },
      { name: 'node', value: ({ node }) => node },
      { name: 'kind', value: ({ kind }) => kind },
      count('ready'),
      count('delayed'),
      count('leased'),
      count('done'),
      count('dead'),
      { align: 'right', name: 'oldest', value: ({ oldestAt }) => ageOf(oldestAt) },
      {
        name: 'durability',
        style: ({ durability }) => (durability === 'memory' ? 'yellow' : undefined),
        value: ({ durability }) => durability,
      },
    ],
    empty: 'There are no queues; make one: mpreg queue create NAME',
    rows,
  };
}

/** What it is, a line for each thing, with tabs. */
export function queueText(shown: QueueDocument): string {
  const { bindings, consumers, counts, deadLetter, durability, kind, name, node, oldestAt, redrive, waiting } = shown;
  const { visibilityMs, maxReceives, ttlMs, delayMs, dedupe, dedupeMs, guarantee, messagesMax } = shown.options;
  const held = counts.ready + counts.delayed + counts.leased;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['name', name],
    ['node', node],
    ['moving to', shown.moving],
    ['kind', kind],
    ['durability', durability === 'memory' ? MEMORY : 'disk: what was acknowledged survives a crash'],
    ['ready', `${counts.ready}`],
    ['delayed', `${counts.delayed}`],
    ['leased', `${counts.leased}`],
    ['bytes', `${counts.bytes}`],
    ['oldest', held === 0 ? undefined : ageOf(oldestAt)],
    ['sent', `${counts.sent}`],
    ['done', `${counts.done}`],
    ['dead', `${counts.dead}`],
    ['expired', `${counts.expired}`],
    ['purged', `${counts.purged}`],
    ['lost', counts.lost === 0 ? undefined : `${counts.lost}`],
    ['refused', `${counts.refused}`],
    ['waiting', `${waiting} ${waiting === 1 ? 'receiver' : 'receivers'}`],
    ['consumers', consumers.length === 0 ? undefined : consumers.join(' ')],
    ['bindings', bindings.length === 0 ? undefined : bindings.join(' ')],
    ['lease', formatDuration(visibilityMs)],
    ['delay', delayMs === 0 ? undefined : formatDuration(delayMs)],
    ['ttl', ttlMs === null ? undefined : formatDuration(ttlMs)],
    ['receives', maxReceives === null ? 'any number' : `at most ${maxReceives}`],
    ['dead letters', deadLetter ?? undefined],
    ['dead letters of', shown.sources?.join(' ')],
    ['dedupe', `by ${dedupe}, ${formatDuration(dedupeMs)}`],
    ['guarantee', guarantee],
    ['room', messagesMax === null ? undefined : `${messagesMax} messages`],
    [
      'redrive',
      redrive === null ? undefined : `${redrive.moved} of ${redrive.total} to ${redrive.to}, ${redrive.state}`,
    ],
  ];
  return rows.flatMap(([label, value]) => (value === undefined ? [] : [`${label}\t${value}`])).join('\n');
}

const MEMORY = 'memory: all that it holds is gone when its node ends';

/** Says of a queue in memory that it is one, wherever that matters. */
export function warnOfMemory({ durability, name }: Pick<QueueInfo, 'durability' | 'name'>, output: Output): void {
  if (durability === 'memory') output.warn(`${name} is kept in memory: what it holds is gone when its node ends`);
}

export function messageDocument(queue: string, message: ReceivedMessage | PeekedMessage) {
  const { body, dead, dedupeId, firstReceivedAt, group, guarantee, headers, id, priority, receives, sentAt } = message;
  const { leaseUntil = null } = message;
  const held = 'receipt' in message ? { receipt: message.receipt, token: message.token } : { state: message.state };
  return {
    queue,
    id,
    body: valueToJson(body),
    headers: valueToJson(headers),
    group: group ?? null,
    dedupeId: dedupeId ?? null,
    priority,
    guarantee,
    sentAt: isoOf(sentAt),
    receives,
    firstReceivedAt: isoOf(firstReceivedAt),
    leaseUntil: isoOf(leaseUntil),
    ...held,
    dead: dead === undefined ? null : deadDocument(dead),
  };
}

function deadDocument({ at, history, sentAt, ...dead }: NonNullable<ReceivedMessage['dead']>) {
  return {
    ...dead,
    at: isoOf(at),
    sentAt: isoOf(sentAt),
    history: history.map((one) => ({ ...one, at: isoOf(one.at), endedAt: isoOf(one.endedAt) })),
  };
}

/** On one line. */
export function bodyText(body: unknown): string {
  return oneLine(typeof body === 'string' ? body : toJson(valueToJson(body)));
}

/** As it is; text and JSON with a line end. */
export function rawBody(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  return Buffer.from(`${typeof body === 'string' ? body : toJson(valueToJson(body))}\n`);
}

/** Tells what became of each receipt; throws where not all of them counted. */
export async function tellReceipts(
  receipts: readonly string[],
  results: readonly ReceiptResult[],
  did: string,
  output: Output,
): Promise<void> {
  const rows = receipts.map((receipt, i) => {
    const result = results[i] ?? { problem: problem('internal', 'the node said nothing of it') };
    if ('problem' in result) return { receipt, done: false, problem: result.problem };
    return { receipt, done: true, ...(result.leaseUntil !== undefined && { leaseUntil: isoOf(result.leaseUntil) }) };
  });
  const documents = rows.map(({ problem: why, ...row }) => ({ ...row, error: why ?? null }));
  await output.table(documents, {
    columns: [
      { name: 'receipt', value: ({ receipt }) => receipt },
      { name: 'outcome', value: ({ problem: why }) => why?.code ?? did },
      { name: 'message', value: ({ problem: why }) => why?.message ?? '' },
    ],
    empty: 'No receipts.',
    rows,
  });
  const failed = rows.flatMap(({ problem: why }) => why ?? []);
  const [first] = failed;
  if (first === undefined) return;
  throw afterResult(
    { ...first, message: `${failed.length} of ${rows.length} were not ${did}: ${first.message}` },
    output,
  );
}

export function isoOf(at: number | null | undefined): string | null {
  return at === null || at === undefined ? null : new Date(at).toISOString();
}

function ageOf(at: string | null): string {
  return at === null ? '' : formatDuration(Math.max(0, Date.now() - Date.parse(at)));
}
