/** Writes the report: what was read, what was wrong with it, and what it says. */
import type { Analysis, Rejected, Repairs, StationFigures, Table } from './types.ts';

export interface Report {
  readonly rows: { readonly read: number; readonly rejected: number; readonly duplicates: number };
  readonly rejected: Readonly<Record<string, number>>;
  readonly repairs: Repairs;
  readonly warmest: string;
  readonly stations: readonly StationFigures[];
  readonly anomalies: Analysis['anomalies'];
  /** For people. */
  readonly text: readonly string[];
}

export function summarise(
  source: Table['source'],
  rejected: readonly Rejected[],
  repairs: Repairs,
  { stations, anomalies }: Analysis,
): Report {
  const reasons: Record<string, number> = {};
  for (const { reason } of rejected) reasons[reason] = (reasons[reason] ?? 0) + 1;
  const [warmest] = stations.toSorted((a, b) => b.mean - a.mean);
  if (warmest === undefined) throw new Error('there is nothing to report');
  const why = Object.entries(reasons).sort(([, a], [, b]) => b - a);
  return {
    anomalies,
    rejected: reasons,
    repairs,
    rows: { duplicates: repairs.duplicates, read: source.rows, rejected: rejected.length },
    stations,
    text: [
      `${source.file}: ${source.rows} rows, sha256 ${source.sha256.slice(0, 12)}…`,
      `${rejected.length} rejected: ${why.map(([reason, count]) => `${count} ${reason}`).join(', ')}`,
      `${repairs.duplicates} duplicates dropped, ${repairs.reordered} put in order, ${repairs.converted} converted from °F, ` +
        `${repairs.filled} hours filled, ${repairs.missing} left open`,
      ...stations.map(describe),
      `warmest: ${warmest.station} with ${warmest.mean.toFixed(2)} °C on average`,
      ...anomalies.map(
        ({ station, time, temperature, off }) =>
          `unusual: ${station} ${new Date(time).toISOString().slice(0, 13)}h ${temperature.toFixed(1)} °C, ` +
          `${Math.abs(off).toFixed(1)} ${off < 0 ? 'below' : 'above'} the usual`,
      ),
    ],
    warmest: warmest.station,
  };
}

function describe({ station, hours, mean, deviation, min, max, trend }: StationFigures): string {
  const figure = (value: number) => value.toFixed(2).padStart(6);
  const sign = trend < 0 ? '-' : '+';
  return (
    `${station.padEnd(9)} ${hours} h  mean ${figure(mean)} ± ${deviation.toFixed(2)} °C  ` +
    `${figure(min)} to ${figure(max)}  trend ${sign}${Math.abs(trend).toFixed(3)} °C per day`
  );
}
