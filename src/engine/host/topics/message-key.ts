/** The key of a message, as its publisher says it: itself, or `header:NAME`, the value of a header. */
import { problem } from '../../core/base/problems.ts';
import { ProblemError } from '../../problem-error.ts';
import type { PublishOptions } from '../../topics-api.ts';

/** Throws `input-invalid` where there is no such header. */
export function keySaid({ headers = {}, key }: Pick<PublishOptions, 'headers' | 'key'>): string | undefined {
  const name = headerNamed(key);
  if (name === undefined) return key;
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  if (value !== undefined) return value;
  const hint = `Give it one, or say the key itself.\nmpreg publish TOPIC --header ${name}=…`;
  throw new ProblemError(problem('input-invalid', `its key should be the header ${name}, and it has none`, { hint }));
}

/** NAME of `header:NAME`; undefined where it names none. */
export function headerNamed(key: string | undefined): string | undefined {
  return /^header:(.+)$/s.exec(key ?? '')?.[1];
}
