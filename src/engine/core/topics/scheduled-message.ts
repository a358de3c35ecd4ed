/** A message that is to be published later, and the text that stands for it in the node's store. */
export interface ScheduledMessage {
  readonly id: string;
  readonly topic: string;
  /** When it is due by the wall clock, in milliseconds since 1970. */
  readonly at: number;
  /** It was to wait so long, whatever the wall clock says. */
  readonly inMs?: number;
  /** What the world needs to publish it. */
  readonly body: string;
}

export function writeScheduled({ at, body, id, inMs, topic }: ScheduledMessage): string {
  return JSON.stringify(inMs === undefined ? { at, body, id, topic } : { at, body, id, inMs, topic });
}

/** Undefined where the text is none. */
export function readScheduled(text: string): ScheduledMessage | undefined {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof read !== 'object' || read === null) return undefined;
  const { at, body, id, inMs, topic } = read as Readonly<Record<string, unknown>>;
  const texts = typeof body === 'string' && typeof id === 'string' && typeof topic === 'string';
  if (!texts || !Number.isSafeInteger(at)) return undefined;
  if (inMs === undefined) return { at: at as number, body, id, topic };
  return Number.isSafeInteger(inMs) ? { at: at as number, body, id, inMs: inMs as number, topic } : undefined;
}
