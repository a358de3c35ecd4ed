/**
 * AddPermission and RemovePermission: statements of a queue's policy.
 *
 * Limit: a policy is kept and given back; nobody is let in or kept out by it. Who may ask is decided by access keys.
 */
import { isObject } from '../../../wire/json-value.ts';
import { does } from './action.ts';
import { invalidValue, missing, SqsError } from './errors.ts';
import { arnOf, type Place } from './names.ts';
import { changedSettings, documentOf } from './queue-attributes.ts';
import { list, record, text } from './shape.ts';

const ACTIONS_MAX = 7;
/** What an owner can allow others. */
const ALLOWABLE: ReadonlySet<string> = new Set([
  '*',
  'ChangeMessageVisibility',
  'DeleteMessage',
  'GetQueueAttributes',
  'GetQueueUrl',
  'ListDeadLetterSourceQueues',
  'PurgeQueue',
  'ReceiveMessage',
  'SendMessage',
]);
const OWNERS_ONLY: ReadonlySet<string> = new Set([
  'AddPermission',
  'CancelMessageMoveTask',
  'CreateQueue',
  'DeleteQueue',
  'ListMessageMoveTasks',
  'ListQueueTags',
  'ListQueues',
  'RemovePermission',
  'SetQueueAttributes',
  'StartMessageMoveTask',
  'TagQueue',
  'UntagQueue',
]);

export const addPermission = does(
  record(
    {
      QueueUrl: text,
      Label: text,
      AWSAccountIds: list(text, 'AWSAccountId'),
      Actions: list(text, 'ActionName'),
    },
    'Label',
  ),
  async ({ AWSAccountIds: accounts = [], Actions: actions = [], Label: label, QueueUrl: url }, desk, asked) => {
    const queue = await desk.fresh(url, asked);
    checkPermission(label, accounts, actions);
    const place = desk.place(asked);
    const policy = policyOf(documentOf(queue.settings, 'Policy'), arnOf(queue.name, place));
    if (policy.statements.some(({ Sid }) => Sid === label)) {
      throw invalidValue(`Value ${label} for parameter Label is invalid. Reason: Already exists.`);
    }
    const statement = statementOf(label, accounts, actions, queue.name, place);
    const Policy = JSON.stringify({ ...policy.document, Statement: [...policy.statements, statement] });
    await desk.edit(queue.name, changedSettings(queue, new Map([['Policy', Policy]]), place));
  },
);

export const removePermission = does(
  record({ QueueUrl: text, Label: text }, 'Label'),
  async ({ Label: label, QueueUrl: url }, desk, asked) => {
    const queue = await desk.fresh(url, asked);
    const place = desk.place(asked);
    const policy = policyOf(documentOf(queue.settings, 'Policy'), arnOf(queue.name, place));
    const rest = policy.statements.filter(({ Sid }) => Sid !== label);
    if (rest.length === policy.statements.length) {
      throw invalidValue(`Value ${label} for parameter Label is invalid. Reason: can't find label.`);
    }
    const Policy = rest.length === 0 ? '' : JSON.stringify({ ...policy.document, Statement: rest });
    await desk.edit(queue.name, changedSettings(queue, new Map([['Policy', Policy]]), place));
  },
);

function checkPermission(label: string, accounts: readonly string[], actions: readonly string[]): void {
  if (!/^[A-Za-z0-9_-]{1,80}$/.test(label)) {
    const rule = 'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length';
    throw invalidValue(`Value ${label} for parameter Label is invalid. Reason: ${rule}`);
  }
  if (actions.length === 0) throw missing('Actions');
  if (actions.length > ACTIONS_MAX) {
    throw new SqsError('OverLimit', `${actions.length} Actions were found, maximum allowed is ${ACTIONS_MAX}.`);
  }
  if (accounts.length === 0 || !accounts.every((account) => /^\d{12}$/.test(account))) {
    throw invalidValue(
      `Value [${accounts.join(', ')}] for parameter PrincipalId is invalid. Reason: Unable to verify.`,
    );
  }
  const odd = actions.find((action) => !ALLOWABLE.has(action));
  if (odd === undefined) return;
  const reason = OWNERS_ONLY.has(odd)
    ? 'Only the queue owner is allowed to invoke this action.'
    : 'Please refer to the appropriate WSDL for a list of valid actions. ';
  throw invalidValue(`Value SQS:${odd} for parameter ActionName is invalid. Reason: ${reason}`);
}

function statementOf(
  label: string,
  accounts: readonly string[],
  actions: readonly string[],
  queue: string,
  place: Place,
) {
  const one = (items: readonly string[]) => (items.length === 1 ? items[0] : items);
  return {
    Sid: label,
    Effect: 'Allow',
    Principal: { AWS: one(accounts.map((account) => `arn:aws:iam::${account}:root`)) },
    Action: one(actions.map((action) => `SQS:${action}`)),
    Resource: arnOf(queue, place),
  };
}

function policyOf(
  text: string | undefined,
  arn: string,
): { readonly document: object; readonly statements: readonly Readonly<Record<string, unknown>>[] } {
  const fresh = { Version: '2008-10-17', Id: `${arn}/SQSDefaultPolicy` };
  const parsed: unknown = text === undefined ? fresh : JSON.parse(text);
  const document = isObject(parsed) ? parsed : fresh;
  const { Statement: given = [] } = document as { readonly Statement?: unknown };
  const statements = Array.isArray(given) ? given : [given];
  return { document, statements: statements.filter(isObject) };
}
