import { afterEach, describe, expect, it } from 'vitest';
import type { Client, MpregNode } from '../../../src/engine/index.ts';
import { Clusters, reached, viewOf } from './two-clusters.ts';

const open: Clusters[] = [];
afterEach(async () => {
  for (const clusters of open.splice(0)) await clusters.close();
});

/** Two clusters, each of a hub and a node; functions are on the nodes that are no hubs. */
async function twoClusters(): Promise<{ red: Client; blue: Client; hubs: MpregNode[] }> {
  const clusters = new Clusters();
  open.push(clusters);
  const blueHub = await clusters.node('blue', 'blue-hub', { hub: { mode: 'permissive', region: 'east' } });
  const redHub = await clusters.node('red', 'red-hub', {
    hub: { links: [{ addresses: [blueHub.url], cluster: 'blue' }], region: 'west' },
  });
  const blueNode = await clusters.node('blue', 'blue-node', {
    inline: [
      { name: 'double', run: (n: number) => 2 * n },
      {
        name: 'count',
        async *run(to: number) {
          for (let i = 1; i <= to; i++) yield i;
        },
      },
    ],
    peers: [blueHub.url],
  });
  const redNode = await clusters.node('red', 'red-node', {
    inline: [{ name: 'triple', run: (n: number) => 3 * n }],
    peers: [redHub.url],
  });
  const [red, blue] = [await clusters.client(redNode), await clusters.client(blueNode)];
  await redNode.joined(20_000);
  await blueNode.joined(20_000);
  await reached(red, 'blue', 'double');
  await reached(blue, 'red', 'triple');
  return { blue, hubs: [redHub, blueHub], red };
}

describe('between two clusters', () => {
  it('a function that only the other one has is called as any other, and the answer says where it ran', async () => {
    const { blue, red } = await twoClusters();
    expect(await red.ask('double', [21])).toEqual({ cluster: 'blue', node: 'blue-node', value: 42 });
    expect(await blue.ask('triple', [5])).toEqual({ cluster: 'red', node: 'red-node', value: 15 });
    expect(await red.ask('triple', [5])).toEqual({ node: 'red-node', value: 15 });
    const { clusters } = await viewOf(red);
    expect(clusters.map(({ cluster, region, state }) => [cluster, region, state])).toEqual([
      ['blue', 'east', 'reachable'],
      ['red', 'west', 'self'],
    ]);
  });
});
