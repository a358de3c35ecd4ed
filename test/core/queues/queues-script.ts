/**
 * The commands of the scripts that play with a node's queues, whose storage is in memory and whose time is the script's.
 *
 *     create jobs [kind=fifo] [visibilityMs=5000] …    edit jobs maxReceives=2     subscribe jobs ann    unsubscribe jobs ann
 *     send jobs hello [group=a] [priority=9] [delayMs=500] [ttlMs=500] [dedupeId=x] [guarantee=quorum] [quorum=2] …
 *     receive jobs [max=1] [groupMax=3] [visibilityMs=500] [consumer=ann] [as=r]     the leases are called r, or r1, r2, …
 *     ack|release r … [consumer=ann]    nack r [delayMs=0] [reason=late]    extend r 5s
 *     ack r~    extend r~ 5s    as somebody who cannot know whether it is the last lease of its message
 *     redrive jobs.dead [to=other] [max=1] [rate=10] [dryRun=true]          dead jobs.dead
 *     counts jobs    purge jobs    delete jobs    pass 5s    restart [wall=5s]
 *     at beta            what follows is asked of that node; at the beginning, alpha
 *     move jobs beta     moved jobs        what became of the last move of it
 *     abandon jobs       it stays            resume jobs        it is served without its old node
 *     parcels wait       deliver [lost]    from then on, each parcel of a move is delivered by hand; its answer may be lost
 *     here               the queues that each node says it has
 */
import { lenient } from '../../../src/engine/core/queues/leases.ts';
import type { DeadInfo, Handled, Lease, QueueView, Sent } from '../../../src/engine/core/queues/messages.ts';
import { type Command, complain, duration } from '../../scenario.ts';
import type { Answer, Shop } from './shop.ts';
import { Town, type Waiting } from './town.ts';

interface Named {
  readonly queue: string;
  readonly receipt: string;
}

export function queuesScript(): (command: Command) => string {
  const town = new Town('alpha', 'beta');
  let at = 'alpha';
  let shop = town.shop(at);
  const leases = new Map<string, Named>();
  const moves = new Map<string, { readonly shop: Shop; readonly request: number }>();
  return (command) => {
    const { name, words, options } = command;
    const [queue = ''] = words;
    const given = valuesOf(options);
    switch (name) {
      case 'create':
      case 'edit':
        return said(ask(shop, { kind: name, options: given, queue }), () => '');
      case 'subscribe':
      case 'unsubscribe':
        return said(ask(shop, { consumer: words[1], kind: name, queue }), () => '');
      case 'send':
        return send(shop, queue, words.slice(1).join(' '), given);
      case 'receive':
        return receive(shop, queue, given, leases);
      case 'ack':
      case 'nack':
      case 'extend':
      case 'release':
        return settle(shop, command, leases);
      case 'redrive':
        return redrive(shop, queue, given);
      case 'dead':
        return deadLetters(shop, queue);
      case 'counts':
        return counts(shop, queue);
      case 'purge':
        return said(ask(shop, { kind: 'purge', queue }), (reply) => `${'purged' in reply ? reply.purged : 0} purged`);
      case 'at':
        at = queue;
        shop = town.shop(at);
        return '';
      case 'here':
        return [...town.shops].map(([node, { hosting }]) => `${node}: ${hosting.join(' ') || 'none'}`).join('\n');
      case 'move': {
        const [, to = ''] = words;
        moves.set(queue, {
          request: shop.ask({ from: { id: at, name: at }, kind: 'move', queue, to: { id: to, name: to } }),
          shop,
        });
        return movedOf(moves.get(queue));
      }
      case 'abandon':
      case 'resume':
      case 'delete':
        return said(shop.answers.get(shop.ask({ kind: name, queue })), () => 'ok');
      case 'moved':
        return movedOf(moves.get(queue));
      case 'parcels':
        town.holding = true;
        return '';
      case 'deliver':
        return delivered(town.deliver(queue === 'lost'));
      case 'pass':
        town.pass(duration(queue));
        return `${(shop.now - START) / 1_000} s`;
      case 'restart':
        shop.restart(options.has('wall') ? duration(options.get('wall')) : 0);
        return '';
      default:
        return complain(command, 'no such command');
    }
  };
}

/** The shop's clock begins there. */
const START = 1_000;

function ask(shop: Shop, command: Parameters<Shop['ask']>[0]): Answer | undefined {
  return shop.answers.get(shop.ask(command));
}

function movedOf(move: { readonly shop: Shop; readonly request: number } | undefined): string {
  return said(move?.shop.answers.get(move.request), (reply) =>
    reply.kind === 'moved' ? `${reply.queues.join(' ')} moved to ${reply.to.name}` : reply.kind,
  );
}

function delivered(waiting: Waiting | undefined): string {
  if (waiting === undefined) return 'nothing is on its way';
  const { from, to, parcel } = waiting;
  const what =
    parcel.kind === 'page'
      ? `page of ${parcel.writes.length} from ${parcel.at.index} ${parcel.at.stage} ${parcel.at.after || 0}`
      : parcel.kind;
  return `${from} → ${to}: ${what}`;
}

type Reply = Extract<Answer, { readonly reply: unknown }>['reply'];

function said(answer: Answer | undefined, tell: (reply: Reply) => string): string {
  if (answer === undefined) return 'no answer yet';
  return 'problem' in answer ? `${answer.problem.code}: ${answer.problem.message}` : tell(answer.reply);
}

