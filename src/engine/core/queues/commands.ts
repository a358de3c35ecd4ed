import type { Instant } from '../base/instant.ts';
import type { QueueCommand, QueueReply } from './messages.ts';
import type { Queue } from './queue.ts';

/** Tells a queue what is asked of its messages. False where that is not for the queue alone to answer. */
export function tellQueue(queue: Queue, request: number, command: QueueCommand, now: Instant): boolean {
  switch (command.kind) {
    case 'send':
      queue.send(request, command.orders, now);
      return true;
    case 'receive':
      queue.receive(request, command, now);
      return true;
    case 'ack':
      queue.ack(request, command.receipts, command.consumer, now);
      return true;
    case 'nack':
      queue.nack(command, request, now);
      return true;
    case 'extend':
      queue.extend(command, request, now);
      return true;
    case 'release':
      queue.release(request, command.receipts, now);
      return true;
    case 'purge':
      queue.purge(request);
      return true;
    case 'redrive':
      queue.redrive(request, command, now);
      return true;
    case 'redrive-cancel':
      queue.cancelRedrive(request, now);
      return true;
    case 'subscribe':
    case 'unsubscribe':
      queue.subscribe(request, command.consumer, command.kind === 'subscribe');
      return true;
    default:
      return false;
  }
}

/** What is asked of a queue that changes nothing; undefined where that is something else. */
export function lookAt(queue: Queue, command: QueueCommand, all: Iterable<Queue>): QueueReply | undefined {
  switch (command.kind) {
    case 'info':
      return { kind: 'queue', view: queue.view };
    case 'sources': {
      const feeds = ({ options: { deadLetter, expired, maxReceives } }: Queue) =>
        deadLetter === queue.name && (maxReceives !== null || expired === 'dead-letter');
      return { kind: 'names', names: [...all].filter(feeds).map(({ name }) => name) };
    }
    case 'peek': {
      const held = [...queue.stock.schedule.known.values()].filter(({ state }) => state === 'leased');
      return { held: new Set(held.map(({ seq }) => seq)), kind: 'peek', queue: queue.number };
    }
    default:
      return undefined;
  }
}
