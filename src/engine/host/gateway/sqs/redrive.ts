/** Where dead letters go (`RedrivePolicy`), and which queues may send them to one (`RedriveAllowPolicy`). */
import { isObject } from '../../../wire/json-value.ts';
import { invalidValue } from './errors.ts';
import { arnOf, type Place, parseArn } from './names.ts';
import type { DeadLetter } from './queues-face.ts';

/** Limits of the service. */
const MAX_RECEIVES = 1_000;
const SOURCES_MAX = 10;

/** Throws `InvalidParameterValueException`. */
export function deadLetterOf(policy: string, account: string): DeadLetter {
  const refuse = (reason: string) =>
    invalidValue(`Value ${policy} for parameter RedrivePolicy is invalid. Reason: ${reason}`);
  const parsed: unknown = JSON.parse(policy);
  if (!isObject(parsed)) throw refuse('Redrive policy is not a valid JSON map.');
  const { deadLetterTargetArn: arn, maxReceiveCount: count, ...more } = parsed;
  const [odd] = Object.keys(more);
  if (odd !== undefined)
    throw refuse(`Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].`);
  if (arn === undefined) throw refuse('Redrive policy does not contain mandatory attribute: deadLetterTargetArn.');
  if (count === undefined) throw refuse('Redrive policy does not contain mandatory attribute: maxReceiveCount.');
  const number = typeof count === 'string' && /^\d{1,5}$/.test(count) ? Number(count) : count;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 1 || number > MAX_RECEIVES) {
    throw refuse(
      `Invalid value for maxReceiveCount: ${String(count)}, valid values are from 1 to ${MAX_RECEIVES} both inclusive.`,
    );
  }
  const target = typeof arn === 'string' ? parseArn(arn) : undefined;
  if (target === undefined) throw refuse(`Invalid value for deadLetterTargetArn.`);
  if (target.account !== account) throw refuse('Dead-letter target owner should be same as the source.');
  return { maxReceives: number, queue: target.name };
}

/** The policy as it was written, where it still says what holds, and says it in numbers. */
export function redriveText({ maxReceives, queue }: DeadLetter, written: string | undefined, place: Place): string {
  const { deadLetterTargetArn: arn, maxReceiveCount: count } = partsOf(written);
  if (written !== undefined && count === maxReceives && parseArn(String(arn))?.name === queue) return written;
  return JSON.stringify({ deadLetterTargetArn: arnOf(queue, place), maxReceiveCount: maxReceives });
}

/** Whether a policy names this queue for dead letters. */
export function isTarget(policy: string, queue: string): boolean {
  return parseArn(String(partsOf(policy)['deadLetterTargetArn']))?.name === queue;
}

function partsOf(written: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(written ?? '{}');
    return isObject(parsed) ? parsed : {};
  } catch {
    return {}; // somebody else has written there
  }
}

/** Throws `InvalidParameterValueException`. */
export function checkRedriveAllow(policy: string): void {
  readAllow(policy);
}

/** Whether `queue` may have its dead letters where this policy stands. */
export function allowsRedrive(policy: string | undefined, queue: string): boolean {
  if (policy === undefined || policy === '') return true;
  const { permission, sources } = readAllow(policy);
  if (permission === 'byQueue') return sources.some((arn) => parseArn(arn)?.name === queue);
  return permission === 'allowAll';
}

function readAllow(policy: string): { readonly permission: string; readonly sources: readonly string[] } {
  const refuse = (reason: string) =>
    invalidValue(`Value ${policy} for parameter RedriveAllowPolicy is invalid. Reason: ${reason}`);
  const parsed: unknown = JSON.parse(policy);
  if (!isObject(parsed))
    throw refuse('Amazon SQS cannot create the redrive allow policy, as it’s in an unsupported format.');
  const { redrivePermission: permission, sourceQueueArns: given, ...more } = parsed;
  if (Object.keys(more).length > 0)
    throw refuse('Amazon SQS cannot create the redrive allow policy, as it’s in an unsupported format.');
  if (permission !== 'allowAll' && permission !== 'denyAll' && permission !== 'byQueue') {
    throw refuse('redrivePermission must be allowAll, denyAll or byQueue.');
  }
  const isList = Array.isArray(given) && given.every((arn): arn is string => typeof arn === 'string');
  const sources = isList ? given : [];
  if (given !== undefined && (!isList || permission !== 'byQueue')) {
    throw refuse('sourceQueueArns is a list, and stands with redrivePermission byQueue only.');
  }
  if (permission === 'byQueue' && (sources.length === 0 || sources.length > SOURCES_MAX)) {
    throw refuse(`byQueue wants from 1 to ${SOURCES_MAX} sourceQueueArns.`);
  }
  const odd = sources.find((arn) => parseArn(arn) === undefined);
  if (odd !== undefined) throw refuse(`${odd} is not the ARN of a queue.`);
  return { permission, sources };
}
