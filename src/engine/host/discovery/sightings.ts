/**
 * What a list of nodes says, in any of the forms that people keep: addresses, objects with a `url`, or the configuration
 * file of a federation itself. An entry that is of no use is complained of and does not hide the others.
 */
import type { Address } from '../../core/base/ids.ts';
import { type Found, merged, SIGHTINGS_MAX, type Sighting } from './discovery-source.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Undefined where the document is no list at all. */
export function sightingsOf(document: unknown): Found | undefined {
  const entries = entriesOf(document);
  if (entries === undefined) return undefined;
  const complaints: string[] = [];
  if (entries.length > SIGHTINGS_MAX) complaints.push(`only the first ${SIGHTINGS_MAX} of ${entries.length} are used`);
  const sightings = entries.slice(0, SIGHTINGS_MAX).flatMap((entry, at) => {
    const found = sightingOf(entry);
    if (found === undefined) complaints.push(`entry ${at + 1} has no address: ${shown(entry)}`);
    return found ?? [];
  });
  return { complaints, sightings: merged(sightings) };
}

function entriesOf(document: unknown): readonly unknown[] | undefined {
  if (Array.isArray(document)) return document;
  if (typeof document === 'string') return document.split(/[\s,]+/).filter(Boolean);
  if (document === null || document === undefined) return [];
  if (typeof document !== 'object') return undefined;
  const { clusters, hubs, nodes } = document as Fields;
  const list = clusters ?? hubs ?? nodes;
  return Array.isArray(list) ? list.flatMap(withHubs) : undefined;
}

/** A cluster of a configuration file stands for all its hubs. */
function withHubs(entry: unknown): unknown[] {
  const { hubs } = (entry ?? {}) as Fields;
  if (!Array.isArray(hubs)) return [entry];
  const { bridge_url: _, server_url: __, hubs: ___, ...shared } = entry as Fields;
  return [entry, ...hubs.map((hub) => ({ ...shared, hub: true, ...(hub as object) }))];
}

function sightingOf(entry: unknown): Sighting | undefined {
  if (typeof entry === 'string') {
    const url = addressOf(entry);
    return url === undefined ? undefined : { url };
  }
  if (typeof entry !== 'object' || entry === null) return undefined;
  const fields = entry as Fields;
  const text = (...keys: string[]): string | undefined =>
    keys.map((key) => fields[key]).find((value): value is string => typeof value === 'string' && value !== '');
  const url = addressOf(text('url', 'server_url', 'address'));
  if (url === undefined) return undefined;
  const bridge = addressOf(text('bridge', 'bridge_url'));
  const cluster = text('cluster', 'cluster_id');
  const name = text('name');
  const region = text('region');
  const hub = fields['hub'] === true || bridge !== undefined;
  return {
    url,
    ...(bridge !== undefined && { bridge }),
    ...(cluster !== undefined && { cluster }),
    ...(name !== undefined && { name }),
    ...(region !== undefined && { region }),
    ...(hub && { hub }),
  };
}

/** `HOST:PORT` is read as `ws://HOST:PORT`. */
export function addressOf(text: string | undefined): Address | undefined {
  if (text === undefined) return undefined;
  const url = URL.parse(/^[^/@\s]+:\d+$/.test(text) ? `ws://${text}` : text);
  if (url === null || !/^wss?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return undefined;
  return url.port === '0' ? undefined : url.href.replace(/\/$/, '');
}

function shown(entry: unknown): string {
  const written = JSON.stringify(entry) ?? String(entry);
  return written.length > 80 ? `${written.slice(0, 80)}…` : written;
}
