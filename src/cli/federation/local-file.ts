/**
 * A configuration file as it would be with all its clusters on this machine: on loopback, and on the ports of the file.
 *
 * Where several addresses have one port, as they may on machines of their own, the first in the file keeps it, and each other one
 * gets the next number that nothing in the file has: the same file gives the same ports.
 */
import { problemError } from '../../engine/index.ts';
import type { FederationFile } from './federation-schema.ts';

export interface LocalFile {
  readonly file: FederationFile;
  /** What is on another port here than in the file. */
  readonly moved: readonly { readonly from: string; readonly to: string }[];
}

interface Hub {
  readonly server_url: string;
  readonly bridge_url?: string | undefined;
}

/** Rejects with `limit-exceeded` where there is no port left. */
export function onThisMachine(file: FederationFile): LocalFile {
  const ports = new Ports(file.clusters.flatMap((cluster) => [cluster, ...(cluster.hubs ?? [])].flatMap(portsOf)));
  const moved: { from: string; to: string }[] = [];
  const here = (from: string): string => {
    const known = portOf(from);
    const port = ports.take(known);
    const to = `ws://127.0.0.1:${port}`;
    if (port !== known) moved.push({ from, to });
    return to;
  };
  const both = <One extends Hub>(hub: One): One => {
    const server_url = here(hub.server_url);
    if (hub.bridge_url === undefined) return { ...hub, server_url };
    const bridge_url = portOf(hub.bridge_url) === portOf(hub.server_url) ? server_url : here(hub.bridge_url);
    return { ...hub, bridge_url, server_url };
  };
  const clusters = file.clusters.map((cluster) => ({
    ...both(cluster),
    ...(cluster.hubs && { hubs: cluster.hubs.map(both) }),
  }));
  return { file: { ...file, clusters }, moved };
}

/** Also where the address leaves it out, as that of its kind. */
export function portOf(url: string): number {
  const { port, protocol } = new URL(url);
  return Number(port) || (protocol === 'wss:' ? 443 : 80);
}

function portsOf({ bridge_url, server_url }: Hub): readonly number[] {
  return [portOf(server_url), ...(bridge_url === undefined ? [] : [portOf(bridge_url)])];
}

class Ports {
  readonly #named: ReadonlySet<number>;
  readonly #taken = new Set<number>();

  constructor(named: Iterable<number>) {
    this.#named = new Set(named);
  }

  take(wanted: number): number {
    let port = wanted;
    while (this.#taken.has(port) || (port !== wanted && this.#named.has(port))) port++;
    if (port > PORT_MAX)
      throw problemError('limit-exceeded', `there is no port left for another hub with port ${wanted}`);
    this.#taken.add(port);
    return port;
  }
}

const PORT_MAX = 65_535;
