import { expect, test } from 'vitest';
import { healthOf } from '../../../src/engine/core/federation/health.ts';
import { federationMetrics } from '../../../src/engine/host/federation/federation-metrics.ts';
import { but, link } from '../../core/federation/sights.ts';

test('a hub shows what it reaches, its links, what crossed them and its alerts', () => {
  const seen = but({ cluster: 'east' }, { forMs: 12_500, state: 'lost' });
  const two = {
    ...seen,
    links: [link('mid', { loss: 0.05 }), link('east', { address: 'ws://"e"\n:1', state: 'waiting' })],
  };
  const text = federationMetrics(two, healthOf(two), new Map([['firing', 3]])).join('\n');
  const mid = '{address="ws://mid-1:9000",cluster="mid",peer="mid-1"}';
  expect(text.split('\n').filter((line) => !line.startsWith('#'))).toEqual(
    expect.arrayContaining([
      'mpreg_federation_clusters{state="reachable"} 1',
      'mpreg_federation_clusters{state="lost"} 1',
      'mpreg_federation_health_state{state="critical"} 1',
      'mpreg_federation_health_state{state="healthy"} 0',
      'mpreg_federation_cluster_health_score{cluster="east"} 0',
      'mpreg_federation_cluster_lost_seconds{cluster="east"} 12.5',
      'mpreg_federation_cluster_lost_seconds{cluster="mid"} 0',
      'mpreg_federation_links{state="up"} 1',
      'mpreg_federation_links{state="waiting"} 1',
      `mpreg_federation_link_up${mid} 1`,
      'mpreg_federation_link_up{address="ws://\\"e\\"\\n:1",cluster="east",peer="east-1"} 0',
      `mpreg_federation_link_rtt_seconds${mid} 0.04`,
      `mpreg_federation_link_loss_ratio${mid} 0.05`,
      `mpreg_federation_link_health_score${mid} 85`,
      'mpreg_federation_sent_total 10',
      'mpreg_federation_arrived_total 20',
      'mpreg_federation_relayed_total 4',
      'mpreg_federation_failed_total 0',
      'mpreg_federation_alerts{state="firing"} 3',
      'mpreg_federation_alerts{state="pending"} 0',
    ]),
  );
  for (const line of text.split('\n'))
    expect(line).toMatch(/^(# (HELP|TYPE) mpreg_federation_\w+ .+|mpreg_\w+(\{.*\})? [\d.]+)$/);
});
