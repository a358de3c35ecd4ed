/** A name server for tests: answers SRV and A over UDP, as RFC 1035 and 2782 write them. */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';

export interface SrvRecord {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

export class NameServer {
  readonly #socket = createSocket('udp4');
  /** By name. */
  readonly services = new Map<string, readonly SrvRecord[]>();
  readonly addresses = new Map<string, string>();
  /** Whether it hears and says nothing. */
  mute = false;
  /** Whether its answers are cut short, so that nobody can read them. */
  garbles = false;

  static async start(): Promise<NameServer> {
    const server = new NameServer();
    server.#socket.bind(0, '127.0.0.1');
    await once(server.#socket, 'listening');
    return server;
  }

  constructor() {
    this.#socket.on('message', (query, from) => this.#answer(query, from));
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(resolve));
  }

  #answer(query: Buffer, from: RemoteInfo): void {
    if (this.mute) return;
    const { end, name } = nameIn(query, 12);
    const type = query.readUInt16BE(end);
    const known = this.services.has(name) || this.addresses.has(name);
    const answers = type === 33 ? srvAnswers(this.services.get(name)) : aAnswers(this.addresses.get(name), type);
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(known ? 0x8580 : 0x8583, 2); // a response, authoritative; 3: there is no such name
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(answers.length, 6);
    const question = query.subarray(12, end + 4);
    const answer = Buffer.concat([header, question, ...answers]);
    this.#socket.send(this.garbles ? answer.subarray(0, -3) : answer, from.port, from.address);
  }
}

function nameIn(packet: Buffer, from: number): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = from;
  for (let length = packet.readUInt8(at); length > 0; length = packet.readUInt8(at)) {
    labels.push(packet.toString('latin1', at + 1, at + 1 + length).toLowerCase());
    at += 1 + length;
  }
  return { end: at + 1, name: labels.join('.') };
}

function srvAnswers(records: readonly SrvRecord[] = []): Buffer[] {
  return records.map(({ port, priority, target, weight }) => {
    const numbers = Buffer.alloc(6);
    numbers.writeUInt16BE(priority, 0);
    numbers.writeUInt16BE(weight, 2);
    numbers.writeUInt16BE(port, 4);
    const labels = target.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
    return record(33, Buffer.concat([numbers, ...labels, Buffer.from([0])]));
  });
}

function aAnswers(address: string | undefined, type: number): Buffer[] {
  return address === undefined || type !== 1 ? [] : [record(1, Buffer.from(address.split('.').map(Number)))];
}

/** Of the name that was asked for: a pointer to the question. */
function record(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(1, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}
