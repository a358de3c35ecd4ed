/**
 * Who could take a call now, who could not, and why: the rules of `placement.ts` and `costs.ts`, told in words.
 *
 * It changes nothing and draws nothing. Of several that could, which one will be drawn nobody knows before: `share` says
 * how likely each is.
 *
 * Limit: it looks at every place of the function, and, of up to `PAIRED_MAX` that could take it, at every pair. It is for
 * people, not for calls.
 */
import type { NodeId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import type { Problem } from '../base/problems.ts';
import type { Cost, Costs } from './costs.ts';
import { candidates, fitting, isOwn, ownPlace, type Place, type Places, type Wish } from './placement.ts';

/** A word for scripts; `why` says it to people. */
export type Verdict =
  /** It will be asked. */
  | 'chosen'
  /** It may be asked. */
  | 'eligible'
  | 'other-node'
  | 'other-function-id'
  | 'other-version'
  | 'lacks-resources'
  | 'draining'
  | 'tried'
  | 'suspect'
  | 'lower-version';

/** One function on one node, and what became of it. */
export interface Candidate extends Cost {
  readonly node: string;
  readonly id: NodeId;
  readonly version: string;
  readonly functionId?: string;
  readonly verdict: Verdict;
  readonly why: string;
  /** How likely the next call goes there, from 0 to 1; absent where so many could take it that nobody counts. */
  readonly share?: number;
}

/** The mesh as one node sees it now. */
export interface Explanation {
  readonly fun: string;
  /** The name of the node that was asked. */
  readonly seenBy: string;
  /** The likeliest first, then those that cannot take it. */
  readonly candidates: readonly Candidate[];
  /** Why a call would fail, where it would. */
  readonly problem?: Problem;
}

export interface ExplainParts {
  readonly self: NodeId;
  /** This node's name. */
  readonly name: string;
  readonly places: Places;
  readonly costs: Costs;
}

/** `tried`: nodes that have had the call already. */
export function explain(parts: ExplainParts, wish: Wish, tried: readonly NodeId[], now: Instant): Explanation {
  const { costs, name, places, self } = parts;
  const { fun } = wish;
  const own = isOwn(fun);
  const found = own ? ownPlace(places, wish, self, tried) : candidates(places, wish, tried);
  const fit = found.ok ? found.value : [];
  const good = new Set(fit);
  const sound = fit.some(({ suspect }) => !suspect);
  const all = own ? fit : [...(places.offers(fun)?.values() ?? [])].flat();
  const resting = own ? [] : places.resting(fun);
  const shares = sharesOf(fit, parts, fun, now);
  const told = (place: Place, isResting: boolean): Candidate => {
    const { fn, id } = place;
    const share = good.has(place) ? shares?.get(place) : 0;
    return {
      node: place.name,
      id,
      version: fn.version,
      ...(fn.functionId !== undefined && { functionId: fn.functionId }),
      ...judged(place, { good, isResting, only: all.length === 1, share, sound, tried, wish }),
      ...(share !== undefined && { share }),
      ...costs.of(fun, id, now),
    };
  };
  const list = [...all.map((place) => told(place, false)), ...resting.map((place) => told(place, true))];
  const rank = ({ share, verdict }: Candidate) => (isGood(verdict) ? 1 : 0) + (share ?? 0);
  list.sort((a, b) => rank(b) - rank(a) || (a.node === b.node ? 0 : a.node < b.node ? -1 : 1));
  return {
    fun,
    seenBy: name,
    candidates: list,
    ...(found.ok ? {} : { problem: found.problem }),
  };
}

function isGood(verdict: Verdict): boolean {
  return verdict === 'chosen' || verdict === 'eligible';
}

interface Facts {
  readonly wish: Wish;
  readonly tried: readonly NodeId[];
  /** Those that could take it, whether one of them is no suspect, and whether nobody else has the function at all. */
  readonly good: ReadonlySet<Place>;
  readonly sound: boolean;
  readonly only: boolean;
  readonly share: number | undefined;
  readonly isResting: boolean;
}

/** The first reason that counts, in the order in which placement looks. */
function judged(place: Place, facts: Facts): { readonly verdict: Verdict; readonly why: string } {
  const { good, isResting, only, share, sound, tried, wish } = facts;
  const { fn, id, name } = place;
  const fits = (part: Partial<Wish>) => fitting({ fun: wish.fun, locs: [], ...part })(place);
  if (wish.node !== undefined && !fits({ node: wish.node })) {
    return { verdict: 'other-node', why: `not ${wish.node}, which is asked for` };
  }
  if (wish.functionId !== undefined && !fits({ functionId: wish.functionId })) {
    return { verdict: 'other-function-id', why: `not the implementation ${wish.functionId}` };
  }
  if (wish.version !== undefined && !fits({ version: wish.version })) {
    return { verdict: 'other-version', why: `${fn.version} is not in ${wish.version}` };
  }
  const missing = wish.locs.filter((loc) => !place.resources.has(loc));
  if (missing.length > 0) return { verdict: 'lacks-resources', why: `lacks ${missing.join(', ')}` };
  if (isResting) return { verdict: 'draining', why: 'takes no new work' };
  if (tried.includes(id)) return { verdict: 'tried', why: `${name} has had it already` };
  if (good.has(place)) return { verdict: share === 1 ? 'chosen' : 'eligible', why: whyGood(wish, only) };
  if (place.suspect && sound) return { verdict: 'suspect', why: 'does not answer at the moment' };
  return { verdict: 'lower-version', why: 'a higher version is there' };
}

function whyGood({ fun, locs }: Wish, only: boolean): string {
  if (isOwn(fun)) return 'every node does this by itself';
  const has = locs.length > 0 ? [`has ${locs.join(', ')}`] : [];
  return [...has, only ? 'nobody else has it' : 'no higher version fits'].join('; ');
}

/** How likely `choose` takes each of them: every pair is drawn equally often, and the cheaper of the two wins. */
function sharesOf(
  fit: readonly Place[],
  { costs, self }: ExplainParts,
  fun: string,
  now: Instant,
): ReadonlyMap<Place, number> | undefined {
  const [only] = fit;
  if (only !== undefined && fit.length === 1) return new Map([[only, 1]]);
  if (fit.length > PAIRED_MAX) return undefined;
  const pairs = (fit.length * (fit.length - 1)) / 2;
  const wins = new Map(fit.map((place) => [place, 0]));
  const win = (place: Place, part: number) => wins.set(place, (wins.get(place) ?? 0) + part);
  for (const [i, a] of fit.entries()) {
    for (const b of fit.slice(i + 1)) {
      const order = costs.order(fun, a.id, b.id, now);
      if (order !== 0) win(order < 0 ? a : b, 1);
      else if (a.id === self || b.id === self) win(a.id === self ? a : b, 1);
      else {
        win(a, 0.5);
        win(b, 0.5);
      }
    }
  }
  return new Map([...wins].map(([place, won]) => [place, won / pairs]));
}

const PAIRED_MAX = 100;
