/** How queues are called: by name, by URL and by ARN. */
import { invalidValue, missing, noSuchQueue, SqsError } from './errors.ts';

export const NAME_RULE = 'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length';
const FIFO_NAME_RULE =
  'The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length';

export function isFifoName(name: string): boolean {
  return name.endsWith('.fifo');
}

/** Throws `InvalidParameterValueException`. */
export function checkName(name: string, fifo: boolean): void {
  const stem = fifo && isFifoName(name) ? name.slice(0, -'.fifo'.length) : name;
  const fits = /^[A-Za-z0-9_-]+$/.test(stem) && name.length <= 80 && (!fifo || isFifoName(name));
  if (!fits) throw invalidValue(fifo ? FIFO_NAME_RULE : NAME_RULE);
}

export interface Place {
  readonly account: string;
  readonly region: string;
}

/** `origin`: as whoever asks reaches this node, `http://127.0.0.1:7400`. */
export function urlOf(name: string, origin: string, account: string): string {
  return `${origin}/${account}/${name}`;
}

/**
 * The name in a queue's URL, or in a path; a bare name is taken, too. Only its end counts: a client may reach this node
 * under other names than the one that the URL was made with. Throws `MissingRequiredParameterException` or
 * `QueueDoesNotExist`.
 */
export function nameIn(url: string | undefined, account: string): string {
  if (url === undefined || url === '' || url === '/') throw missing('QueueUrl');
  const path = URL.canParse(url) ? new URL(url).pathname : url;
  const segments = path.split('/').filter((segment) => segment !== '');
  const name = segments.at(-1);
  const owner = segments.at(-2);
  if (name === undefined || (owner !== undefined && /^\d{12}$/.test(owner) && owner !== account)) throw noSuchQueue();
  return name;
}

export function arnOf(name: string, { account, region }: Place): string {
  return `arn:aws:sqs:${region}:${account}:${name}`;
}

/** Undefined where it is no ARN of a queue. Whose account it is decides the caller. */
export function parseArn(arn: string): { readonly name: string; readonly account: string } | undefined {
  const [, account, name] = /^arn:aws(?:-[a-z]+)*:sqs:[a-z0-9-]*:(\d{12}):([A-Za-z0-9_.-]+)$/.exec(arn) ?? [];
  return account === undefined || name === undefined ? undefined : { account, name };
}

/** Throws `InvalidParameterValueException` or `ResourceNotFoundException`. */
export function nameInArn(arn: string, parameter: 'SourceArn' | 'DestinationArn', account: string): string {
  const parsed = parseArn(arn);
  if (parsed === undefined) {
    const format = 'arn:<partition>:<service>:<region>:<account-id>:<resource-id>';
    throw invalidValue(`You must use this format to specify the ${parameter}: ${format}`);
  }
  if (parsed.account !== account) throw noSuchResource(parameter);
  return parsed.name;
}

export function noSuchResource(parameter: 'SourceArn' | 'DestinationArn'): SqsError {
  const message = `The resource that you specified for the ${parameter} parameter doesn't exist.`;
  return new SqsError('ResourceNotFoundException', message);
}
