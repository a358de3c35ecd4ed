/** Real nodes of this process and clients of theirs, which end with each test. */
import { afterEach } from 'vitest';
import {
  type Client,
  type ConnectOptions,
  connect,
  createNode,
  type FunctionDefinition,
  type MpregNode,
  type NodeOptions,
} from '../../src/engine/index.ts';

const nodes: MpregNode[] = [];
const clients: Client[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all(nodes.splice(0).map((node) => node.kill()));
});

/** One that all its peers see. */
export async function start(
  name: string,
  options: NodeOptions = {},
  peers: readonly MpregNode[] = [],
): Promise<MpregNode> {
  const about = { discover: false, name, peers: peers.map(({ url }) => url), workers: 1 };
  const node = await createNode({ ...about, ...options });
  nodes.push(node);
  if (peers.length > 0) await Promise.all([node, ...peers].map((one) => one.joined(60_000)));
  return node;
}

export async function clientOf(node: MpregNode, options: ConnectOptions = {}): Promise<Client> {
  const client = await connect({ urls: [node.url], ...options });
  clients.push(client);
  return client;
}

export const inline = (...definitions: object[]): NodeOptions => ({ inline: definitions as FunctionDefinition[] });
