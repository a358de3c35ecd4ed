import type { NodeInput } from './core/node/inputs.ts';
import type { LinkClient } from './host/client.ts';
import type { FederationFace } from './host/federation/federation-functions.ts';
import type { HubWatch } from './host/federation/hub-watch.ts';
import type { NodeHost } from './host/node-host.ts';
import type { Connection } from './host/ports.ts';
import type { QueueBinder } from './host/queue-client/queue-binder.ts';
import type { LaterMessages } from './host/topics/later-messages.ts';
import type { SystemTopics } from './host/topics/system-topics.ts';
import { problemError } from './problem-error.ts';

/** Stands for the host where something must be able to call it before it is made. */
export class LateHost {
  host: NodeHost | undefined;
  binder: QueueBinder | undefined;
  finish: (() => Promise<void>) | undefined;
  /** Opens a client of the node, with no socket between. */
  open: ((name?: string) => Promise<LinkClient>) | undefined;
  /** What the node says of itself over topics. */
  system: SystemTopics | undefined;
  /** The hub that it is, and what it watches over. */
  hub: FederationFace | undefined;
  watch: HubWatch | undefined;
  /** What is published later. */
  later: LaterMessages | undefined;
  /** Functions of this node are others now. */
  changed: () => void = () => undefined;

  get now(): NodeHost {
    if (this.host === undefined) throw problemError('node-stopping', 'the node is only starting');
    return this.host;
  }

  get laterNow(): LaterMessages {
    if (this.later === undefined) throw problemError('node-stopping', 'the node is only starting');
    return this.later;
  }

  get hubNow(): FederationFace {
    return this.hub ?? this.#noHub();
  }

  get watchNow(): HubWatch {
    return this.watch ?? this.#noHub();
  }

  #noHub(): never {
    throw problemError('hub-missing', 'this node is no hub');
  }

  async connect(name?: string): Promise<LinkClient> {
    if (this.open === undefined) throw problemError('node-stopping', 'the node is only starting');
    return this.open(name);
  }

  /** Before the node leaves, what queues gave to its functions is finished: else it would come again elsewhere. */
  input(input: NodeInput): void {
    const { finish, now } = this;
    if (input.kind !== 'leave' || finish === undefined) return now.input(input);
    this.finish = undefined;
    now.input({ kind: 'drain' });
    const until = performance.now() + input.graceMs;
    const late = new Promise<void>((resolve) => setTimeout(resolve, input.graceMs).unref());
    const leave = () => now.input({ ...input, graceMs: Math.max(0, Math.ceil(until - performance.now())) });
    void Promise.race([finish(), late]).then(leave, leave);
  }

  accept(connection: Connection): void {
    if (this.host === undefined) connection.destroy('the node is only starting');
    else this.host.accept(connection);
  }
}
