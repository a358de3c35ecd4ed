/** What a hub shows to monitoring systems: what it can reach, how its links are, what crossed them, which alerts fire. */
import type { FederationHealth, LinkHealth } from '../../core/federation/health.ts';
import { HEALTH_STATES } from '../../core/federation/health.ts';
import type { FederationView } from '../../core/federation/view.ts';
import { gauge, labels, totals } from '../prometheus.ts';

const LINK_STATES = ['up', 'dialling', 'waiting', 'open', 'drained'] as const;

/** `alerts`: how many there are, by state. */
export function federationMetrics(
  { counts }: FederationView,
  health: FederationHealth,
  alerts: ReadonlyMap<string, number>,
): readonly string[] {
  const others = health.clusters.filter(({ self }) => !self);
  const lost = others.filter(({ lostMs, state }) => state === 'lost' || lostMs > 0).length;
  const of = (cluster: string) => labels({ cluster });
  const links = health.links.map((link): readonly [string, LinkHealth] => [labelsOf(link), link]);
  const round = links.flatMap(([at, { rttMs }]) => (rttMs === undefined ? [] : [[at, rttMs / 1_000] as const]));
  const alertStates = ['pending', 'firing', 'acknowledged', 'resolved'];
  return [
    gauge('mpreg_federation_clusters', 'Other clusters, by whether a way leads there', [
      ['{state="reachable"}', others.length - lost],
      ['{state="lost"}', lost],
    ]),
    gauge('mpreg_federation_health_score', 'Health of the whole, 0 to 100', [['', health.score]]),
    gauge(
      'mpreg_federation_health_state',
      '1 for the state that the whole is in',
      HEALTH_STATES.map((state) => [labels({ state }), Number(health.state === state)]),
    ),
    gauge(
      'mpreg_federation_cluster_health_score',
      'Health of each cluster, 0 to 100',
      health.clusters.map(({ cluster, score }) => [of(cluster), score]),
    ),
    gauge(
      'mpreg_federation_cluster_lost_seconds',
      'For how long no way has led to a cluster; 0 where one does',
      others.map(({ cluster, lostMs }) => [of(cluster), lostMs / 1_000]),
    ),
    gauge(
      'mpreg_federation_links',
      'Links of this hub by state',
      LINK_STATES.map((state) => [labels({ state }), health.links.filter(({ link }) => link === state).length]),
    ),
    gauge(
      'mpreg_federation_link_up',
      '1 where the link is up',
      links.map(([at, { link }]) => [at, Number(link === 'up')]),
    ),
    gauge('mpreg_federation_link_rtt_seconds', 'Round trip of a link', round),
    gauge(
      'mpreg_federation_link_loss_ratio',
      'Share of echoes without an answer',
      links.map(([at, { loss }]) => [at, loss]),
    ),
    gauge(
      'mpreg_federation_link_health_score',
      'Health of each link, 0 to 100',
      links.map(([at, { score }]) => [at, score]),
    ),
    ...totals('federation', {
      arrived: counts.arrived,
      failed: counts.failed,
      recordsIn: counts.recordsIn,
      recordsOut: counts.recordsOut,
      recordsRefused: counts.recordsRefused,
      relayed: counts.relayed,
      sent: counts.sent,
    }),
    gauge(
      'mpreg_federation_alerts',
      'Alerts of this hub by state',
      alertStates.map((state) => [labels({ state }), alerts.get(state) ?? 0]),
    ),
  ];
}

/** Unique among the links of a hub. */
function labelsOf({ address, cluster, peer = '' }: LinkHealth): string {
  return labels({ address, cluster, peer });
}
