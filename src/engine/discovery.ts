/** Places where nodes may be found, by the words that people write: see `docs/federation.md`. */
import type { ConnectOptions } from './api.ts';
import { connect } from './connect.ts';
import type { DiscoverySource } from './host/discovery/discovery-source.ts';
import { fileSource } from './host/discovery/file-source.ts';
import { gossipSource } from './host/discovery/gossip-source.ts';
import { httpSource } from './host/discovery/http-source.ts';
import { mdnsSource } from './host/discovery/mdns-source.ts';
import { addressOf } from './host/discovery/sightings.ts';
import { srvSource } from './host/discovery/srv-source.ts';
import { staticSource } from './host/discovery/static-source.ts';
import { problemError } from './problem-error.ts';

export { SourceWatch } from './host/discovery/source-watch.ts';

/**
 * `file:PATH`, `srv:NAME[@SERVER]`, `http://…`, `https://…`, `mdns[:ADDRESS]`, `ws://HOST:PORT` (that node), `gossip:ws://HOST:PORT`
 * (whom that node knows). `options` is what a member is connected to with. Throws `usage-invalid`.
 */
export function discoverySource(word: string, options: Omit<ConnectOptions, 'urls'> = {}): DiscoverySource {
  const [, kind = '', rest = ''] = /^([a-z]+):?(.*)$/.exec(word) ?? [];
  if (kind === 'http' || kind === 'https') return httpSource(word);
  if (kind === 'file' && rest !== '') return fileSource(word, rest);
  if (kind === 'srv' && rest !== '') return srvSource(rest);
  if (kind === 'mdns') return mdnsSource(rest === '' ? {} : { interface: rest });
  const address = addressOf(kind === 'gossip' ? rest : word);
  if (address === undefined) {
    throw problemError('usage-invalid', `"${word}" is no source of discovery; write ${SOURCE_FORMS}`);
  }
  if (kind !== 'gossip') return staticSource(word, [address]);
  return gossipSource(address, (url, connectTimeoutMs) =>
    connect({ ...options, connectTimeoutMs, reconnect: false, urls: [url] }),
  );
}

export const SOURCE_FORMS = 'file:PATH, srv:NAME, http://HOST/PATH, mdns, ws://HOST:PORT, or gossip:ws://HOST:PORT';
