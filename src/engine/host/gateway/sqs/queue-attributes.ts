/**
 * Attributes of queues: texts outside, settings inside. What means something to the queue is kept in its settings and
 * nowhere else, so that it reads the same over every face; the rest is kept in its notes and given back.
 *
 * Limit: nothing is encrypted. The attributes about it are kept and given back, no more.
 */
import { invalidValue, SqsError } from './errors.ts';
import { arnOf, type Place } from './names.ts';
import type { QueueSettings, QueueView } from './queues-face.ts';
import { checkRedriveAllow, deadLetterOf, isTarget, redriveText } from './redrive.ts';

/** Largest message, in bytes, that a queue can be told to take: the service's own limit since August 2025. */
export const MESSAGE_BYTES_MAX = 1_048_576;

type Rule =
  | { readonly kind: 'integer'; readonly from: number; readonly to: number; readonly otherwise: string }
  | { readonly kind: 'boolean'; readonly otherwise: string; readonly fifo?: true }
  | { readonly kind: 'choice'; readonly of: readonly string[]; readonly otherwise: string; readonly fifo?: true }
  | { readonly kind: 'document' }
  | { readonly kind: 'text' };

const RULES: Readonly<Record<string, Rule>> = {
  ContentBasedDeduplication: { fifo: true, kind: 'boolean', otherwise: 'false' },
  DeduplicationScope: { fifo: true, kind: 'choice', of: ['messageGroup', 'queue'], otherwise: 'queue' },
  DelaySeconds: { from: 0, kind: 'integer', otherwise: '0', to: 900 },
  FifoQueue: { fifo: true, kind: 'boolean', otherwise: 'false' },
  FifoThroughputLimit: { fifo: true, kind: 'choice', of: ['perQueue', 'perMessageGroupId'], otherwise: 'perQueue' },
  KmsDataKeyReusePeriodSeconds: { from: 60, kind: 'integer', otherwise: '300', to: 86_400 },
  KmsMasterKeyId: { kind: 'text' },
  MaximumMessageSize: { from: 1_024, kind: 'integer', otherwise: `${MESSAGE_BYTES_MAX}`, to: MESSAGE_BYTES_MAX },
  MessageRetentionPeriod: { from: 60, kind: 'integer', otherwise: '345600', to: 1_209_600 },
  Policy: { kind: 'document' },
  ReceiveMessageWaitTimeSeconds: { from: 0, kind: 'integer', otherwise: '0', to: 20 },
  RedriveAllowPolicy: { kind: 'document' },
  RedrivePolicy: { kind: 'document' },
  SqsManagedSseEnabled: { kind: 'boolean', otherwise: 'false' },
  VisibilityTimeout: { from: 0, kind: 'integer', otherwise: '30', to: 43_200 },
};

const COUNTED = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesDelayed',
  'ApproximateNumberOfMessagesNotVisible',
  'CreatedTimestamp',
  'LastModifiedTimestamp',
  'QueueArn',
] as const;

export const ATTRIBUTE_NAMES: ReadonlySet<string> = new Set([...Object.keys(RULES), ...COUNTED]);

/** In a queue's notes: its attributes that mean nothing to the queue, as one JSON object. */
const NOTE = 'sqs.attributes';

/** Settings of a new queue. Throws `InvalidAttributeName`, `InvalidAttributeValue`, `InvalidParameterValueException`. */
export function settingsFor(
  given: ReadonlyMap<string, string>,
  tags: ReadonlyMap<string, string>,
  account: string,
): QueueSettings {
  const fifo = isTrue(given.get('FifoQueue'));
  if (given.has('FifoQueue') && !fifo) checkValue('FifoQueue', given.get('FifoQueue') ?? '');
  const asked = checked(given, fifo);
  if (asked.has('FifoQueue') && !fifo) throw unknownAttribute('FifoQueue');
  return settle(new Map([...defaults(fifo), ...asked]), { fifo, notes: new Map(), tags }, account);
}

/** Settings of a queue after a change; what is not named stays as it is. Throws as `settingsFor`. */
export function changedSettings(
  { name, settings }: QueueView,
  given: ReadonlyMap<string, string>,
  place: Place,
): QueueSettings {
  const asked = checked(given, settings.fifo);
  if (asked.has('FifoQueue') && !settings.fifo) throw unknownAttribute('FifoQueue');
  if (asked.get('FifoQueue') === 'false') {
    const message = 'Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.';
    throw new SqsError('InvalidAttributeValue', message);
  }
  const next = new Map([...written({ name, settings }, place), ...asked]);
  if (asked.has('KmsMasterKeyId') && asked.get('KmsMasterKeyId') !== '') next.set('SqsManagedSseEnabled', 'false');
  const { deadLetter, ...changed } = settle(next, settings, place.account);
  return deadLetter?.queue === name ? changed : { ...changed, deadLetter };
}

