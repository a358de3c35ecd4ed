/**
 * Makes templates/workflow/data/measurements.csv: four stations, sixteen days, every hour, and what goes wrong in such
 * files. The same text on every run; `node test/templates/measurements.ts` writes it.
 *
 * Each defect is drawn by itself, at the rate below, from one generator with one seed.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const FILE = fileURLToPath(new URL('../../templates/workflow/data/measurements.csv', import.meta.url));

const START = Date.UTC(2025, 2, 3);
const DAYS = 16;
const STATIONS = [
  { base: 9.6, name: 'Airfield', swing: 4.4, trend: 0.11 },
  { base: 11.2, name: 'Harbour', swing: 2.3, trend: 0.08 },
  { base: 2.9, name: 'Ridge', swing: 3.1, trend: 0.02 },
  { base: 10.4, name: 'Valley', swing: 5.6, trend: 0.14 },
] as const;

type Random = () => number;

export function measurements(): string {
  const random = mulberry32(20_250_311);
  const lines: string[] = [];
  for (let hour = 0; hour < DAYS * 24; hour++) {
    for (const station of STATIONS) lines.push(...rowsOf(station, hour, random));
  }
  for (let at = 0; at + 8 < lines.length; at++) {
    if (random() >= 0.008) continue;
    const [late] = lines.splice(at, 1); // a message that was held up and came two hours later
    lines.splice(at + 8, 0, late ?? '');
  }
  return `${['time,station,temperature,humidity,wind', ...lines].join('\n')}\n`;
}

function rowsOf(station: (typeof STATIONS)[number], hour: number, random: Random): string[] {
  if (station.name === 'Ridge' && hour >= 130 && hour < 141) return []; // its mast was down
  const time = new Date(START + hour * 3_600_000).toISOString().replace('.000Z', 'Z');
  const sun = Math.sin(((hour % 24) - 9) * (Math.PI / 12));
  const frost = station.name === 'Harbour' && hour >= 203 && hour < 206 ? -13 : 0; // cold air fell from the hills
  const celsius = station.base + station.swing * sun + station.trend * (hour / 24) + gauss(random) + frost;
  const humidity = Math.min(99, Math.max(20, Math.round(74 - 9 * sun - 2 * gauss(random))));
  const wind = Math.max(0, 3.5 + 1.8 * gauss(random)).toFixed(1);
  const normal = [time, station.name, celsius.toFixed(1), String(humidity), wind];
  const row = spoil(normal, celsius, random);
  return random() < 0.01 ? [row, row] : [row];
}

/** The row as it arrived. At most one thing is wrong with it. */
function spoil(row: readonly string[], celsius: number, random: Random): string {
  const [time = '', station = '', temperature = '', humidity = '', wind = ''] = row;
  const defects: readonly (readonly [rate: number, row: readonly string[]])[] = [
    [0.012, [time, station, '', humidity, wind]],
    [0.008, [time, station, '-999', humidity, wind]],
    [0.006, [time, station, 'n/a', 'n/a', wind]],
    [0.02, [time, station, `${((celsius * 9) / 5 + 32).toFixed(1)} F`, humidity, wind]],
    [0.012, [time, station, `"${temperature.replace('.', ',')}"`, humidity, wind]],
    [0.006, [` ${time}`, `${station} `, temperature, ` ${humidity}`, wind]],
    [0.004, [time, station, '85.0', humidity, wind]], // what a DS18B20 says after its power failed
    [0.005, [time, station, temperature, String(100 + Number(humidity)), wind]],
    [0.004, [time.replace(/-\d\dT/, '-32T'), station, temperature, humidity, wind]],
    [0.003, [time, station.replace(/.$/, '?'), temperature, humidity, wind]],
    [0.003, [time, station, temperature.replace('.', '.x'), humidity, wind]],
    [0.004, [time, station, temperature]],
  ];
  let drawn = random();
  for (const [rate, spoilt] of defects) {
    if (drawn < rate) return spoilt.join(',');
    drawn -= rate;
  }
  return row.join(',');
}

/** Nearly normal: the sum of twelve draws has variance 1. */
function gauss(random: Random): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random();
  return sum;
}

function mulberry32(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

if (import.meta.main) writeFileSync(FILE, measurements());
