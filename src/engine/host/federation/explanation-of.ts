import type { Outcome } from '../../core/base/outcome.ts';
import type { CallsMessage } from '../../core/calls/messages.ts';
import type { Federation } from '../../core/federation/federation.ts';
import { isSystem } from '../../core/topics/pattern.ts';
import type { FederationExplanation } from '../../federation-api.ts';
import { ProblemError, problemError } from '../../problem-error.ts';

/** What the cluster of the hub has itself. */
export interface Own {
  readonly cluster: string;
  readonly region: string;
  readonly queues: ReadonlySet<string>;
  /** Why none of its nodes takes such a call; undefined where one does. */
  whyNot(wish: {
    readonly fun: string;
    readonly locs: readonly string[];
    readonly version?: string;
  }): string | undefined;
  /** The patterns by which its nodes hear a topic; fails where that is none. */
  patterns(topic: string): Outcome<readonly string[]>;
}

type Explained = FederationExplanation['clusters'][number];

/** Which clusters could take a call, have a queue or hear a topic, in the order in which they would be asked, and why not the others. */
export function explanationOf(
  machine: Federation<CallsMessage>,
  own: Own,
  ask: Readonly<Record<string, unknown>>,
): FederationExplanation {
  const { fun, queue, topic, locs = [], version, region, ...more } = ask;
  const [odd] = Object.keys(more);
  if (odd !== undefined) throw problemError('input-invalid', `an explanation has no field "${odd}"`);
  if (!Array.isArray(locs) || !locs.every(isText)) throw problemError('input-invalid', 'locs must be a list of texts');
  const where = isText(region) ? { region } : {};
  const clusters = isText(topic)
    ? hearing(machine, own, topic)
    : isText(queue)
      ? having(machine, own, queue, where)
      : isText(fun)
        ? offering(machine, own, { fun, locs, ...where, ...(isText(version) && { version }) })
        : undefined;
  if (clusters === undefined) throw problemError('input-invalid', 'say what is meant: "fun", "topic" or "queue"');
  return { clusters, from: own.cluster };
}

type Where = { readonly region?: string };

function offering(
  { far }: Federation<CallsMessage>,
  own: Own,
  wish: Where & { readonly fun: string; readonly locs: readonly string[]; readonly version?: string },
): readonly Explained[] {
  return [
    ownPart(own, wish, own.whyNot(wish)),
    ...far.judge(wish).map(({ fn, why, ...one }) => {
      return farPart(one, fn !== undefined, why ?? `it offers ${wish.fun} ${fn?.version ?? ''}`.trim());
    }),
  ];
}

function having({ far }: Federation<CallsMessage>, own: Own, queue: string, where: Where): readonly Explained[] {
  return [
    ownPart(own, where, own.queues.has(queue) ? undefined : NOTHING),
    ...far.judge({ fun: SEND, locs: [`queue:${queue}`], ...where }).map(({ fn, why, ...one }) => {
      return farPart(one, fn !== undefined, why ?? `it has the queue ${queue}`);
    }),
  ];
}

/** Where messages go does not depend on regions: all clusters that listen get them. */
function hearing({ topics }: Federation<CallsMessage>, own: Own, topic: string): readonly Explained[] {
  const heard = own.patterns(topic);
  if (!heard.ok) throw new ProblemError(heard.problem);
  const by = [...new Set(heard.value)];
  const here = by.length > 0;
  const stays = isSystem(topic) ? 'topics of the mesh itself stay in their cluster' : undefined;
  return [
    {
      cluster: own.cluster,
      fits: here,
      why: here ? `its nodes listen to ${by.join(', ')}` : 'nobody here listens to it',
    },
    ...topics.judge(topic).map(({ why, ...one }) => {
      const not = stays ?? why;
      return farPart(one, not === undefined, not ?? 'somebody there listens, as its filter says');
    }),
  ];
}

function ownPart({ cluster, region }: Own, where: Where, whyNot: string | undefined): Explained {
  const why = where.region !== undefined && where.region !== region ? `it is in region ${region}` : whyNot;
  return { cluster, fits: why === undefined, why: why ?? 'the own cluster comes first' };
}

function farPart(
  { cluster, cost }: { readonly cluster: string; readonly cost?: number },
  fits: boolean,
  why: string,
): Explained {
  return { cluster, fits, why, ...(cost === undefined ? {} : { cost }) };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

const NOTHING = 'it has no such thing itself';
const SEND = 'mpreg.queue.send';
