import { afterEach, describe, expect, test, vi } from 'vitest';
import { Breaker } from '../../src/engine/core/base/breaker.ts';
import { LinkState } from '../../src/engine/core/federation/link-state.ts';
import type { HubRecord } from '../../src/engine/core/federation/records.ts';
import { Sessions } from '../../src/engine/core/federation/sessions.ts';
import { Ways } from '../../src/engine/core/federation/ways.ts';
import { AbroadFlow } from '../../src/engine/flow/abroad-flow.ts';
import { Delivery } from '../../src/engine/flow/delivery.ts';
import type { MakeNode } from '../../src/engine/sim/machine.ts';
import { makeNode, simulate } from '../../src/engine/sim/simulate.ts';
import { pastFederations } from './seeds.ts';

test('40 federations of 3 to 6 clusters keep all laws, and run the same way when run again', () => {
  const report = simulate({ count: 40, federated: true, seed: 1, twiceEvery: 20 });
  expect(report.failure?.text).toBeUndefined();
  expect(report.runs).toBe(40);
  expect(report.steps).toBeGreaterThan(100_000);
}, 600_000);

test('federations that once broke a law keep it now', () => {
  const { all, plain } = pastFederations();
  for (const options of [{ federated: true, seeds: all } as const, { federated: 'plain', seeds: plain } as const]) {
    const report = simulate({ ...options, twiceEvery: 0 });
    expect(report.failure?.text).toBeUndefined();
    expect(report.runs).toBeGreaterThan(0);
  }
}, 600_000);

/** The law that finds it, and what that says. */
function find(seeds: readonly number[], make: MakeNode = makeNode): string {
  const { failure } = simulate({ federated: 'plain', make, seeds, shrink: false, twiceEvery: 0 });
  return failure === undefined
    ? 'nothing is found'
    : `${failure.seed}: ${failure.failure.law}: ${failure.failure.message}`;
}

const SEEDS = Array.from({ length: 150 }, (_, i) => i + 1);

describe('a bug planted in the hubs is found', () => {
  afterEach(() => vi.restoreAllMocks());

  test('where a relay ignores whom a message has passed', () => {
    const { around } = Ways.prototype;
    vi.spyOn(Ways.prototype, 'around').mockImplementation(function (this: Ways, hub) {
      return around.call(this, hub, []);
    });
    expect(find(SEEDS)).toContain('no hub has a message twice');
  });

  test('where a link counts that only one end claims', () => {
    const { hubs } = LinkState.prototype;
    vi.spyOn(LinkState.prototype, 'hubs').mockImplementation(function* (this: LinkState) {
      const all = [...hubs.call(this)];
      for (const record of all) yield { ...record, edges: [...record.edges, ...onlyClaimed(record, all)] };
    });
    expect(find(SEEDS)).toContain('a bridge that is gone is not used after its holding time');
  });

  test('where sessions hand out what comes twice', () => {
    const { arrived } = Sessions.prototype;
    vi.spyOn(Sessions.prototype, 'arrived').mockImplementation(function (this: Sessions<never>, ...args) {
      arrived.apply(this, args);
      return [args[3]];
    } as typeof arrived);
    expect(find(SEEDS)).toMatch(
      /what is not idempotent runs at most once|a call has one outcome|come in order, once each/,
    );
  });

  test('where a cluster still offers what a dead hub of it has said', () => {
    const { offers } = LinkState.prototype;
    vi.spyOn(LinkState.prototype, 'offers').mockImplementation(function* (this: LinkState) {
      const hubs = [...this.hubs()];
      for (const said of offers.call(this)) {
        for (const { hub, identity } of hubs) if (identity.cluster === said.cluster) yield { ...said, hub };
      }
    });
    expect(find(pastFederations().plain)).toMatch(/settles once faults stop.* believes that c\d offers/);
  });

  test('where a breaker never closes again', () => {
    vi.spyOn(Breaker.prototype, 'succeeded').mockImplementation(() => {});
    expect(find(SEEDS)).toMatch(/settles once faults stop.* sees c\d as (lost|nothing)/);
  });

  test('where a message from abroad is exported again', () => {
    const { take } = AbroadFlow.prototype;
    vi.spyOn(AbroadFlow.prototype, 'take').mockImplementation(function (this: AbroadFlow, message) {
      take.call(this, message);
      const { at, by, headers, payload, seq, topic } = message;
      this.out(new Delivery(topic, by, seq, at, headers, payload));
    });
    expect(find(SEEDS)).toMatch(/a subscription gets a message once|crosses a link between hubs once/);
  });
});

/** The links that others claim to have with a hub, and it does not. */
function onlyClaimed({ edges, hub }: HubRecord, all: readonly HubRecord[]): HubRecord['edges'] {
  return all.flatMap((other) => {
    const claimed = other.edges.find(({ to }) => to === hub);
    return claimed === undefined || edges.some(({ to }) => to === other.hub) ? [] : [{ ...claimed, to: other.hub }];
  });
}
