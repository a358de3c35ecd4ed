/** Knows the rules of the measuring network: what a measurement must look like, and what may be repaired. */
import type { Cleaned, Measurement, Rejected, Series, Table, Validated } from './types.ts';

const HEADER = ['time', 'station', 'temperature', 'humidity', 'wind'];
const STATIONS = ['Airfield', 'Harbour', 'Ridge', 'Valley'];
const HOUR = 3_600_000;

/** A longer silence is left as it is: a straight line through a whole night would be an invention. */
const FILL_HOURS_MAX = 3;

/** Turns text into measurements. What cannot be one is set aside with the reason; nothing is repaired here. */
export function validate(table: Table): Validated {
  if (table.header.join() !== HEADER.join()) throw new Error(`the columns must be ${HEADER.join(', ')}`);
  const valid: Measurement[] = [];
  const rejected: Rejected[] = [];
  for (const { line, fields } of table.rows) {
    const found = understand(line, fields);
    if (typeof found === 'string') rejected.push({ line, reason: found });
    else valid.push(found);
  }
  return { rejected, valid };
}

/** The measurement, or why it is none. */
function understand(line: number, fields: readonly string[]): Measurement | string {
  const [when = '', station = '', degrees = '', humid = '', blow = ''] = fields.map((field) => field.trim());
  if (fields.length !== HEADER.length) return 'wrong number of fields';
  const time = Date.parse(when);
  if (Number.isNaN(time) || new Date(time).toISOString() !== when.replace('Z', '.000Z')) return 'no such time';
  if (!STATIONS.includes(station)) return 'unknown station';
  const unit = degrees.endsWith('F') ? 'F' : 'C';
  const temperature = numberIn(degrees.replace(/ ?[CF]$/, ''));
  const humidity = numberIn(humid);
  const wind = numberIn(blow);
  if ([temperature, humidity, wind].some(Number.isNaN)) return 'not a number';
  if (temperature !== null && outside(unit === 'F' ? celsius(temperature) : temperature, -40, 50)) {
    return 'temperature out of range';
  }
  if (humidity !== null && outside(humidity, 0, 100)) return 'humidity out of range';
  return { humidity, line, station, temperature, time, unit, wind };
}

/** Brings everything to one unit and one order, drops what came twice, and closes short gaps. */
export function clean({ valid }: Validated): Cleaned {
  const stations = new Map<string, Map<number, { temperature: number | null; humidity: number | null }>>();
  const repairs = { converted: 0, duplicates: 0, filled: 0, missing: 0, reordered: 0 };
  const latest = new Map<string, number>();
  for (const { station, time, temperature, unit, humidity } of valid) {
    const hours = stations.get(station) ?? new Map();
    stations.set(station, hours);
    if (hours.has(time)) {
      repairs.duplicates++;
      continue;
    }
    if (time < (latest.get(station) ?? 0)) repairs.reordered++;
    latest.set(station, Math.max(time, latest.get(station) ?? 0));
    const converted = unit === 'F' && temperature !== null;
    if (converted) repairs.converted++;
    hours.set(time, { humidity, temperature: converted ? celsius(temperature) : temperature });
  }
  const series: Series[] = [];
  for (const [station, hours] of [...stations].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const rows = everyHour(hours);
    repairs.filled += fill(rows);
    repairs.missing += rows.filter(({ temperature }) => temperature === null).length;
    series.push({ hours: rows, station });
  }
  return { repairs, series };
}

interface Hour {
  readonly time: number;
  temperature: number | null;
  readonly humidity: number | null;
}

/** From the first hour to the last, also those of which nothing was heard. */
function everyHour(hours: ReadonlyMap<number, Omit<Hour, 'time'>>): Hour[] {
  const times = [...hours.keys()];
  const first = Math.min(...times);
  const count = (Math.max(...times) - first) / HOUR + 1;
  return Array.from({ length: count }, (_, i) => {
    const time = first + i * HOUR;
    return { humidity: null, temperature: null, ...hours.get(time), time };
  });
}

/** Draws a straight line over gaps of a few hours; returns how many hours it filled. */
function fill(rows: Hour[]): number {
  let filled = 0;
  let before = -1;
  for (const [at, { temperature: to }] of rows.entries()) {
    if (to === null) continue;
    const gap = at - before - 1;
    const from = rows[before]?.temperature;
    if (from !== undefined && from !== null && gap > 0 && gap <= FILL_HOURS_MAX) {
      for (let i = 1; i <= gap; i++) {
        const hour = rows[before + i];
        if (hour !== undefined) hour.temperature = from + ((to - from) * i) / (gap + 1);
      }
      filled += gap;
    }
    before = at;
  }
  return filled;
}

/** `null` for what sensors send when they have nothing to say; a comma may stand for the point. */
function numberIn(text: string): number | null {
  if (text === '' || text === 'n/a' || text === '-999') return null;
  return /^-?\d+([.,]\d+)?$/.test(text) ? Number(text.replace(',', '.')) : Number.NaN;
}

function celsius(fahrenheit: number): number {
  return ((fahrenheit - 32) * 5) / 9;
}

function outside(value: number, least: number, most: number): boolean {
  return value < least || value > most;
}
