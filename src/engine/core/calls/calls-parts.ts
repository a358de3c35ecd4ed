import type { Address, NodeId } from '../base/ids.ts';
import type { PayloadMaker } from '../base/payload.ts';
import type { Prng } from '../base/prng.ts';
import type { Abroad } from './abroad.ts';
import type { CallsOptions } from './options.ts';
import type { Places } from './placement.ts';

/** What the calls of a node are made of. */
export interface CallsParts {
  readonly self: NodeId;
  /** This node's name and address, as they are now. */
  readonly name: () => string;
  readonly address: () => Address;
  readonly places: Places;
  /** Absent: there are no other clusters. */
  readonly abroad?: Abroad;
  readonly options: CallsOptions;
  readonly payload: PayloadMaker;
  readonly prng: Prng;
}
