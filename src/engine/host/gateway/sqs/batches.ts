/** What holds for every batch, and how its entries fare one by one. */
import { invalidValue, SqsError } from './errors.ts';
import { boolean, list, record, text, type ValueOf } from './shape.ts';

/** Limits of the service. */
const ENTRIES_MAX = 10;
const ID_RULE =
  'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.';

export const FAILED = list(
  record({ Code: text, Id: text, Message: text, SenderFault: boolean }, 'Code', 'Id', 'SenderFault'),
  'BatchResultErrorEntry',
);

export type Failure = ValueOf<typeof FAILED>[number];

/** `entry`: how an entry is called. Throws what the service throws for a batch as a whole. */
export function checkBatch(
  entries: readonly { readonly Id?: string | undefined }[] | undefined,
  entry: string,
): asserts entries {
  if (entries === undefined || entries.length === 0) {
    throw new SqsError('EmptyBatchRequest', `There should be at least one ${entry} in the request.`);
  }
  if (entries.length > ENTRIES_MAX) {
    const message = `Maximum number of entries per request are ${ENTRIES_MAX}. You have sent ${entries.length}.`;
    throw new SqsError('TooManyEntriesInBatchRequest', message);
  }
  const seen = new Set<string>();
  for (const { Id = '' } of entries) {
    if (!/^[A-Za-z0-9_-]{1,80}$/.test(Id)) throw new SqsError('InvalidBatchEntryId', ID_RULE);
    if (seen.has(Id)) throw new SqsError('BatchEntryIdsNotDistinct', `Id ${Id} repeated.`);
    seen.add(Id);
  }
}

/** An entry's refusal. What is no refusal is a bug, or a queue out of reach: that is the whole batch's. */
export function failureOf(id: string, error: unknown): Failure {
  if (!(error instanceof SqsError)) throw error;
  return { Code: error.code, Id: id, Message: error.message, SenderFault: error.fault === 'Sender' };
}

/** Absent where there is none, as the service has it. */
export function some<Item>(items: readonly Item[]): readonly Item[] | undefined {
  return items.length === 0 ? undefined : items;
}

/** Throws `InvalidParameterValueException`; `rule`: the service's words. */
export function within(
  parameter: string,
  value: number | undefined,
  [from, to]: readonly [number, number],
  rule: string,
): void {
  if (value === undefined || (value >= from && value <= to)) return;
  throw invalidValue(`Value ${value} for parameter ${parameter} is invalid. Reason: ${rule}`);
}
