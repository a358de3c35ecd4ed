/** What is used of the package, which brings no types. */
declare module 'multicast-dns' {
  import type { EventEmitter } from 'node:events';

  export interface SrvData {
    readonly port: number;
    readonly target: string;
  }

  export type Answer =
    | { readonly name: string; readonly type: 'PTR'; readonly ttl?: number; readonly data: string }
    | { readonly name: string; readonly type: 'A' | 'AAAA'; readonly ttl?: number; readonly data: string }
    | { readonly name: string; readonly type: 'SRV'; readonly ttl?: number; readonly data: SrvData }
    | {
        readonly name: string;
        readonly type: 'TXT';
        readonly ttl?: number;
        readonly data: string | Uint8Array | readonly (string | Uint8Array)[];
      };

  export interface Packet {
    readonly questions: readonly { readonly name: string; readonly type: string }[];
    readonly answers: readonly Answer[];
    readonly additionals: readonly Answer[];
  }

  export interface MulticastDns extends EventEmitter {
    query(name: string, type: string, done?: (error?: Error | null) => void): void;
    respond(
      packet: { readonly answers: readonly Answer[]; readonly additionals?: readonly Answer[] },
      done?: (error?: Error | null) => void,
    ): void;
    destroy(done?: () => void): void;
    on(event: 'query' | 'response', listener: (packet: Packet) => void): this;
    on(event: 'error' | 'warning', listener: (error: Error) => void): this;
    once(event: 'ready', listener: () => void): this;
  }

  export interface Options {
    readonly port?: number;
    readonly interface?: string;
    readonly bind?: string;
  }

  const multicastDns: (options?: Options) => MulticastDns;

  export { multicastDns as default };
}