/** Which of the attributes asked for is other than that of the queue, if any. Throws as `settingsFor`. */
export function firstDifference(
  { name, settings }: QueueView,
  given: ReadonlyMap<string, string>,
  place: Place,
): string | undefined {
  const asked = checked(given, isTrue(given.get('FifoQueue')) || settings.fifo);
  const there = written({ name, settings }, place);
  const same = (name: string, value: string) =>
    RULES[name]?.kind === 'document' ? sameDocument(value, there.get(name) ?? '') : value === (there.get(name) ?? '');
  return [...asked].find(([name, value]) => !same(name, value))?.[0];
}

/** The attributes asked for, as texts. Throws `InvalidAttributeName`. */
export function shownAttributes(view: QueueView, names: readonly string[], place: Place): Map<string, string> {
  const odd = names.find((name) => name !== 'All' && !ATTRIBUTE_NAMES.has(name));
  if (odd !== undefined) throw unknownAttribute(odd);
  const all = new Map([
    ...written(view, place),
    ['ApproximateNumberOfMessages', `${view.ready}`],
    ['ApproximateNumberOfMessagesDelayed', `${view.delayed}`],
    ['ApproximateNumberOfMessagesNotVisible', `${view.leased}`],
    ['CreatedTimestamp', `${Math.floor(view.createdAt / 1000)}`],
    ['LastModifiedTimestamp', `${Math.floor(view.modifiedAt / 1000)}`],
    ['QueueArn', arnOf(view.name, place)],
  ]);
  if (names.includes('All')) return all;
  return new Map(names.flatMap((name) => (all.has(name) ? [[name, all.get(name) ?? '']] : [])));
}

/** How long a receive waits where it does not say, in seconds. */
export function waitSeconds({ notes }: QueueSettings): number {
  return Number(noted(notes).get('ReceiveMessageWaitTimeSeconds') ?? 0);
}

/** The text of `Policy` or `RedriveAllowPolicy`; undefined where none is set. */
export function documentOf({ notes }: QueueSettings, name: 'Policy' | 'RedriveAllowPolicy'): string | undefined {
  return noted(notes).get(name);
}

function unknownAttribute(name: string): SqsError {
  return new SqsError('InvalidAttributeName', `Unknown Attribute ${name}.`);
}

/** Each attribute by its rule, in one form for each value: `True` is `true`. Blanks around a name do not count. Throws. */
function checked(untrimmed: ReadonlyMap<string, string>, fifo: boolean): Map<string, string> {
  const given = new Map([...untrimmed].map(([name, value]) => [name.trim(), value]));
  const names = [...given.keys()];
  for (const name of names) {
    const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
    if (rule === undefined) throw unknownAttribute(name);
    if (!fifo && 'fifo' in rule && name !== 'FifoQueue') {
      if (rule.kind === 'boolean') throw unknownAttribute(name);
      throw new SqsError('InvalidAttributeName', `You can specify the ${name} only when FifoQueue is set to true.`);
    }
  }
  if (given.get('KmsMasterKeyId') && isTrue(given.get('SqsManagedSseEnabled'))) {
    const message =
      'You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.';
    throw new SqsError('InvalidAttributeName', message);
  }
  return new Map(names.map((name) => [name, checkValue(name, given.get(name) ?? '')]));
}

/** Throws `InvalidAttributeValue`. */
function checkValue(name: string, value: string): string {
  const rule = RULES[name];
  const refuse = () => new SqsError('InvalidAttributeValue', `Invalid value for the parameter ${name}.`);
  switch (rule?.kind) {
    case 'integer': {
      const number = Number(value);
      if (!/^\d{1,10}$/.test(value) || number < rule.from || number > rule.to) throw refuse();
      return `${number}`;
    }
    case 'boolean': {
      const lower = value.toLowerCase();
      if (lower !== 'true' && lower !== 'false') throw refuse();
      return lower;
    }
    case 'choice':
      if (!rule.of.includes(value)) throw refuse();
      return value;
    case 'document':
      if (value !== '' && !isDocument(value)) throw refuse();
      return value;
    default:
      return value;
  }
}

function defaults(fifo: boolean): Map<string, string> {
  const entries = Object.entries(RULES).flatMap(([name, rule]): [string, string][] =>
    'otherwise' in rule && (fifo || !('fifo' in rule)) && !name.startsWith('Kms') ? [[name, rule.otherwise]] : [],
  );
  return new Map(entries);
}

