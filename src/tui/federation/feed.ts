/**
 * Brings the federation to its screen: asks a hub each interval, and at once when one tells of something, and goes on through
 * another node when this one is gone. It never gives up: the mesh may come back.
 */

import { type AnotherOptions, another, tried } from '../../cli/another.ts';
import { alertsOf } from '../../cli/federation/alerts.ts';
import { askEach, askHubs, hubsOf } from '../../cli/federation/hubs.ts';
import { topologyOf } from '../../cli/federation/topology.ts';
import { together } from '../../cli/federation/whole.ts';
import { after, untilGone } from '../../cli/waiting.ts';
import type { AlertsReply, Client, FederationEvent, FederationHealth, FederationView } from '../../engine/index.ts';
import type { Input, Sight } from './model.ts';

export interface FederationFeedOptions extends AnotherOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly emit: (input: Input) => void;
  readonly everyMs: number;
}

/** Events come in swarms; one question answers for all of them. */
const GATHER_MS = 150;
const SILENT_MS = 5_000;
/** Before another node is looked for: it may be the same one again, which has not come up yet. */
const RETRY_MS = 250;

export class FederationFeed {
  readonly #options: FederationFeedOptions;
  /** Where other nodes were when they were last seen alive. */
  #others: readonly string[] = [];
  #wake: () => void = () => {};

  constructor(options: FederationFeedOptions) {
    this.#options = options;
  }

  /** Ends when the signal says so. The connection that it has then is closed. */
  async run(first: Client): Promise<void> {
    const { emit, now, signal } = this.#options;
    let client: Client | undefined = first;
    while (client !== undefined) {
      const reason = await this.#follow(client);
      void client.close();
      if (signal.aborted) return;
      emit({ at: now(), kind: 'lost', reason });
      await after(RETRY_MS, undefined, signal);
      client = await another(this.#options, tried(this.#others, client.node.url));
    }
  }

  /** Resolves with the reason when nothing more is to be had from this connection. */
  async #follow(client: Client): Promise<string> {
    const { emit, everyMs, now, signal } = this.#options;
    const done = new AbortController();
    const either = untilGone(client, AbortSignal.any([signal, done.signal]));
    void this.#hear(client, AbortSignal.any([signal, done.signal]));
    try {
      for (;;) {
        const silent = after(SILENT_MS, 'it does not answer', done.signal);
        const answer = await either(Promise.race([look(client, now), silent]));
        if (typeof answer === 'string') return answer;
        emit({ kind: 'connected', name: client.node.name, url: client.node.url });
        emit({ kind: 'seen', sight: answer });
        this.#others = (await client.members())
          .filter(({ self, state }) => !self && state === 'alive')
          .map(({ address }) => address);
        const woken = new Promise<undefined>((resolve) => {
          this.#wake = () => resolve(undefined);
        });
        const gone = await either(Promise.race([woken, after(everyMs, undefined, done.signal)]));
        if (gone !== undefined) return gone;
      }
    } catch (error) {
      return (error as Error).message;
    } finally {
      done.abort();
    }
  }

  async #hear(client: Client, signal: AbortSignal): Promise<void> {
    try {
      for await (const event of federationEvents(client, signal)) {
        this.#options.emit({ event, kind: 'event' });
        setTimeout(() => this.#wake(), GATHER_MS).unref();
      }
    } catch {
      // The hub or the connection is gone, which the questions notice too.
    }
  }
}

/** All that the screen shows, as of now. Rejects with `hub-missing`, … */
export async function look(client: Client, now: () => number): Promise<Sight> {
  const [views, healths, replies] = await Promise.all([
    askEach<FederationView>(client, 'view', {}),
    askEach<FederationHealth>(client, 'health', {}),
    askHubs<AlertsReply>(client, 'alerts', {}),
  ]);
  const health = together(healths.answers, healths.silent);
  const alerts = alertsOf(replies).filter(({ state }) => state !== 'resolved');
  return { alerts, at: now(), health, topology: topologyOf(views.answers, health) };
}

/**
 * What one hub of the cluster tells from now on, and another one when that is gone, which `note` hears: what happened between
 * is told by neither. Ends when told to; rejects where the connection is gone, or no hub is left.
 */
export async function* federationEvents(
  client: Client,
  signal: AbortSignal,
  note: (text: string) => void = () => undefined,
): AsyncGenerator<FederationEvent & { readonly at: number }> {
  for (let gone = ''; !signal.aborted; await after(RETRY_MS, undefined, signal)) {
    const hubs = await hubsOf(client);
    const hub = hubs.find(({ id }) => id !== gone) ?? hubs[0];
    if (gone !== '') note(`following ${hub.name} from here on`);
    try {
      const events = client.stream('mpreg.federation.events', [{}], { node: hub.id, signal });
      for await (const event of events) yield event as FederationEvent & { readonly at: number };
      if (!signal.aborted) note(`${hub.name} tells nothing more: it has left`);
    } catch (error) {
      if (signal.aborted) return;
      note(`${hub.name} tells nothing more: ${(error as Error).message}`);
    }
    gone = hub.id;
  }
}
