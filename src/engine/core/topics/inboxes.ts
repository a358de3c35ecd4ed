import { type Problem, problem } from '../base/problems.ts';

/**
 * Inboxes: topics on which one client, and nobody else, hears the answers to what it has asked.
 *
 *     _reply.NODE.TOKEN      NODE: the id of the node that the client listens on; TOKEN: nobody else can guess it
 *
 * The address says where to go, so an inbox is announced to nobody, and is effective everywhere at once; ten thousand
 * clients that come and go with one each cost the other nodes nothing. It is looked up by its whole name: no pattern
 * matches it, `#` neither.
 *
 * Who answers in another cluster knows nothing of that node. The hub through which a request comes puts itself in its place,
 * and what it needs for the way back behind: the token stays the secret, and no hub has to remember anything.
 *
 *     _reply.HUB.TOKEN.NODE.CLUSTER      an answer goes to that hub, and from there to the cluster, as _reply.NODE.TOKEN
 *
 * Invariant: an inbox has one subscription.
 */
export class Inboxes<Held> {
  readonly #self: string;
  readonly #held = new Map<string, Held>();

  constructor(self: string) {
    this.#self = self;
  }

  set(topic: string, held: Held): void {
    this.#held.set(topic, held);
  }

  delete(topic: string): void {
    this.#held.delete(topic);
  }

  /** Why nobody may listen to these patterns: one at least begins as inboxes do, and is none, or not alone. */
  whyNot(
    patterns: readonly { readonly text: string; readonly segments: readonly string[] }[],
    group: string | undefined,
  ): Problem | undefined {
    if (!patterns.some(({ segments }) => isInbox(segments))) return undefined;
    const [one, ...more] = patterns;
    const [, node, token = '', ...beyond] = one?.segments ?? [];
    const alone = more.length === 0 && beyond.length === 0 && group === undefined;
    if (!alone || node !== this.#self || token.length < TOKEN_MIN) return problem('not-allowed', REFUSED);
    return this.#held.has(one?.text ?? '') ? problem('exists-already', 'that inbox has a listener already') : undefined;
  }

  /** Who gets what is said to an inbox: its listener here, or its node. */
  route(topic: string, [, node = '']: readonly string[]) {
    const here = this.#held.get(topic);
    const local = Object.freeze(here === undefined ? [] : [here]);
    const nodes = Object.freeze(node === this.#self || node === '' ? [] : [node]);
    const abroad = node === this.#self && inboxBeyond(topic) !== undefined;
    return { abroad, groups: [], inland: nodes, keepers: [], local, nodes, system: false, topic };
  }
}

export function isInbox([first]: readonly string[]): boolean {
  return first === INBOX;
}

/** The address of an inbox of another cluster for those of this hub's cluster; undefined where it is none. */
export function inboxThrough(hub: string, inbox: string, cluster: string): string | undefined {
  const [first, node = '', token = '', ...beyond] = inbox.split('.');
  if (first !== INBOX || node === '' || token.length < TOKEN_MIN || beyond.length > 0) return undefined;
  return [INBOX, hub, token, node, cluster].join('.');
}

/** The inbox behind such an address, and the cluster that it is in. Why last: the id of a cluster may have dots. */
export function inboxBeyond(topic: string): { readonly cluster: string; readonly inbox: string } | undefined {
  const [first, , token, node, ...cluster] = topic.split('.');
  if (first !== INBOX || node === undefined || cluster.length === 0) return undefined;
  return { cluster: cluster.join('.'), inbox: [INBOX, node, token].join('.') };
}

/** What may be shown of a pattern: who knows the whole name of an inbox could not listen to it, but could answer. */
export function shownPattern(text: string): string {
  return text.startsWith(`${INBOX}.`) ? `${text.slice(0, text.lastIndexOf('.'))}.…` : text;
}

export const INBOX = '_reply';
/** Characters; 16 random bytes in base64 have 22. */
const TOKEN_MIN = 16;
const REFUSED = `topics in ${INBOX}. are inboxes: a subscription has one, ${INBOX}.NODE.TOKEN on that node, and no other pattern`;
