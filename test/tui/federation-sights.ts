/** What the federation's screen sees in tests: the three clusters of the core's tests, and what tests change of them. */
import type { SeenAlert } from '../../src/cli/federation/alerts.ts';
import { topologyOf } from '../../src/cli/federation/topology.ts';
import { together } from '../../src/cli/federation/whole.ts';
import { healthOf } from '../../src/engine/core/federation/health.ts';
import type { FederationView } from '../../src/engine/index.ts';
import type { Tab } from '../../src/tui/federation/keymap.ts';
import { initialModel, type Model, type Sight, update } from '../../src/tui/federation/model.ts';
import { view } from '../core/federation/sights.ts';

export function sight(seen: FederationView = view(), alerts: readonly SeenAlert[] = [], at = 1_000): Sight {
  const health = together([healthOf(seen)]);
  return { alerts, at, health, topology: topologyOf([seen], health) };
}

export function seeing(seen: Sight = sight(), options: { view?: Tab; clusters?: readonly string[] } = {}): Model {
  const model = initialModel({ name: 'west-1', url: 'ws://west-1:8000' }, options);
  return update(model, { kind: 'seen', sight: seen });
}

export function alert(id: string, more: Partial<SeenAlert> = {}): SeenAlert {
  return {
    comparison: '>',
    hub: 'west-1',
    id,
    metric: 'cluster-lost',
    rule: id.split(':')[0] ?? id,
    says: 'no way leads there for 90 s',
    severity: 'critical',
    since: 0,
    state: 'firing',
    threshold: 0,
    told: ['log'],
    value: 90_000,
    ...more,
  };
}
