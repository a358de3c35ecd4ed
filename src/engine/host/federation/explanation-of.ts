import type { CallsMessage } from '../../core/calls/messages.ts';
import type { Federation } from '../../core/federation/federation.ts';
import type { FederationExplanation } from '../../federation-api.ts';
import { problemError } from '../../problem-error.ts';

export interface Own {
  readonly cluster: string;
  readonly functions: ReadonlySet<string>;
  readonly queues: ReadonlySet<string>;
}

/** Which clusters could take a call or have a queue, in the order in which they would be asked, and why not the others. */
export function explanationOf(
  { far }: Federation<CallsMessage>,
  own: Own,
  ask: Readonly<Record<string, unknown>>,
): FederationExplanation {
  const { fun, queue, locs = [], version, region, ...more } = ask;
  const [odd] = Object.keys(more);
  if (odd !== undefined) throw problemError('input-invalid', `an explanation has no field "${odd}"`);
  if (!Array.isArray(locs) || !locs.every(isText)) throw problemError('input-invalid', 'locs must be a list of texts');
  const what = isText(queue) ? { fun: SEND, locs: [`queue:${queue}`] } : isText(fun) ? { fun, locs } : undefined;
  if (what === undefined) throw problemError('input-invalid', 'say what is meant: "fun" or "queue"');
  const wish = { ...what, ...(isText(version) && { version }), ...(isText(region) && { region }) };
  const here = isText(queue) ? own.queues.has(queue) : own.functions.has(what.fun);
  return {
    clusters: [
      { cluster: own.cluster, fits: here, why: here ? 'the own cluster comes first' : 'it has no such thing itself' },
      ...far.judge(wish).map(({ cluster, cost, fn, why }) => ({
        cluster,
        fits: fn !== undefined,
        why: why ?? (isText(queue) ? `it has the queue ${queue}` : `it offers ${wish.fun} ${fn?.version ?? ''}`.trim()),
        ...(cost === undefined ? {} : { cost }),
      })),
    ],
    from: own.cluster,
  };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

const SEND = 'mpreg.queue.send';
