import { expect, test } from 'vitest';
import { createNode, type NodeOptions } from '../../src/engine/index.ts';

const refused: readonly (readonly [string, NonNullable<NodeOptions['tls']>, RegExp])[] = [
  ['client certificates and nothing else', { clientCertificates: true }, /given no certificate and no private key$/],
  ['an authority and nothing else', { ca: 'pem' }, /given no certificate and no private key$/],
  ['a certificate without its key', { cert: 'pem' }, /given no private key$/],
  ['a key without its certificate', { key: 'pem' }, /given no certificate$/],
  [
    'client certificates of no authority',
    { cert: 'pem', clientCertificates: true, key: 'pem' },
    /their authority; it was given none$/,
  ],
];

test.each(refused)('a node that is given %s does not start, and says what is missing', async (_what, tls, message) => {
  const starting = createNode({ discover: false, tls, workers: 1 });
  const kept = starting.then((node) => node.kill());
  await expect(starting).rejects.toMatchObject({
    message: expect.stringMatching(message),
    problem: { code: 'input-invalid' },
  });
  await kept.catch(() => undefined);
});
