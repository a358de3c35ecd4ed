export type { AlertingConfig } from './alerting.ts';
export type { BreakerConfig, BridgeMode, FederationConfig, LinkConfig, PolicyRule } from './config.ts';

/** Times, sizes and limits of a hub. */
export interface FederationOptions {
  /**
   * How often the round trip of a link is measured, in milliseconds.
   * More often: a silent link is noticed sooner. Less often: fewer messages at rest.
   */
  readonly echoMs: number;
  /** After so many echoes in a row without an answer a link is taken for dead. More: fewer false alarms; fewer: sooner. */
  readonly echoesLostMax: number;
  /** A record is told anew this often though nothing changed, in milliseconds. Shorter: stale ones go sooner; longer: less talk. */
  readonly refreshMs: number;
  /**
   * A record that was not told anew for this long, in milliseconds, is forgotten; at least three times `refreshMs`.
   * Longer: hubs that are gone are remembered for longer. Shorter: those behind a long cut have to be told anew.
   */
  readonly recordMsMax: number;
  /** Own changes of cost are gathered for this long before they are told. Longer: less talk; shorter: fresher ways. */
  readonly settleMs: number;
  /** Changes of a link's cost by a smaller share than this are not told. */
  readonly costShareMin: number;
  /**
   * All that is known is compared with one neighbour this often, in milliseconds.
   * More often: what was lost is mended sooner. Less often: fewer messages at rest.
   */
  readonly digestMs: number;
  /** A way may have so many links. More: clusters that are linked in a long row reach each other. Fewer: less to search. */
  readonly hopsMax: number;
  /** How many hubs are remembered; others are not heard of. More: larger federations. Fewer: less memory, mostly about 2 KiB each. */
  readonly hubsMax: number;
  /** What one hub may say of itself, in bytes; more is not heard of. More: more links, about 150 bytes each. Less: shorter frames. */
  readonly hubBytesMax: number;
  /**
   * What one hub may say of all that its cluster has, in bytes; more is not heard of.
   * More: clusters with more functions, about 200 bytes each. Less: one that says too much takes less.
   */
  readonly offersBytesMax: number;
  /** What all hubs may say of themselves together. More: larger federations. Less: what operators are shown of them fits a frame. */
  readonly allHubsBytesMax: number;
  /** What all clusters may say that they have. More: more and larger clusters. Less: less memory, whatever others say. */
  readonly allOffersBytesMax: number;
  /** The first pause before a lost link is dialled again, in milliseconds. Shorter: it is back sooner. Longer: fewer dials in vain. */
  readonly redialMs: number;
  /** The longest such pause, in milliseconds. Longer: fewer dials to who is gone. Shorter: found again sooner. */
  readonly redialMsMax: number;
  /** A hub to which no way leads for this long is taken for lost, with what was sent there. Longer: fewer calls in doubt. */
  readonly partedMs: number;
  /**
   * What was not acknowledged for this long, in milliseconds, is sent again; doubled each time. Ways that break do not wait for it.
   * Longer: fewer large messages are sent twice on slow lines. Shorter: what a hub has lost by itself is there sooner.
   */
  readonly resendMs: number;
  /** Messages to one hub that are not acknowledged yet. More: faster over long ways. Fewer: less is kept, and sent again. */
  readonly windowMax: number;
  /**
   * What may be held of messages that came before what they follow, in bytes, of all hubs together; the rest is sent again.
   * More: less is sent again after a way broke. Less: less memory, whatever others send.
   */
  readonly earlyBytesMax: number;
  /** Messages that wait behind these; more are refused. More: longer bursts. Fewer: less memory. */
  readonly waitingMax: number;
  /**
   * Bytes of what is not acknowledged by one hub; one message may go beyond. More: large values are faster over long ways. Less:
   * less is sent again where a way breaks.
   */
  readonly windowBytesMax: number;
  /** Bytes that are kept for one hub, until it has acknowledged them; more are refused. More: longer bursts. Less: less memory. */
  readonly hubBytesHeldMax: number;
  /** The same for all hubs together. More: hubs that do not answer leave more room to others. Less: less memory. */
  readonly allBytesMax: number;
}

export const DEFAULT_FEDERATION_OPTIONS: FederationOptions = {
  allBytesMax: 256 * 1024 ** 2,
  allHubsBytesMax: 12 * 1024 ** 2,
  allOffersBytesMax: 96 * 1024 ** 2,
  costShareMin: 0.2,
  earlyBytesMax: 64 * 1024 ** 2,
  digestMs: 30_000,
  echoMs: 1_000,
  echoesLostMax: 4,
  hopsMax: 8,
  hubsMax: 4_096,
  hubBytesHeldMax: 64 * 1024 ** 2,
  hubBytesMax: 128 * 1024,
  offersBytesMax: 4 * 1024 ** 2,
  recordMsMax: 900_000,
  redialMs: 500,
  redialMsMax: 30_000,
  partedMs: 3_000,
  resendMs: 10_000,
  waitingMax: 16_384,
  windowBytesMax: 16 * 1024 ** 2,
  windowMax: 1_024,
  refreshMs: 240_000,
  settleMs: 250,
};
