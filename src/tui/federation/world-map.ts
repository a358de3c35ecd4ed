/**
 * A federation on a map of the world, drawn with Braille patterns: two by four dots in each character.
 *
 *     degrees ──► dots ──► layers: land (every other dot), ways (great circles), then signs and names over both
 *
 * Equirectangular: a degree is as wide everywhere, so places are where a ruler finds them. The far north and all of
 * Antarctica are left out. Pure: the same topology and size give the same lines.
 *
 * Limit: clusters without coordinates are not on it; the list below the map names them.
 */

import { HEALTH_SIGNS, type Topology, type TopologyCluster } from '../../cli/federation/topology.ts';
import { linkPairs } from '../../cli/federation/topology-graph.ts';
import { type Style, width } from '../../cli/table.ts';
import { cut, harmless, type Line, line, type Span } from '../text.ts';
import { isLand } from './land.ts';

interface Size {
  readonly columns: number;
  readonly rows: number;
}

const NORTH = 84;
const SOUTH = -56;
const NAME_MAX = 16;
/** Points of a way; more than a screen has dots. */
const POINTS = 240;

interface Cell {
  readonly text: string;
  readonly style?: Style | undefined;
}

/** How many rows the whole map takes at a width. */
export function mapRows(columns: number): number {
  return Math.max(1, Math.round((columns * 2 * (NORTH - SOUTH)) / 360 / 4));
}

/** At most so many rows and columns; narrower where it would be too high. */
export function worldMap(topology: Topology, { columns, rows }: Size): readonly Line[] {
  const wide = Math.min(columns, Math.floor((rows * 4 * 360) / ((NORTH - SOUTH) * 2)));
  if (wide < 1) return [];
  const size = { columns: wide, rows: Math.min(rows, mapRows(wide)) };
  const cells = land(size);
  const placed = topology.clusters.filter((cluster): cluster is Placed => cluster.coordinates !== null);
  drawWays(cells, topology, placed, size);
  drawPlaces(cells, placed, size);
  return cells.map((row) => ({ spans: spansOf(row) }));
}

/** What the map cannot say: who is where, and how the links between them are. */
export function mapLegend({ clusters, links }: Topology): readonly Line[] {
  const places = clusters.map(({ coordinates, id, name, region, self, state }): Line => {
    const { sign, style } = HEALTH_SIGNS[state];
    const nowhere = coordinates === null ? 'not on the map: no coordinates' : '';
    const about = [name === id ? '' : name, region, nowhere].filter((text) => text !== '').join(', ');
    return line({ style, text: `${sign} ${id}` }, self ? ' *' : '', {
      style: 'dim',
      text: `  ${about}`,
    });
  });
  const ways = linkPairs(links).map(([{ from, to }, text, up]): Line => {
    return line(`  ${from} ${up ? '──' : '╌╌'} ${to}  `, { style: up ? undefined : 'red', text });
  });
  return [...places, ...ways];
}

type Placed = TopologyCluster & { readonly coordinates: NonNullable<TopologyCluster['coordinates']> };

function land({ columns, rows }: Size): (Cell | undefined)[][] {
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => {
      const dots = DOTS.filter(([x, y]) => {
        const [dx, dy] = [column * 2 + x, row * 4 + y];
        const longitude = ((dx + 0.5) / (columns * 2)) * 360 - 180;
        const latitude = NORTH - ((dy + 0.5) / (rows * 4)) * (NORTH - SOUTH);
        return (dx + dy) % 2 === 0 && isLand(latitude, longitude);
      });
      return dots.length === 0 ? undefined : { style: 'dim', text: braille(dots.map(([, , bit]) => bit)) };
    }),
  );
}

/** Across and down within a character, and the bit of that dot (Unicode, Braille Patterns). */
const DOTS = [
  [0, 0, 0x01],
  [0, 1, 0x02],
  [0, 2, 0x04],
  [0, 3, 0x40],
  [1, 0, 0x08],
  [1, 1, 0x10],
  [1, 2, 0x20],
  [1, 3, 0x80],
] as const;

function braille(bits: readonly number[]): string {
  return String.fromCharCode(0x2800 + bits.reduce((all, bit) => all | bit, 0));
}

function drawWays(cells: (Cell | undefined)[][], { links }: Topology, placed: readonly Placed[], size: Size): void {
  const dots = new Map<string, { readonly bits: Set<number>; up: boolean }>();
  for (const [{ from, to }, , up] of linkPairs(links)) {
    const [a, b] = [from, to].map((id) => placed.find((cluster) => cluster.id === id)?.coordinates);
    if (a === undefined || b === undefined) continue;
    for (const [at, point] of greatCircle(a, b).entries()) {
      if (!up && at % 8 > 3) continue; // a broken line
      const [x, y] = dotOf(point, size);
      const key = `${Math.floor(y / 4)} ${Math.floor(x / 2)}`;
      const cell = dots.get(key) ?? { bits: new Set(), up };
      cell.bits.add(DOTS.find(([dx, dy]) => dx === x % 2 && dy === y % 4)?.[2] ?? 0);
      cell.up &&= up;
      dots.set(key, cell);
    }
  }
  for (const [key, { bits, up }] of dots) {
    const [row = 0, column = 0] = key.split(' ').map(Number);
    const cell: Cell = { style: up ? 'cyan' : 'red', text: braille([...bits]) };
    cells[row]?.splice(column, 1, cell);
  }
}

