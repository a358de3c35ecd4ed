/**
 * Where a node looks for others of its cluster beyond its own machine, for as long as it runs. On a LAN it also answers
 * those who look for it (multicast DNS), unless nobody else could reach it.
 */
import type { NodeOptions } from './api.ts';
import type { Address, NodeId } from './core/base/ids.ts';
import { discoverySource } from './discovery.ts';
import type { Sighting } from './host/discovery/discovery-source.ts';
import { announceMdns } from './host/discovery/mdns-source.ts';
import { SourceWatch } from './host/discovery/source-watch.ts';

/** What it needs of a node's options. */
type Options = Pick<NodeOptions, 'key' | 'sources' | 'tls'> & Required<Pick<NodeOptions, 'cluster' | 'log'>>;

export class NodeDiscovery {
  readonly #watch: SourceWatch;
  readonly #announced: Promise<{ close(): Promise<void> } | undefined>;
  readonly #self: Sighting;

  /** `changed`: whom it has found is another. Throws `usage-invalid` where a source is none. */
  constructor(self: { readonly id: NodeId } & Sighting, options: Options, changed: () => void) {
    const { cluster, key, log, sources = [], tls } = options;
    const { id, ...about } = self;
    this.#self = about;
    const member = { cluster, ...(key !== undefined && { key }), ...(tls !== undefined && { tls }) };
    this.#watch = new SourceWatch(
      sources.map((word) => discoverySource(word, member)),
      { changed, complain: (text) => log('warn', text) },
    );
    this.#announced = this.#announce(id, sources, log);
  }

  /** Nodes that may be of the own cluster. */
  get addresses(): readonly Address[] {
    const { cluster: own, url: self } = this.#self;
    return this.#watch.sightings
      .filter(({ cluster = own, url }) => cluster === own && url !== self)
      .map(({ url }) => url);
  }

  async close(): Promise<void> {
    await this.#watch.close();
    await (await this.#announced)?.close();
  }

  async #announce(id: NodeId, sources: readonly string[], log: Options['log']) {
    const word = sources.find((source) => /^mdns(:|$)/.test(source));
    if (word === undefined) return undefined;
    const on = word.slice('mdns:'.length);
    if (isLoopback(new URL(this.#self.url).hostname) && !isLoopback(on)) {
      log('warn', 'it is not announced by multicast DNS: it listens on loopback only');
      return undefined;
    }
    try {
      return await announceMdns(id, this.#self, on === '' ? {} : { interface: on });
    } catch (error) {
      log('warn', (error as Error).message);
      return undefined;
    }
  }
}

function isLoopback(host: string): boolean {
  return /^(localhost|127\.|\[::1\])/.test(host);
}
