/**
 * The workflow's figures, worked out by other means than the template's: fields by one regular expression, sums in one
 * pass (Welford), gaps closed by looking left and right from each hole. Slow and plain.
 */
const ROW =
  /^\s*(\d{4}-\d\d-\d\dT\d\d:00:00Z)\s*,\s*(Airfield|Harbour|Ridge|Valley)\s*,\s*("-?\d+,\d+"|-?\d+(?:\.\d+)?(?: F)?|n\/a|)\s*,\s*(\d+|n\/a|)\s*,\s*(\d+(?:\.\d+)?|n\/a|)\s*$/;
const HOUR = 3_600_000;

interface Reading {
  readonly key: string;
  readonly station: string;
  readonly time: number;
  readonly celsius: number | undefined;
  readonly fahrenheit: boolean;
  readonly humidity: number | undefined;
}

function lines(text: string): string[] {
  return text.trimEnd().split('\n').slice(1);
}

function reading(line: string): Reading | undefined {
  const [, time = '', station = '', degrees = '', humid = ''] = ROW.exec(line) ?? [];
  if (station === '') return undefined;
  const fahrenheit = degrees.endsWith('F');
  const said = ['', 'n/a', '-999'].includes(degrees)
    ? undefined
    : Number.parseFloat(degrees.replaceAll('"', '').replace(',', '.'));
  const celsius = said !== undefined && fahrenheit ? (said - 32) / 1.8 : said;
  const humidity = ['', 'n/a'].includes(humid) ? undefined : Number(humid);
  if (celsius !== undefined && Math.abs(celsius - 5) > 45) return undefined;
  if (humidity !== undefined && humidity > 100) return undefined;
  if (Number.isNaN(Date.parse(time))) return undefined;
  return { celsius, fahrenheit, humidity, key: `${time} ${station}`, station, time: Date.parse(time) };
}

/** The first of each station and hour. */
function readings(text: string): ReadonlyMap<string, Reading> {
  const found = new Map<string, Reading>();
  for (const line of lines(text)) {
    const one = reading(line);
    if (one !== undefined && !found.has(one.key)) found.set(one.key, one);
  }
  return found;
}

export function summary(text: string) {
  const all = lines(text);
  const good = all.map(reading).filter((one) => one !== undefined);
  const first = [...readings(text).values()];
  const missing = ['Airfield', 'Harbour', 'Ridge', 'Valley']
    .flatMap((station) => hours(text, station))
    .filter(({ celsius }) => celsius === undefined);
  return {
    converted: first.filter(({ celsius, fahrenheit }) => fahrenheit && celsius !== undefined).length,
    duplicates: good.length - first.length,
    missing: missing.length,
    read: all.length,
    rejected: all.length - good.length,
  };
}

interface Hour {
  readonly time: number;
  readonly celsius: number | undefined;
  readonly humidity: number | undefined;
}

function hours(text: string, station: string): readonly Hour[] {
  const own = new Map(
    [...readings(text).values()].filter((one) => one.station === station).map((one) => [one.time, one]),
  );
  const times = [...own.keys()].sort((a, b) => a - b);
  const whole: Hour[] = [];
  for (let time = times[0] ?? 0; time <= (times.at(-1) ?? 0); time += HOUR) {
    const known = own.get(time);
    whole.push({ celsius: known?.celsius ?? between(own, time), humidity: known?.humidity, time });
  }
  return whole;
}

/** On the line from the last value before to the next one after, where the hole is at most three hours wide. */
function between(own: ReadonlyMap<number, Reading>, time: number): number | undefined {
  const look = (step: number) => {
    for (let hours = 1; hours <= 3; hours++) {
      const value = own.get(time + step * hours * HOUR)?.celsius;
      if (value !== undefined) return { hours, value };
    }
    return undefined;
  };
  const left = look(-1);
  const right = look(1);
  if (left === undefined || right === undefined || left.hours + right.hours > 4) return undefined;
  return (left.value * right.hours + right.value * left.hours) / (left.hours + right.hours);
}

export function figures(text: string, station: string) {
  const known = hours(text, station).flatMap(({ celsius, humidity, time }) =>
    celsius === undefined ? [] : [{ celsius, day: time / (24 * HOUR), humidity }],
  );
  const sorted = Float64Array.from(known, ({ celsius }) => celsius).sort();
  const at = (share: number) => sorted[Math.floor(share)] ?? Number.NaN;
  const temperature = moments(known.map(({ celsius, day }) => [day, celsius]));
  const humid = moments(
    known.flatMap(({ celsius, humidity }) => (humidity === undefined ? [] : [[celsius, humidity]])),
  );
  return {
    correlation: humid.xy / Math.sqrt(humid.xx * humid.yy),
    deviation: Math.sqrt(temperature.yy / (known.length - 1)),
    hours: known.length,
    max: at(sorted.length - 1),
    mean: temperature.meanY,
    median: (at((sorted.length - 1) / 2) + at(sorted.length / 2)) / 2,
    min: at(0),
    trend: temperature.xy / temperature.xx,
  };
}

/** Welford (1962): means and sums of squared deviations in one pass. */
function moments(pairs: readonly (readonly number[])[]) {
  let [count, meanX, meanY, xx, yy, xy] = [0, 0, 0, 0, 0, 0];
  for (const [x = 0, y = 0] of pairs) {
    count++;
    const dx = x - meanX;
    const dy = y - meanY;
    meanX += dx / count;
    meanY += dy / count;
    xx += dx * (x - meanX);
    yy += dy * (y - meanY);
    xy += dx * (y - meanY);
  }
  return { meanY, xx, xy, yy };
}