/** Signs first, so that no name covers one; then names where there is room: right, left, below, above. */
function drawPlaces(cells: (Cell | undefined)[][], placed: readonly Placed[], size: Size): void {
  const taken = new Set<string>();
  const spots = placed.map((cluster) => {
    const [x, y] = dotOf(cluster.coordinates, size);
    const spot = { cluster, column: Math.floor(x / 2), row: Math.floor(y / 4) };
    const { sign, style } = HEALTH_SIGNS[cluster.state];
    cells[spot.row]?.splice(spot.column, 1, { style, text: sign });
    taken.add(`${spot.row} ${spot.column}`);
    return spot;
  });
  for (const { cluster, column, row } of spots) {
    const name = cut(harmless(cluster.id), NAME_MAX);
    const length = width(name);
    const wishes = [
      [row, column + 2],
      [row, column - 1 - length],
      [row + 1, column - Math.floor(length / 2)],
      [row - 1, column - Math.floor(length / 2)],
    ] as const;
    const free = wishes.find(([r, c]) => isFree(taken, size, r, c, length));
    if (free === undefined) continue;
    const [r, c] = free;
    for (let at = 0; at < length; at++) taken.add(`${r} ${c + at}`);
    const style = cluster.self ? 'bold' : undefined;
    cells[r]?.splice(c, length, { style, text: name }, ...Array.from({ length: length - 1 }, () => NOTHING));
  }
}

/** Stands behind a name, which has its place already. */
const NOTHING: Cell = { text: '' };

function isFree(
  taken: ReadonlySet<string>,
  { columns, rows }: Size,
  row: number,
  column: number,
  length: number,
): boolean {
  if (row < 0 || row >= rows || column < 0 || column + length > columns) return false;
  for (let at = -1; at <= length; at++) if (at >= 0 && at < length && taken.has(`${row} ${column + at}`)) return false;
  return true;
}

function dotOf(
  { latitude, longitude }: Placed['coordinates'],
  { columns, rows }: Size,
): readonly [x: number, y: number] {
  const x = Math.floor((((((longitude + 180) % 360) + 360) % 360) / 360) * columns * 2);
  const y = Math.floor(((NORTH - latitude) / (NORTH - SOUTH)) * rows * 4);
  return [Math.min(columns * 2 - 1, x), Math.min(rows * 4 - 1, Math.max(0, y))];
}

/** Points of the shortest way on a sphere, both ends included (slerp of the unit vectors). */
function greatCircle(a: Placed['coordinates'], b: Placed['coordinates']): readonly Placed['coordinates'][] {
  const [from, to] = [vector(a), vector(b)];
  const dot = Math.min(1, Math.max(-1, from[0] * to[0] + from[1] * to[1] + from[2] * to[2]));
  const angle = Math.acos(dot);
  if (Math.sin(angle) < 1e-6) return [a, b];
  return Array.from({ length: POINTS + 1 }, (_, at) => {
    const [s, t] = [Math.sin((1 - at / POINTS) * angle), Math.sin((at / POINTS) * angle)];
    const [x, y, z] = from.map((one, axis) => (one * s + (to[axis] ?? 0) * t) / Math.sin(angle)) as [
      number,
      number,
      number,
    ];
    return { latitude: degrees(Math.atan2(z, Math.hypot(x, y))), longitude: degrees(Math.atan2(y, x)) };
  });
}

function vector({ latitude, longitude }: Placed['coordinates']): readonly [number, number, number] {
  const [lat, lon] = [radians(latitude), radians(longitude)];
  return [Math.cos(lat) * Math.cos(lon), Math.cos(lat) * Math.sin(lon), Math.sin(lat)];
}

function radians(angle: number): number {
  return (angle * Math.PI) / 180;
}

function degrees(angle: number): number {
  return (angle * 180) / Math.PI;
}

/** Neighbours that look the same go together. */
function spansOf(row: readonly (Cell | undefined)[]): readonly Span[] {
  const spans: Span[] = [];
  for (const cell of row) {
    const { style, text } = cell ?? { style: undefined, text: ' ' };
    const last = spans.at(-1);
    if (last !== undefined && last.style === style) spans[spans.length - 1] = { ...last, text: last.text + text };
    else spans.push({ style, text });
  }
  return spans;
}
