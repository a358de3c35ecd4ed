/**
 * SRV records of DNS (RFC 2782): `srv:_mpreg._tcp.example.com`, and with `@HOST[:PORT]` at a name server of one's own
 * (Consul, CoreDNS). Lower priorities come first, and heavier weights among equal ones. `_mpregs` means TLS.
 *
 * Names are left for the system to resolve; a name server of one's own is asked for their addresses as well, since the
 * system does not know its names. Limit: not with TLS, where the name is what a certificate is checked against.
 */
import { Resolver } from 'node:dns/promises';
import { type DiscoverySource, type Found, merged, type Sighting } from './discovery-source.ts';
import { interrupted, senseless, silent } from './source-problems.ts';

const EVERY_MS = 30_000;

/** What DNS says where there is nothing of that kind. */
const NOTHING = new Set(['ENOTFOUND', 'ENODATA']);

export interface SrvSourceOptions {
  /** For one question, in milliseconds, of which there are two; default 2 000. Longer: slow servers are heard. Shorter: dead ones hold nobody up. */
  readonly timeoutMs?: number;
}

/** `word`: what follows `srv:`. */
export function srvSource(word: string, { timeoutMs = 2_000 }: SrvSourceOptions = {}): DiscoverySource {
  const name = `srv:${word}`;
  const [service = '', server] = word.split('@');
  const resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
  if (server !== undefined) setServer(resolver, name, server);
  let closed = false;
  return {
    close: async () => {
      closed = true;
      resolver.cancel();
    },
    everyMs: EVERY_MS,
    find: async (signal): Promise<Found> => {
      const cancel = (): void => resolver.cancel();
      if (signal.aborted || closed) throw interrupted(name);
      signal.addEventListener('abort', cancel, { once: true });
      try {
        const records = await resolver.resolveSrv(service);
        records.sort((a, b) => a.priority - b.priority || b.weight - a.weight || (a.name < b.name ? -1 : 1));
        const scheme = service.startsWith('_mpregs.') ? 'wss' : 'ws';
        const own = server !== undefined && scheme === 'ws';
        const found = records.map(async (record): Promise<Sighting> => {
          const host = own ? await addressOf(resolver, record.name) : record.name;
          return { url: `${scheme}://${host}:${record.port}` };
        });
        return { complaints: [], sightings: merged(await Promise.all(found)) };
      } catch (error) {
        if (signal.aborted || closed) throw interrupted(name);
        const { code = '', message } = error as NodeJS.ErrnoException;
        if (!NOTHING.has(code)) throw silent(name, message);
        return { complaints: [`DNS knows no SRV records of ${service}`], sightings: [] };
      } finally {
        signal.removeEventListener('abort', cancel);
      }
    },
    name,
  };
}

function setServer(resolver: Resolver, name: string, server: string): void {
  try {
    resolver.setServers([server]);
  } catch {
    throw senseless(name, `"${server}" is no address of a name server; write 10.0.0.2 or 10.0.0.2:8600`);
  }
}

/** A numeric address; the name itself where that server knows none. */
async function addressOf(resolver: Resolver, host: string): Promise<string> {
  const [four] = await resolver.resolve4(host).catch(() => []);
  if (four !== undefined) return four;
  const [six] = await resolver.resolve6(host).catch(() => []);
  return six === undefined ? host : `[${six}]`;
}
