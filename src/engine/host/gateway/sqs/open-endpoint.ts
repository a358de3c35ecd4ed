import type { Client } from '../../../api.ts';
import { problemError } from '../../../problem-error.ts';
import type { SqsOptions } from '../../../sqs-options.ts';
import { wallClock } from '../../clock.ts';
import { systemDigest } from '../../digest.ts';
import { SharedClient } from '../shared-client.ts';
import { type EndpointParts, SqsEndpoint } from './endpoint.ts';
import { MeshQueues } from './mesh-queues.ts';

export interface OpenEndpointParts extends Pick<EndpointParts, 'locked' | 'log'> {
  readonly options: SqsOptions | undefined;
  /** A client of this very node. */
  readonly open: () => Promise<Client>;
}

/** Throws `input-invalid`. */
export function openEndpoint({ locked, log, open, options = {} }: OpenEndpointParts): SqsEndpoint {
  const { account, keys = {}, strict } = options;
  if (account !== undefined && !/^\d{12}$/.test(account)) {
    throw problemError('input-invalid', `"${account}" is no account of SQS: it must be twelve digits`);
  }
  for (const [id, secret] of Object.entries(keys)) {
    if (!/^[A-Za-z0-9_-]{1,128}$/.test(id)) {
      throw problemError(
        'input-invalid',
        `"${id}" is no id of an access key: letters, digits, "_" and "-" may be in it`,
      );
    }
    if (secret === '') throw problemError('input-invalid', `the secret of the access key ${id} is empty`);
  }
  const client = new SharedClient(open);
  return new SqsEndpoint({
    digest: systemDigest,
    keys: new Map(Object.entries(keys)),
    locked,
    log,
    now: wallClock,
    queues: new MeshQueues(() => client.get()),
    ...(account !== undefined && { account }),
    ...(strict !== undefined && { strict }),
  });
}
