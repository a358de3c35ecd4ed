/** How hard a node works at knowing who is here. Times in milliseconds, counts as they are. */
export interface MembershipOptions {
  /**
   * One member is probed in each interval (SWIM's protocol period T′), and a probe's verdict falls at its end.
   * n nodes together probe a given one n/(n−1) times per interval, whatever n is.
   * Trade-off: shorter finds crashes sooner and costs 2 messages per interval and node; longer forgives slower nodes.
   */
  readonly probeIntervalMs: number;
  /**
   * Silence after which helpers are asked; a few round trips, at most half of the interval, so that they have the rest.
   * Trade-off: shorter leaves helpers more time and asks them for nothing more often; longer the other way round.
   */
  readonly probeTimeoutMs: number;
  /**
   * Helpers asked when the direct way is silent (SWIM §3.1, k).
   * Trade-off: more see through more broken paths, with 4 messages each per silent probe.
   */
  readonly helpersMax: number;
  /**
   * Probes at once beyond the regular one, for members whose link broke or who were accused.
   * Trade-off: more confirm mass crashes sooner, in a larger burst of messages.
   */
  readonly urgentMax: number;
  /**
   * Ping-reqs under way for others at once; one more displaces the oldest.
   * Trade-off: memory against help refused when very many ask.
   */
  readonly relaysMax: number;
  /**
   * Worst local health; interval and timeout are multiplied by health + 1 (Lifeguard §3, LHA-Probe, S).
   * Trade-off: larger silences a slow node better and lets it find fewer crashes meanwhile.
   */
  readonly healthMax: number;
  /**
   * α: a suspicion that k others share lasts α · max(1, log₁₀ n) · probeInterval.
   * Trade-off: larger gives a stalled node longer to contradict; smaller finds crashes sooner.
   */
  readonly suspicionMinFactor: number;
  /**
   * β: a suspicion that nobody shares lasts β times that (Lifeguard §3, LHA-Suspicion).
   * Trade-off: larger protects against one mistaken accuser; smaller helps where few are left to confirm.
   */
  readonly suspicionMaxFactor: number;
  /**
   * k: further accusers that shorten a suspicion to its least, each passed on; fewer where there are not so many nodes.
   * Trade-off: more ask for more evidence and cost a rumor each; fewer find crashes sooner.
   */
  readonly accusersMax: number;
  /**
   * Time between two rounds of gossip, while there is any.
   * Trade-off: shorter spreads news sooner; longer puts more news into each message.
   */
  readonly gossipMs: number;
  /**
   * Neighbours told in each round.
   * Trade-off: more spread news in fewer rounds (log of fanout + 1) with more repetition.
   */
  readonly gossipCount: number;
  /**
   * λ: each node passes one piece of news on λ · ⌈log₂(n + 1)⌉ times (SWIM §4.1).
   * Trade-off: larger misses fewer nodes (about n^(−λ)); smaller costs less, and anti-entropy repairs the rest.
   */
  readonly rumorFactor: number;
  /**
   * News in one ping, ack or ping-req.
   * Trade-off: more rides along for nothing; fewer keeps probes small, so that their round trips stay honest.
   */
  readonly rumorsMax: number;
  /**
   * News in one message of gossip, about 100 bytes each; a record of another domain counts for as many as it is long.
   * Trade-off: more settles a healed partition in fewer rounds; fewer keeps the bursts small.
   */
  readonly gossipRumorsMax: number;
  /**
   * Time between two anti-entropy exchanges with a random neighbour, ± a quarter. It does not grow with n, as it does
   * where whole views are exchanged: most of these cost one small message.
   * Trade-off: shorter repairs missed news sooner; each costs O(n) hashing on two nodes, and what differs in messages.
   */
  readonly syncMs: number;
  /**
   * Entries or rumors in one anti-entropy message; a bucket is never split, so that a message may exceed it by one bucket.
   * Trade-off: more needs fewer messages; fewer keeps the link free for calls in between.
   */
  readonly syncItemsMax: number;
  /**
   * Items of one incoming message that are looked at; what is beyond is ignored and counted.
   * Trade-off: a bound on what one message can make this node do, against very large clusters (n / 64 must fit).
   */
  readonly itemsMax: number;
  /**
   * Time between two attempts to reach a dead member or an unanswered seed, ± a quarter.
   * Trade-off: shorter heals partitions sooner; longer dials dead addresses less often. m nodes try m times as often.
   */
  readonly revivalMs: number;
  /**
   * The same while this node is alone: the first pause, growing by half each time …
   * Trade-off: shorter joins sooner after a seed comes up; longer spares the seed.
   */
  readonly lonelyMs: number;
  /**
   * … up to this one.
   * Trade-off: as `lonelyMs`, for a seed that is away for long.
   */
  readonly lonelyMsMax: number;
  /**
   * Addresses tried at once while alone.
   * Trade-off: more finds the one that answers sooner; fewer spares the others.
   */
  readonly lonelyMax: number;
  /**
   * Dead members remembered, and asked; the longest dead is forgotten first.
   * Trade-off: more heals larger partitions by itself; each costs about 200 bytes.
   */
  readonly deadMax: number;
  /**
   * Members remembered that said goodbye.
   * Trade-off: as `deadMax`; a forgotten one could be believed alive again on the word of a node that slept meanwhile.
   */
  readonly leftMax: number;
  /**
   * Time for which they are remembered; several times as long as old news can travel.
   * Trade-off: as `leftMax`.
   */
  readonly leftMs: number;
  /**
   * Time between saying goodbye and going: some rounds of gossip.
   * Trade-off: longer makes sure that all hear it; shorter stops sooner.
   */
  readonly leaveMs: number;
  /**
   * How late this node may run before it doubts itself: what fell due meanwhile counts against nobody.
   * Trade-off: smaller forgives others more; larger takes stalls of this node for silence of theirs.
   */
  readonly lateMs: number;
  /**
   * How late it must run to think that it was stopped, and ask the others what became of it; about 2 intervals.
   * Trade-off: smaller asks more often for nothing; larger may leave this node dead in others' eyes until they ask.
   */
  readonly pauseMs: number;
}

export const DEFAULT_MEMBERSHIP: MembershipOptions = {
  probeIntervalMs: 800,
  probeTimeoutMs: 400,
  helpersMax: 3,
  urgentMax: 8,
  relaysMax: 256,
  healthMax: 8,
  suspicionMinFactor: 3,
  suspicionMaxFactor: 6,
  accusersMax: 3,
  gossipMs: 200,
  gossipCount: 3,
  rumorFactor: 3,
  rumorsMax: 32,
  gossipRumorsMax: 1_024,
  syncMs: 30_000,
  syncItemsMax: 1_024,
  itemsMax: 8_192,
  revivalMs: 10_000,
  lonelyMs: 1_000,
  lonelyMsMax: 5_000,
  lonelyMax: 3,
  deadMax: 1_024,
  leftMax: 1_024,
  leftMs: 300_000,
  leaveMs: 600,
  lateMs: 250,
  pauseMs: 2_000,
};
