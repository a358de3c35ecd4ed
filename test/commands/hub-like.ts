/**
 * A node of this process that answers as a hub does, with a federation of the test's own making: its functions stand in place
 * of those that every node has.
 */
import { vi } from 'vitest';
import { type HealthThresholds, healthOf } from '../../src/engine/core/federation/health.ts';
import {
  type AlertsReply,
  createNode,
  type FederationEvent,
  type FederationView,
  type MpregNode,
  type WayView,
} from '../../src/engine/index.ts';
import { view } from '../core/federation/sights.ts';

vi.mock('../../src/engine/host/federation/federation-functions.ts', () => ({ federationFunctions: () => [] }));
vi.mock('../../src/engine/host/federation/watch-functions.ts', () => ({ watchFunctions: () => [] }));

export interface HubLike {
  readonly node: MpregNode;
  /** What it answers from here on. */
  sight: FederationView;
  alerts: Pick<AlertsReply, 'alerts' | 'channels' | 'history'>;
  ways: readonly WayView[];
  /** What it was asked last, by function. */
  readonly asked: Map<string, unknown>;
  tell(event: FederationEvent): void;
}

/** `thresholds`: of its health; `peers`: where other nodes of its cluster are. */
export async function hubLike(
  name = 'west-1',
  thresholds?: HealthThresholds,
  peers: readonly string[] = [],
): Promise<HubLike> {
  const tellers = new Set<(event: FederationEvent) => void>();
  const asked = new Map<string, unknown>();
  const answer = (fun: string, run: (ask: never) => unknown) => ({
    name: `mpreg.federation.${fun}`,
    run: (ask: never) => {
      asked.set(fun, ask);
      return run(ask);
    },
  });
  const hub = {
    alerts: { alerts: [], channels: [], history: [] },
    asked,
    sight: view({ hub: name, name }),
    tell: (event: FederationEvent) => {
      for (const tell of tellers) tell(event);
    },
    ways: [],
  } as unknown as { -readonly [Key in keyof HubLike]: HubLike[Key] };
  async function* events() {
    let wake: () => void = () => undefined;
    const waiting: FederationEvent[] = [];
    const tell = (event: FederationEvent) => {
      waiting.push(event);
      wake();
    };
    tellers.add(tell);
    try {
      for (;;) {
        for (const event of waiting.splice(0)) yield { ...event, at: 1_700_000_000_000 };
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (waiting.length > 0) resolve();
        });
      }
    } finally {
      tellers.delete(tell);
    }
  }
  hub.node = await createNode({
    discover: false,
    inline: [
      answer('view', () => hub.sight),
      answer('health', () => healthOf(hub.sight, thresholds)),
      answer('alerts', () => ({ ...hub.alerts, hub: hub.sight.hub, leftOut: 0, name })),
      answer('ack', ({ alert, by }: { alert: string; by: string }) => [
        { acknowledged: { at: 5, by }, id: alert, state: 'acknowledged' },
      ]),
      answer('routes', () => hub.ways),
      answer('explain', ({ fun, topic }: { fun?: string; topic?: string }) => {
        const fits = fun === 'predict' || topic === 'predict';
        const why = fits ? `has it as ${fun === undefined ? 'topic' : 'function'}` : 'has nothing of that name';
        return { clusters: [{ cluster: 'mid', cost: 40_000, fits, why }], from: 'west' };
      }),
      { name: 'mpreg.federation.events', run: () => events() },
    ],
    name,
    peers,
    resources: ['role:hub'],
    workers: 1,
  });
  return hub;
}
