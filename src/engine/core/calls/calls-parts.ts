import type { NodeId } from '../base/ids.ts';
import type { PayloadMaker } from '../base/payload.ts';
import type { Prng } from '../base/prng.ts';
import type { CallsOptions } from './options.ts';
import type { Places } from './placement.ts';

/** What the calls of a node are made of. */
export interface CallsParts {
  readonly self: NodeId;
  /** This node's name, as it is now. */
  readonly name: () => string;
  readonly places: Places;
  readonly options: CallsOptions;
  readonly payload: PayloadMaker;
  readonly prng: Prng;
}
