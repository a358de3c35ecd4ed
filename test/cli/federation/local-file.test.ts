import { expect, test } from 'vitest';
import type { FederationFile } from '../../../src/cli/federation/federation-schema.ts';
import { onThisMachine } from '../../../src/cli/federation/local-file.ts';
import { TEMPLATES } from '../../../src/cli/federation/templates.ts';

function here(...clusters: readonly Omit<FederationFile['clusters'][number], 'cluster_id' | 'region'>[]) {
  const named = clusters.map((one, at) => ({ cluster_id: `c${at}`, region: 'r', ...one }));
  const { file, moved } = onThisMachine({ clusters: named, federation: {}, version: '1.0' });
  const urls = file.clusters.flatMap((one) =>
    [one, ...(one.hubs ?? [])].map(({ bridge_url, server_url }) => [server_url, bridge_url].filter(Boolean).join(' ')),
  );
  return { moved: moved.length, urls };
}

test('a file on one machine has the ports of the file, whatever its hosts are called', () => {
  expect(
    here({ bridge_url: 'wss://a.example:9000', server_url: 'wss://a.example:8000' }, { server_url: 'ws://b.example' }),
  ).toEqual({ moved: 0, urls: ['ws://127.0.0.1:8000 ws://127.0.0.1:9000', 'ws://127.0.0.1:80'] });
});

test('of addresses with one port all but the first get the next that nothing in the file has', () => {
  const a = { bridge_url: 'ws://a:8001', server_url: 'ws://a:8000' };
  const b = { bridge_url: 'ws://b:8000', server_url: 'ws://b:8000' };
  expect(here(a, b, b)).toEqual({
    moved: 2,
    urls: [
      'ws://127.0.0.1:8000 ws://127.0.0.1:8001',
      'ws://127.0.0.1:8002 ws://127.0.0.1:8002',
      'ws://127.0.0.1:8003 ws://127.0.0.1:8003',
    ],
  });
  expect(() => here({ server_url: 'ws://a:65535' }, { server_url: 'ws://b:65535' })).toThrow('no port left');
});

test('every template can be tried out on one machine', () => {
  for (const template of Object.values(TEMPLATES)) {
    const { file } = onThisMachine(template);
    const urls = file.clusters.flatMap((one) =>
      [one, ...(one.hubs ?? [])].flatMap(({ bridge_url = '', server_url }) => [server_url, bridge_url]),
    );
    expect(new Set(urls).size).toBe(urls.length);
  }
});
