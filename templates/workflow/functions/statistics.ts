/** Figures of each station, and the hours that fell out of its habits. Wants a fast machine, knows nothing of files. */
import type { Analysis, Anomaly, Cleaned, Series, StationFigures } from './types.ts';

const DAY = 86_400_000;

/** An hour is out of the ordinary when it is this many standard deviations from what is usual at that time of day. */
const UNUSUAL = 4;

export function analyse({ series }: Cleaned): Analysis {
  return { anomalies: series.flatMap(anomalies), stations: series.map(figures) };
}

function figures({ station, hours }: Series): StationFigures {
  const known = hours.flatMap(({ time, temperature, humidity }) =>
    temperature === null ? [] : [{ day: time / DAY, humidity, temperature }],
  );
  const temperatures = known.map(({ temperature }) => temperature);
  const sorted = temperatures.toSorted((a, b) => a - b);
  const pairs = known.flatMap(({ temperature, humidity }) => (humidity === null ? [] : [[temperature, humidity]]));
  return {
    correlation: correlation(
      pairs.map(([temperature = 0]) => temperature),
      pairs.map(([, humidity = 0]) => humidity),
    ),
    deviation: deviation(temperatures),
    hours: known.length,
    max: sorted.at(-1) ?? Number.NaN,
    mean: mean(temperatures),
    median: median(sorted),
    min: sorted[0] ?? Number.NaN,
    station,
    trend: slope(
      known.map(({ day }) => day),
      temperatures,
    ),
  };
}

function anomalies({ station, hours }: Series): Anomaly[] {
  const usual = Array.from({ length: 24 }, (_, hour) =>
    mean(
      hours.flatMap(({ time, temperature }) => (temperature === null || hourOf(time) !== hour ? [] : [temperature])),
    ),
  );
  const offs = hours.flatMap(({ time, temperature }) =>
    temperature === null ? [] : [{ off: temperature - (usual[hourOf(time)] ?? 0), station, temperature, time }],
  );
  const limit = UNUSUAL * deviation(offs.map(({ off }) => off));
  return offs.filter(({ off }) => Math.abs(off) > limit);
}

function hourOf(time: number): number {
  return new Date(time).getUTCHours();
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of a sample: Bessel's correction. */
function deviation(values: readonly number[]): number {
  return Math.sqrt(products(values, values) / (values.length - 1));
}

function median(sorted: readonly number[]): number {
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2;
}

/** Least squares: how much y grows where x grows by one. */
function slope(x: readonly number[], y: readonly number[]): number {
  return products(x, y) / products(x, x);
}

/** Pearson's r. */
function correlation(x: readonly number[], y: readonly number[]): number {
  return products(x, y) / Math.sqrt(products(x, x) * products(y, y));
}

/** The sum of the products of what x and y deviate from their means. */
function products(x: readonly number[], y: readonly number[]): number {
  const mx = mean(x);
  const my = mean(y);
  return x.reduce((sum, value, i) => sum + (value - mx) * ((y[i] ?? my) - my), 0);
}
