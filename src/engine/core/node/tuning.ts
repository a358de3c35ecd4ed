import { type CallsOptions, DEFAULT_CALLS } from '../calls/options.ts';
import { DEFAULT_FEDERATION_OPTIONS, type FederationOptions } from '../federation/options.ts';
import { DEFAULT_LINKS, type LinksOptions } from '../links/options.ts';
import { DEFAULT_MEMBERSHIP, type MembershipOptions } from '../membership/options.ts';
import { DEFAULT_TOPICS, type TopicsOptions } from '../topics/options.ts';

/** The numbers of every domain. Each is explained where its domain declares it. */
export interface NodeTuning {
  readonly membership: MembershipOptions;
  readonly links: LinksOptions;
  readonly calls: CallsOptions;
  readonly topics: TopicsOptions;
  readonly federation: FederationOptions;
}

export const DEFAULT_TUNING: NodeTuning = {
  calls: DEFAULT_CALLS,
  federation: DEFAULT_FEDERATION_OPTIONS,
  links: DEFAULT_LINKS,
  membership: DEFAULT_MEMBERSHIP,
  topics: DEFAULT_TOPICS,
};
