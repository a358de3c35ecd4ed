/**
 * Multicast DNS on a LAN (RFC 6762), by DNS-based service discovery (RFC 6763): nodes answer for `_mpreg._tcp.local`, and
 * say where they are in a TXT record. `mdns`, or `mdns:ADDRESS` for the interface that has the address.
 *
 * Whoever asks takes what comes within a short while: nobody knows how many there are to answer.
 */
import { networkInterfaces } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { MulticastDns, Packet } from 'multicast-dns';
import { type DiscoverySource, type Found, merged, SIGHTINGS_MAX, type Sighting } from './discovery-source.ts';
import { addressOf } from './sightings.ts';
import { interrupted, silent } from './source-problems.ts';

const SERVICE = '_mpreg._tcp.local';
const EVERY_MS = 15_000;
const TTL_SECONDS = 120;

export interface MdnsOptions {
  /** The address of the interface that is used; default: the system's choice. */
  readonly interface?: string;
  /** How long answers are waited for, in milliseconds; default 750. Longer: slow ones are heard; shorter: it is over sooner. */
  readonly listenMs?: number;
}

export function mdnsSource(options: MdnsOptions = {}): DiscoverySource {
  const { listenMs = 750 } = options;
  const name = options.interface === undefined ? 'mdns' : `mdns:${options.interface}`;
  const closed = new AbortController();
  return {
    close: async () => closed.abort(),
    everyMs: EVERY_MS,
    find: async (given): Promise<Found> => {
      const signal = AbortSignal.any([given, closed.signal]);
      if (signal.aborted) throw interrupted(name);
      const heard = new Map<string, Sighting>();
      const dns = await openMdns(name, options);
      dns.on('response', (packet) => {
        for (const [instance, sighting] of read(packet)) if (heard.size < SIGHTINGS_MAX) heard.set(instance, sighting);
      });
      try {
        await new Promise<void>((resolve, reject) =>
          dns.query(SERVICE, 'PTR', (error) => (error ? reject(silent(name, error.message)) : resolve())),
        );
        await pause(listenMs, undefined, { signal }).catch(() => undefined);
      } finally {
        dns.destroy();
      }
      if (signal.aborted) throw interrupted(name);
      const sightings = [...heard].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sighting]) => sighting);
      return { complaints: [], sightings: merged(sightings) };
    },
    name,
  };
}

/** Answers whoever asks for nodes, until it is closed. Rejects with `nobody-there` where that is not possible here. */
export async function announceMdns(
  id: string,
  about: Sighting,
  options: MdnsOptions = {},
): Promise<{ close(): Promise<void> }> {
  const dns = await openMdns('mdns', options);
  const instance = `${id}.${SERVICE}`;
  const words = Object.entries(about).map(([key, value]) => `${key}=${value}`);
  const { hostname, port, protocol } = new URL(about.url);
  const srv = { port: Number(port || (protocol === 'wss:' ? 443 : 80)), target: hostname };
  const answer = (): void =>
    dns.respond({
      additionals: [{ data: srv, name: instance, ttl: TTL_SECONDS, type: 'SRV' }],
      answers: [
        { data: instance, name: SERVICE, ttl: TTL_SECONDS, type: 'PTR' },
        { data: words, name: instance, ttl: TTL_SECONDS, type: 'TXT' },
      ],
    });
  dns.on('query', ({ questions }) => {
    if (questions.some(({ name, type }) => name === SERVICE && (type === 'PTR' || type === 'ANY'))) answer();
  });
  return { close: () => new Promise((resolve) => dns.destroy(resolve)) };
}

async function openMdns(name: string, options: MdnsOptions): Promise<MulticastDns> {
  const addresses = Object.values(networkInterfaces()).flatMap((some = []) => some.map(({ address }) => address));
  // Why looked at here: the package says nothing of it, and nobody would ever be heard.
  if (options.interface !== undefined && !addresses.includes(options.interface))
    throw silent(name, `no interface of this machine has the address ${options.interface}`);
  const { default: open } = await import('multicast-dns');
  // Why bound to all: a socket bound to one address hears nothing that is sent to a group.
  const dns = open(options.interface === undefined ? {} : { bind: '0.0.0.0', interface: options.interface });
  return new Promise((resolve, reject) => {
    dns.on('warning', () => undefined); // packets of others that cannot be read
    dns.on('error', (error) => reject(silent(name, `multicast DNS cannot be used here: ${error.message}`)));
    dns.once('ready', () => resolve(dns));
  });
}

function read({ additionals, answers }: Packet): readonly (readonly [string, Sighting])[] {
  return [...answers, ...additionals].flatMap((record) => {
    if (record.type !== 'TXT' || !record.name.endsWith(`.${SERVICE}`)) return [];
    const parts = Array.isArray(record.data) ? record.data : [record.data];
    const pairs = parts.map((part): [string, string] => {
      const [key = '', ...rest] = Buffer.from(part).toString('utf8').split('=');
      return [key, rest.join('=')];
    });
    const sighting = sightingOf(new Map(pairs));
    return sighting === undefined ? [] : [[record.name, sighting] as const];
  });
}

function sightingOf(said: ReadonlyMap<string, string>): Sighting | undefined {
  const url = addressOf(said.get('url'));
  const bridge = addressOf(said.get('bridge'));
  if (url === undefined) return undefined;
  const texts = (['cluster', 'name', 'region'] as const).flatMap((key) =>
    said.get(key) ? [[key, said.get(key)]] : [],
  );
  return {
    ...Object.fromEntries(texts),
    ...(said.get('hub') === 'true' && { hub: true }),
    ...(bridge !== undefined && { bridge }),
    url,
  };
}
