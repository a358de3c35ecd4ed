/** A configuration file as it would be with all its clusters on this machine: the same ports, on loopback. */
import { problemError } from '../../engine/index.ts';
import type { FederationFile } from './federation-schema.ts';

/** Throws `input-invalid` where two addresses would be one. */
export function onThisMachine(file: FederationFile, name: string): FederationFile {
  const taken = new Map<string, string>();
  const here = (url: string, path: string, shares?: string): string => {
    const { port, protocol } = new URL(url);
    const known = port || (protocol === 'wss:' ? '443' : '80');
    const before = taken.get(known);
    if (before !== undefined && before !== shares) {
      throw problemError(
        'input-invalid',
        `${name}: ${path} and ${before} have the same port, ${known}: on one machine they must differ`,
        {
          hint: 'Give each address a port of its own.\nmpreg federation generate-config --template development',
          path,
        },
      );
    }
    taken.set(known, before ?? path);
    return `ws://127.0.0.1:${known}`;
  };
  const both = <Hub extends { readonly server_url: string; readonly bridge_url?: string | undefined }>(
    hub: Hub,
    path: string,
  ): Hub => {
    const server_url = here(hub.server_url, `${path}.server_url`);
    if (hub.bridge_url === undefined) return { ...hub, server_url };
    return { ...hub, bridge_url: here(hub.bridge_url, `${path}.bridge_url`, `${path}.server_url`), server_url };
  };
  const clusters = file.clusters.map((cluster, at) => {
    const path = `clusters[${at}]`;
    const hubs = cluster.hubs?.map((hub, n) => ({ hub, path: `${path}.hubs[${n}]` }));
    return {
      ...both(cluster, path),
      ...(hubs && { hubs: hubs.map((one) => both(one.hub, one.path)) }),
    };
  });
  return { ...file, clusters };
}