function settle(
  all: ReadonlyMap<string, string>,
  { fifo, notes, tags }: Pick<QueueSettings, 'fifo' | 'notes' | 'tags'>,
  account: string,
): QueueSettings {
  if (all.get('FifoThroughputLimit') === 'perMessageGroupId' && all.get('DeduplicationScope') !== 'messageGroup') {
    throw invalidValue(
      'The perMessageGroupId value for FifoThroughputLimit is allowed only when the value for DeduplicationScope is messageGroup.',
    );
  }
  const seconds = (name: string) => Number(all.get(name)) * 1000;
  const redrive = all.get('RedrivePolicy') ?? '';
  const allow = all.get('RedriveAllowPolicy') ?? '';
  if (allow !== '') checkRedriveAllow(allow);
  const kept = ['FifoThroughputLimit', 'KmsDataKeyReusePeriodSeconds', 'KmsMasterKeyId', 'Policy'];
  kept.push('ReceiveMessageWaitTimeSeconds', 'RedriveAllowPolicy', 'RedrivePolicy', 'SqsManagedSseEnabled');
  const isShown = (name: string) => name !== 'KmsDataKeyReusePeriodSeconds' || all.get(name) !== '300'; // its default
  const rest = kept.flatMap((name) => (all.get(name) && isShown(name) ? [[name, all.get(name)]] : []));
  return {
    contentDedupe: all.get('ContentBasedDeduplication') === 'true',
    deadLetter: redrive === '' ? undefined : deadLetterOf(redrive, account),
    dedupeScope: all.get('DeduplicationScope') === 'messageGroup' ? 'group' : 'queue',
    delayMs: seconds('DelaySeconds'),
    fifo,
    leaseMs: seconds('VisibilityTimeout'),
    messageBytesMax: Number(all.get('MaximumMessageSize')),
    notes: new Map([...notes, [NOTE, JSON.stringify(Object.fromEntries(rest))]]),
    retentionMs: seconds('MessageRetentionPeriod'),
    tags,
  };
}

/**
 * Every attribute that can be set and is, as text.
 *
 * Why a policy is shown where there is no queue of dead letters: the service takes one that names the queue itself, whose dead letters
 * stay where they are then.
 */
function written({ name, settings }: Pick<QueueView, 'name' | 'settings'>, place: Place): Map<string, string> {
  const { contentDedupe, deadLetter, dedupeScope, delayMs, fifo, leaseMs, messageBytesMax, retentionMs } = settings;
  const seconds = (ms: number) => `${Math.round(ms / 1000)}`;
  const rest = noted(settings.notes);
  const policy = rest.get('RedrivePolicy');
  if (deadLetter !== undefined || policy === undefined || !isTarget(policy, name)) rest.delete('RedrivePolicy');
  return new Map([
    ['DelaySeconds', seconds(delayMs)],
    ['MaximumMessageSize', `${messageBytesMax}`],
    ['MessageRetentionPeriod', seconds(retentionMs)],
    ['ReceiveMessageWaitTimeSeconds', '0'],
    ['SqsManagedSseEnabled', 'false'],
    ['VisibilityTimeout', seconds(leaseMs)],
    ...(fifo
      ? ([
          ['ContentBasedDeduplication', `${contentDedupe}`],
          ['DeduplicationScope', dedupeScope === 'group' ? 'messageGroup' : 'queue'],
          ['FifoQueue', 'true'],
          ['FifoThroughputLimit', 'perQueue'],
        ] as const)
      : []),
    ...(rest.has('KmsMasterKeyId') ? ([['KmsDataKeyReusePeriodSeconds', '300']] as const) : []),
    ...rest,
    ...(deadLetter === undefined ? [] : ([['RedrivePolicy', redriveText(deadLetter, policy, place)]] as const)),
  ]);
}

function noted(notes: ReadonlyMap<string, string>): Map<string, string> {
  try {
    const entries = Object.entries(JSON.parse(notes.get(NOTE) ?? '{}') as Record<string, unknown>);
    return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return new Map(); // somebody else has written there
  }
}

function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === 'true';
}

function isDocument(value: string): boolean {
  try {
    return typeof JSON.parse(value) === 'object';
  } catch {
    return false;
  }
}

function sameDocument(a: string, b: string): boolean {
  if (a === '' || b === '') return a === b;
  return canonical(JSON.parse(a)) === canonical(JSON.parse(b));
}

/** `"3"` and `3` are the same number to the service. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(String(value));
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join()}}`;
}
