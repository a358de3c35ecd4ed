import { type CallsOptions, DEFAULT_CALLS } from '../calls/options.ts';
import { DEFAULT_LINKS, type LinksOptions } from '../links/options.ts';
import { DEFAULT_MEMBERSHIP, type MembershipOptions } from '../membership/options.ts';
import { DEFAULT_TOPICS, type TopicsOptions } from '../topics/options.ts';

/** The numbers of every domain. Each is explained where its domain declares it. */
export interface NodeTuning {
  readonly membership: MembershipOptions;
  readonly links: LinksOptions;
  readonly calls: CallsOptions;
  readonly topics: TopicsOptions;
}

export const DEFAULT_TUNING: NodeTuning = {
  calls: DEFAULT_CALLS,
  links: DEFAULT_LINKS,
  membership: DEFAULT_MEMBERSHIP,
  topics: DEFAULT_TOPICS,
};
