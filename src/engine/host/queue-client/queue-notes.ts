/** What is kept with a queue that the queue itself never looks at. */
import type { QueueInfo } from '../../queues-api.ts';

export function notesOf({ options }: QueueInfo): Readonly<Record<string, unknown>> {
  return (options as { readonly notes?: Readonly<Record<string, unknown>> }).notes ?? {};
}

export function bindingsOf(info: QueueInfo): readonly string[] {
  const { bindings } = notesOf(info);
  return Array.isArray(bindings) ? (bindings as readonly string[]) : [];
}
