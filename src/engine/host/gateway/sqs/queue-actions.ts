/** Queues themselves: made, found, looked at, changed, emptied and deleted. */
import { asks, does } from './action.ts';
import { some, within } from './batches.ts';
import type { Desk } from './desk.ts';
import { invalidValue, noSuchQueue, SqsError } from './errors.ts';
import { checkName, isFifoName, NAME_RULE, nameIn, type Place, urlOf } from './names.ts';
import { changedSettings, documentOf, firstDifference, settingsFor, shownAttributes } from './queue-attributes.ts';
import type { QueueSettings, QueueView } from './queues-face.ts';
import { allowsRedrive } from './redrive.ts';
import { integer, list, map, record, text } from './shape.ts';
import { checkTags } from './tags.ts';

/** Names on a page, at most. */
const PAGE_MAX = 1_000;
const QUEUE = record({ QueueUrl: text });

export const createQueue = asks(
  record({ QueueName: text, Attributes: map(text, 'Attribute'), tags: map(text, 'Tag', 'Key') }, 'QueueName'),
  QUEUE,
  async ({ Attributes: attributes = new Map(), QueueName: name, tags = new Map() }, desk, asked) => {
    const fifo = attributes.get('FifoQueue')?.toLowerCase() === 'true';
    checkName(name, fifo);
    if (!fifo && isFifoName(name)) throw invalidValue(NAME_RULE);
    const QueueUrl = urlOf(name, asked.origin, desk.account);
    const there = await desk.queues.describe(name);
    if (there !== undefined) return sameOrRefused(there, attributes, desk.place(asked), QueueUrl);
    const settings = settingsFor(attributes, tags, desk.account);
    checkTags(name, tags);
    desk.mayCreate(name);
    await checkDeadLetter(name, settings, attributes.get('RedrivePolicy') ?? '', desk);
    const isNew = await desk.queues.create(name, settings);
    desk.forget(name);
    if (isNew) return { QueueUrl };
    const other = await desk.queues.describe(name); // somebody else was faster
    return other === undefined ? { QueueUrl } : sameOrRefused(other, attributes, desk.place(asked), QueueUrl);
  },
);

function sameOrRefused(
  there: QueueView,
  attributes: ReadonlyMap<string, string>,
  place: Place,
  QueueUrl: string,
): { readonly QueueUrl: string } {
  const different = firstDifference(there, attributes, place);
  if (different === undefined) return { QueueUrl };
  const message = `A queue already exists with the same name and a different value for attribute ${different}`;
  throw new SqsError('QueueNameExists', message);
}

/** `policy`: as it was written. Throws `InvalidParameterValueException`. */
async function checkDeadLetter(
  name: string,
  { deadLetter, fifo }: QueueSettings,
  policy: string,
  desk: Desk,
): Promise<void> {
  if (deadLetter === undefined || policy === '') return;
  const refuse = (reason: string) =>
    invalidValue(`Value ${policy} for parameter RedrivePolicy is invalid. Reason: ${reason}`);
  const target = await desk.queues.describe(deadLetter.queue);
  if (target === undefined) throw refuse('Dead letter target does not exist.');
  if (target.settings.fifo !== fifo) {
    throw refuse('Dead-letter queue must be same type of queue as the source.');
  }
  if (!allowsRedrive(documentOf(target.settings, 'RedriveAllowPolicy'), name)) {
    throw refuse(`The redrive allow policy of ${deadLetter.queue} does not allow it.`);
  }
}

export const getQueueUrl = asks(
  record({ QueueName: text, QueueOwnerAWSAccountId: text }, 'QueueName'),
  QUEUE,
  async ({ QueueName: name, QueueOwnerAWSAccountId: owner }, desk, asked) => {
    if (owner !== undefined && owner !== '' && owner !== desk.account) throw noSuchQueue();
    const queue = await desk.queue(`/${desk.account}/${name}`, asked);
    return { QueueUrl: urlOf(queue.name, asked.origin, desk.account) };
  },
);

const PAGED = { MaxResults: integer, NextToken: text } as const;

export const listQueues = asks(
  record({ QueueNamePrefix: text, ...PAGED }),
  record({ QueueUrls: list(text, 'QueueUrl'), NextToken: text }),
  async ({ QueueNamePrefix: prefix = '', ...paging }, desk, asked) => {
    const names = (await desk.queues.list()).map(({ name }) => name).filter((name) => name.startsWith(prefix));
    const page = pageOf(names, paging);
    return { NextToken: page.next, QueueUrls: some(page.names.map((name) => urlOf(name, asked.origin, desk.account))) };
  },
);

export const listDeadLetterSourceQueues = asks(
  record({ QueueUrl: text, ...PAGED }),
  record({ queueUrls: list(text, 'QueueUrl'), NextToken: text }, 'queueUrls'),
  async ({ QueueUrl: url, ...paging }, desk, asked) => {
    const target = await desk.queue(url, asked);
    const sources = (await desk.queues.list()).filter(({ settings }) => settings.deadLetter?.queue === target.name);
    const page = pageOf(
      sources.map(({ name }) => name),
      paging,
    );
    return { NextToken: page.next, queueUrls: page.names.map((name) => urlOf(name, asked.origin, desk.account)) };
  },
);

/** A token is the last name of the page before. Without `MaxResults` there is one page, and no token. */
function pageOf(
  names: readonly string[],
  {
    MaxResults: max,
    NextToken: token,
  }: { readonly MaxResults?: number | undefined; readonly NextToken?: string | undefined },
): { readonly names: readonly string[]; readonly next: string | undefined } {
  within('MaxResults', max, [1, PAGE_MAX], `MaxResults must be between 1 and ${PAGE_MAX}.`);
  const after = token === undefined || token === '' ? '' : Buffer.from(token, 'base64url').toString();
  if (token && !/^[A-Za-z0-9_.-]+$/.test(after)) throw invalidValue('Invalid or expired next token.');
  const rest = names.filter((name) => name > after);
  const page = rest.slice(0, max ?? PAGE_MAX);
  const isLast = max === undefined || page.length === rest.length;
  return { names: page, next: isLast ? undefined : Buffer.from(page.at(-1) ?? '').toString('base64url') };
}

export const getQueueAttributes = asks(
  record({ QueueUrl: text, AttributeNames: list(text, 'AttributeName') }),
  record({ Attributes: map(text, 'Attribute') }),
  async ({ AttributeNames: names = [], QueueUrl: url }, desk, asked) => {
    const shown = shownAttributes(await desk.fresh(url, asked), names, desk.place(asked));
    return { Attributes: shown.size === 0 ? undefined : shown };
  },
);

export const setQueueAttributes = does(
  record({ QueueUrl: text, Attributes: map(text, 'Attribute') }, 'Attributes'),
  async ({ Attributes: attributes, QueueUrl: url }, desk, asked) => {
    const queue = await desk.fresh(url, asked);
    const settings = changedSettings(queue, attributes, desk.place(asked));
    await checkDeadLetter(queue.name, settings, attributes.get('RedrivePolicy') ?? '', desk);
    await desk.edit(queue.name, settings);
  },
);

export const deleteQueue = does(QUEUE, async ({ QueueUrl: url }, desk, asked) => {
  const name = nameIn(url ?? asked.path, desk.account);
  await desk.queues.delete(name);
  desk.deleted(name);
});

export const purgeQueue = does(QUEUE, async ({ QueueUrl: url }, desk, asked) => {
  const { name } = await desk.fresh(url, asked);
  desk.mayPurge(name);
  await desk.queues.purge(name);
});
