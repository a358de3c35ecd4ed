/** What a simulated process is made of, and whom it tells what. */
import type { LinkId } from '../core/base/ids.ts';
import type { Outcome } from '../core/base/outcome.ts';
import type { Payload } from '../core/base/payload.ts';
import type { Prng } from '../core/base/prng.ts';
import type { Peer } from '../core/links/messages.ts';
import type { NodeEffect } from '../core/node/effects.ts';
import type { Message, NodeInput } from '../core/node/inputs.ts';
import type { FlowMessage } from '../core/topics/messages.ts';
import type { SimClock } from './clock.ts';
import type { SimDisk } from './disk.ts';
import type { RunEffect } from './functions.ts';
import type { Birth, NodeMachine } from './machine.ts';
import type { SimLog } from './message-log.ts';
import type { Network } from './network.ts';
import type { SimProcess } from './process.ts';
import type { SimQueueDisk } from './queue-disk.ts';
import type { Timeline } from './timeline.ts';
import type { Trace } from './trace.ts';

export interface ProcessParts {
  readonly place: number;
  /** How often this place has been started. */
  readonly life: number;
  readonly birth: Birth;
  readonly machine: NodeMachine;
  readonly timeline: Timeline;
  readonly network: Network;
  readonly disk: SimDisk;
  readonly queues: SimQueueDisk;
  /** What the calendar says as it begins. */
  readonly wallMs: number;
  /** Of kept topics. */
  readonly log: SimLog;
  readonly clock: SimClock;
  readonly prng: Prng;
  readonly trace: Trace;
  /** What may wait for one other node, in messages; absent: as nodes have it. */
  readonly nodeMessagesMax: number | undefined;
  /** After every step, before its effects are carried out. */
  readonly stepped: (process: SimProcess, input: NodeInput, effects: readonly NodeEffect[]) => void;
  /** A function really begins, and really ends: not where the node's place refused to run it. */
  readonly began: (process: SimProcess, run: RunEffect, version: string) => void;
  readonly ended: (process: SimProcess, run: RunEffect, outcome: Outcome<Payload>) => void;
  /** It takes a message of a topic, which is not carried out yet; it puts one onto a link. */
  readonly took: (process: SimProcess, link: LinkId, peer: Peer, message: FlowMessage) => void;
  readonly put: (process: SimProcess, link: LinkId, message: Message) => void;
  /** The node has said that it is done. */
  readonly stopped: (process: SimProcess) => void;
}
