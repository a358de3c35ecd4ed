/**
 * A network that can be cut, for real processes: every node is reached through a proxy of its own, and the proxies know
 * which process each connection comes from. Bytes of a cut connection stall, as they do when a cable is pulled; between
 * places that are far from each other all bytes are late.
 */

import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';

interface Wire {
  readonly from: number | undefined;
  readonly to: number;
  readonly ends: readonly Socket[];
}

export class WeakWire {
  readonly #servers: Server[] = [];
  readonly #wires = new Set<Wire>();
  /** Processes by the port of their proxy. */
  readonly #owners = new Map<number, number>();
  readonly #cutOff = new Set<number>();
  readonly #delayMs: (from: number | undefined, to: number) => number;

  /** `delayMs`: how late bytes come, either way, between the process that dialled and the one that was dialled. */
  constructor(delayMs: (from: number | undefined, to: number) => number = () => 0) {
    this.#delayMs = delayMs;
  }

  /** A port in front of another, which is told later, when the node behind it knows its own. */
  async front(target: () => number): Promise<number> {
    const server = createServer((socket) => this.#join(socket, port, target()));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#servers.push(server);
    const { port } = server.address() as { port: number };
    return port;
  }

  /** Which process stands behind a proxy. */
  owner(port: number, pid: number): void {
    this.#owners.set(port, pid);
  }

  /** Nothing passes to or from this process any more; what is under way stalls. */
  cut(pid: number): void {
    this.#cutOff.add(pid);
    for (const wire of this.#wires) if (this.#isCut(wire)) for (const end of wire.ends) end.pause();
  }

  heal(): void {
    this.#cutOff.clear();
    for (const { ends } of this.#wires) for (const end of ends) end.resume();
  }

  close(): void {
    for (const { ends } of this.#wires) for (const end of ends) end.destroy();
    for (const server of this.#servers) server.close();
  }

  #join(near: Socket, proxyPort: number, targetPort: number): void {
    const to = this.#owners.get(proxyPort) ?? 0;
    const far = dial(targetPort, '127.0.0.1');
    const wire: Wire = { ends: [near, far], from: ownerOfPort(near.remotePort ?? 0), to };
    this.#wires.add(wire);
    const later = (what: () => void) => {
      const delayMs = this.#delayMs(wire.from, to);
      if (delayMs === 0) what();
      else setTimeout(what, delayMs);
    };
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const) {
      end.on('data', (data) => later(() => other.write(data)));
      end.on('error', () => undefined);
      end.on('close', () =>
        later(() => {
          this.#wires.delete(wire);
          other.destroy();
        }),
      );
    }
    if (this.#isCut(wire)) for (const end of wire.ends) end.pause();
  }

  #isCut({ from, to }: Wire): boolean {
    return (from !== undefined && this.#cutOff.has(from)) !== this.#cutOff.has(to);
  }
}

/** The process that holds the local end of a loopback connection (proc(5)): its socket's inode, found among open files. */
function ownerOfPort(port: number): number | undefined {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const line = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .find((row) => row.trim().split(/\s+/)[1]?.endsWith(`:${hex}`) === true);
  const inode = line?.trim().split(/\s+/)[9];
  if (inode === undefined) return undefined;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      for (const file of readdirSync(`/proc/${pid}/fd`)) {
        if (readlinkSync(`/proc/${pid}/fd/${file}`) === `socket:[${inode}]`) return Number(pid);
      }
    } catch {
      // A process that has just ended, or one of somebody else.
    }
  }
  return undefined;
}
