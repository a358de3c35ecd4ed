import type { NodeId } from '../base/ids.ts';
import type { Prng } from '../base/prng.ts';
import type { FederationConfig, FederationOptions } from './options.ts';
import type { HubDescription } from './own-record.ts';

/** What a hub says of itself beyond what operators have configured. */
export interface HubAbout extends Pick<HubDescription, 'name' | 'address' | 'url' | 'software' | 'nodes'> {
  /** How busy it is, 0 to 10, as in a node's record. */
  readonly load: number;
}

/** Another hub of the same cluster. */
export interface Sibling {
  readonly id: NodeId;
  readonly name: string;
  /** Membership doubts that it lives, or the link to it broke and no other has come up since. */
  readonly suspect?: boolean;
}

export interface FederationParts {
  readonly self: NodeId;
  readonly about: HubAbout;
  readonly config: FederationConfig;
  readonly options: FederationOptions;
  readonly prng: Prng;
}
