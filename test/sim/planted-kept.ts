/** Nodes with a bug planted in how they keep messages of topics, one for each law. */
import type { LinkId } from '../../src/engine/core/base/ids.ts';
import type { Message } from '../../src/engine/core/node/inputs.ts';
import type { FlowMessage, KeptMessage } from '../../src/engine/core/topics/messages.ts';
import type { MessageLog, StoredKeep } from '../../src/engine/flow/message-log.ts';
import { TopicsFlow } from '../../src/engine/flow/topics-flow.ts';
import type { TopicsFlowParts } from '../../src/engine/flow/topics-flow-parts.ts';
import type { MakeNode } from '../../src/engine/sim/machine.ts';
import { simPayload } from '../../src/engine/sim/payload.ts';
import { planted } from './planted.ts';
import { missends } from './planted-topics.ts';

/** Asks a disk that does something else. */
function writes(change: (disk: MessageLog, parts: TopicsFlowParts) => Partial<MessageLog>): MakeNode {
  return planted({
    flow: (parts) => {
      const { disk } = parts;
      return new TopicsFlow(disk === undefined ? parts : { ...parts, disk: { ...disk, ...change(disk, parts) } });
    },
  });
}

/** Finds something else on its disk when it begins. */
function finds(change: (stored: StoredKeep['stored']) => Partial<StoredKeep['stored']>): MakeNode {
  return planted({
    flow: (parts) => {
      const stored = parts.stored.map((keep) => ({ ...keep, stored: { ...keep.stored, ...change(keep.stored) } }));
      return new TopicsFlow({ ...parts, stored });
    },
  });
}

const hands = (change: (message: KeptMessage) => readonly Message[]): MakeNode =>
  missends((message) => (message.kind === 'kept' ? change(message) : [message]));

/** Takes a message for durable as soon as it has asked the disk. */
export const doesNotWaitForTheDisk = writes((disk, { later }) => ({
  commit: (id, batch, then) => {
    disk.commit(id, batch, () => {});
    later(0, () => then(undefined));
  },
}));

export const throwsAwayTooMuch = writes((disk) => ({
  commit: (id, batch, then) => disk.commit(id, { ...batch, evict: (batch.rows[0]?.sequence ?? 1) - 1 }, then),
}));

export const countsAnew = finds(({ first }) => ({ first, messages: [], next: first }));
export const forgetsNames = finds(() => ({ positions: new Map() }));

export const handsOutTwice = hands((message) => [message, message]);
export const handsOutSomethingElse = hands((message) => [{ ...message, payload: simPayload({ token: 'x' }) }]);
export const handsOutNothing = hands(() => []);
export const hidesWhatHasGone = missends((message) => {
  if (message.kind === 'gap') return [];
  if (message.kind !== 'kept') return [message];
  const { missed: _, ...rest } = message;
  return [rest];
});
export const doesNotSayWhatIsRead = missends((message) => (message.kind === 'reading' ? [] : [message]));

/** Takes readers for somebody else. */
function misreads(change: (message: FlowMessage) => FlowMessage | undefined): MakeNode {
  class Flow extends TopicsFlow {
    override take(id: LinkId, message: FlowMessage): boolean {
      const changed = change(message);
      return changed === undefined || super.take(id, changed);
    }
  }
  return planted({ flow: (parts) => new Flow(parts) });
}

export const handsOutAll = misreads((message) => (message.kind === 'read' ? { ...message, patterns: ['#'] } : message));
export const keepsReaders = misreads((message) => (message.kind === 'unread' ? undefined : message));