/** Numbers, booleans, null and objects as JSON; everything else is a text. */
function valuesOf(options: ReadonlyMap<string, string>): Readonly<Record<string, unknown>> {
  const read = (text: string): unknown => (/^(-?[\d.]+|true|false|null|\{.*\})$/.test(text) ? JSON.parse(text) : text);
  return Object.fromEntries([...options].map(([key, text]) => [key, read(text)]));
}

function send(shop: Shop, queue: string, content: string, given: Readonly<Record<string, unknown>>): string {
  const told = (result: Sent) => {
    if ('problem' in result) return `${result.problem.code}: ${result.problem.message}`;
    return `${result.id}${result.duplicate ? ' again' : ''}`;
  };
  return said(ask(shop, { kind: 'send', orders: [{ bytes: content.length, content, ...given }], queue }), (reply) =>
    'results' in reply ? (reply.results as readonly Sent[]).map(told).join('\n') : reply.kind,
  );
}

function receive(
  shop: Shop,
  queue: string,
  { as = 'r', ...given }: Readonly<Record<string, unknown>>,
  leases: Map<string, Named>,
): string {
  const told = (lease: Lease, i: number, all: readonly Lease[]) => {
    const view = shop.view(queue);
    const name = all.length === 1 ? String(as) : `${as}${i + 1}`;
    leases.set(name, { queue, receipt: lease.receipt });
    const group = lease.group === undefined ? '' : ` of ${lease.group}`;
    const until = lease.leaseUntil > 0 ? `until ${(lease.leaseUntil - START) / 1_000} s` : 'for good';
    return `${name}: ${lease.id}${group} ${shop.content(view, lease)}, receive ${lease.receives}, token ${lease.token}, ${until}`;
  };
  return said(ask(shop, { kind: 'receive', max: 10, queue, waitMs: 0, ...given }), (reply) =>
    reply.kind !== 'received' ? reply.kind : reply.leases.map(told).join('\n') || 'nothing',
  );
}

function settle(shop: Shop, command: Command, leases: ReadonlyMap<string, Named>): string {
  const { name, words, options } = command;
  const { consumer, ...given } = valuesOf(options);
  const names = name === 'extend' ? words.slice(0, 1) : words;
  const found = names.map((one) => named(one, leases) ?? complain(command, `there is no lease ${one}`));
  const itemOf = ({ receipt }: Named) => {
    if (name === 'extend') return { receipt, visibilityMs: duration(words[1]) };
    return name === 'nack' ? { receipt, ...given } : receipt;
  };
  const receipts = found.map(itemOf);
  const told = (result: Handled) =>
    'problem' in result ? `${result.problem.code}: ${result.problem.message}` : (untilOf(result) ?? 'ok');
  const who = consumer === undefined ? {} : { consumer };
  return said(ask(shop, { kind: name as 'ack', queue: found[0]?.queue ?? '', receipts, ...who }), (reply) =>
    reply.kind === 'handled' ? reply.results.map(told).join('\n') : reply.kind,
  );
}

function named(name: string, leases: ReadonlyMap<string, Named>): Named | undefined {
  const lease = leases.get(name.replace(/~$/, ''));
  return lease && name.endsWith('~') ? { ...lease, receipt: lenient(lease.receipt) } : lease;
}

function untilOf(result: Extract<Handled, { readonly ok: true }>): string | undefined {
  return result.leaseUntil === undefined ? undefined : `until ${(result.leaseUntil - START) / 1_000} s`;
}

function redrive(shop: Shop, queue: string, given: Readonly<Record<string, unknown>>): string {
  return said(ask(shop, { kind: 'redrive', queue, to: 'origin', ...given }), (reply) => {
    if (reply.kind !== 'redrive') return reply.kind;
    const { job } = reply;
    return `job ${job.id}: ${job.total} to ${job.to}, ${job.dryRun ? 'would be moved' : job.state}`;
  });
}

function deadLetters(shop: Shop, queue: string): string {
  const { number, counts } = shop.view(queue);
  const lines: string[] = [];
  for (let id = 1; id <= counts.sent; id++) {
    const stored = shop.tables.message(number, id);
    const dead: DeadInfo | undefined = stored?.message.dead;
    if (stored === undefined || dead === undefined) continue;
    const past = dead.history.map(({ how, consumer, reason }) => [how, consumer, reason].filter(Boolean).join(' '));
    lines.push(`${id}: ${stored.content}, was ${dead.id} of ${dead.queue}: ${dead.reason} (${past.join('; ')})`);
  }
  return lines.join('\n') || 'none';
}

function counts(shop: Shop, queue: string): string {
  return said(ask(shop, { kind: 'info', queue }), (reply) => (reply.kind === 'queue' ? counted(reply.view) : ''));
}

function counted({ redrive: job, counts: all, moving }: QueueView): string {
  const shown = (['sent', 'ready', 'delayed', 'leased', 'done', 'dead', 'expired', 'purged'] as const)
    .filter((what) => what === 'sent' || all[what] > 0)
    .map((what) => `${all[what]} ${what}`);
  const why = job?.failure === undefined ? '' : ` (${job.failure})`;
  const moved =
    job === null || job.dryRun ? '' : `; job ${job.id} ${job.state}, ${job.moved} moved, ${job.failed} failed${why}`;
  return `${shown.join(', ')}${moved}${moving === null ? '' : `; moving to ${moving.name}`}`;
}
