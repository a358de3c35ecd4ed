import type { NodeInput } from '../core/node/inputs.ts';
import type { FlowLink } from './flow-link.ts';

/**
 * Tells the node now and then which links messages of topics have passed on.
 * Why: it closes links that are silent, or of no use, and does not see what passes here.
 */
export class Traffic {
  readonly #parts: TrafficParts;
  #telling = false;

  constructor(parts: TrafficParts) {
    this.#parts = parts;
  }

  /** Something has passed. */
  seen(): void {
    if (!this.#telling) this.#tellLater();
  }

  #tell(): void {
    this.#telling = false;
    let any = false;
    for (const link of this.#parts.links()) {
      if (!link.busy && !link.isHeld) continue;
      any = true;
      link.busy = false;
      // Why: whoever is not read asks in vain whether the node is there, and would go elsewhere.
      if (link.isHeld) link.wire.send({ kind: 'beat', reply: true });
      this.#parts.input({ kind: 'traffic', link: link.id });
    }
    if (any) this.#tellLater();
  }

  #tellLater(): void {
    this.#telling = true;
    this.#parts.later(TRAFFIC_MS, () => this.#tell());
  }
}

interface TrafficParts {
  readonly links: () => Iterable<FlowLink>;
  readonly input: (input: NodeInput) => void;
  readonly later: (ms: number, then: () => void) => void;
}

/** Well within the silence after which a link is dead. */
const TRAFFIC_MS = 2_000;
