import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { checkFile } from '../../../src/cli/federation/check-file.ts';
import { TEMPLATES } from '../../../src/cli/federation/templates.ts';

/** As users of the existing system know it. */
const KNOWN = `{"version":"1.0","federation":{"enabled":true,"health_check_interval":30,"resilience":{"circuit_breaker":
{"failure_threshold":5,"success_threshold":3,"timeout_seconds":60}}},"clusters":[{"cluster_id":"prod-us-west",
"cluster_name":"Production US West","region":"us-west-2","server_url":"ws://a.example:8000","bridge_url":"ws://a.example:9000",
"resources":["compute","storage","ml-inference"]},{"cluster_id":"prod-eu","region":"eu","server_url":"ws://b.example:8000"}]}`;

const two = (): Record<string, unknown> & { clusters: Record<string, unknown>[] } => ({
  clusters: [
    { cluster_id: 'aa', region: 'us', server_url: 'ws://a:1', bridge_url: 'ws://a:2' },
    { cluster_id: 'bb', region: 'eu', server_url: 'ws://b:1' },
  ],
  federation: {},
  version: '1.0',
});

const findings = async (document: unknown) => {
  const { config, problems } = await checkFile(JSON.stringify(document), { strict: true });
  return {
    errors: problems.filter(({ severity }) => severity === 'error').map(({ message, path }) => `${path}: ${message}`),
    problems,
    valid: config !== undefined,
    warnings: problems
      .filter(({ severity }) => severity === 'warning')
      .map(({ message, path }) => `${path}: ${message}`),
  };
};

test('the file of the existing system is valid as it is', async () => {
  const { config, problems } = await checkFile(KNOWN, { strict: true });
  expect(problems).toEqual([]);
  expect(config?.clusters[0]?.resources).toEqual(['compute', 'storage', 'ml-inference']);
  const one = { ...JSON.parse(KNOWN), clusters: JSON.parse(KNOWN).clusters.slice(0, 1) };
  expect(await findings(one)).toMatchObject({
    valid: true,
    warnings: ['clusters: one cluster alone has nobody to be linked with'],
  });
});

test.each(Object.entries(TEMPLATES))('the template %s is valid, as JSON and as YAML', async (_, template) => {
  for (const [content, strict] of [[JSON.stringify(template), true] as const, [stringify(template), false] as const]) {
    const { config, problems } = await checkFile(content, { strict });
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(config).toEqual(template);
  }
});

test('everything that is wrong is told at once, each with its place, its line and a hint', async () => {
  const content = `version: "2"
federation: { enabled: "yes", health_check_intervall: 30 }
clusters:
  - cluster_id: aa
    region: us
    server_url: http://a:1
  - cluster_id: b b
    server_url: ws://b:1
    coordinates: { latitude: 91, longitude: 0 }
  - region: 7
    server_url: ws://b:1/
links:
  - { from: aa, to: ab }
`;
  const { config, problems } = await checkFile(content, { strict: false });
  expect(config).toBeUndefined();
  const told = problems.map(({ line, message, path }) => `${line} ${path}: ${message}`);
  expect(told.sort()).toEqual(
    [
      '1 version: must be "1.0", and is "2"',
      '2 federation.enabled: must be true or false, and is the text "yes"',
      '2 federation.health_check_intervall: there is no key "health_check_intervall"',
      '6 clusters[0].server_url: "http://a:1" begins with neither ws:// nor wss://',
      '7 clusters[1].cluster_id: is no id: it begins with a letter or digit and has letters, digits, - _ . only, at most 64',
      '7 clusters[1].region: is missing',
      '9 clusters[1].coordinates.latitude: must be at most 90',
      '10 clusters[2].cluster_id: is missing',
      '10 clusters[2].region: must be a text, and is the number 7',
      '11 clusters[2].server_url: the address "ws://b:1" stands at clusters[1].server_url already',
      '13 links[0].to: there is no cluster "ab"',
    ].sort(),
  );
  for (const { hint } of problems) expect(hint).not.toBe('');
  expect(problems.find(({ path }) => path.endsWith('intervall'))?.hint).toBe('Did you mean "health_check_interval"?');
});

describe('what is right by itself may be wrong together', () => {
  test.each<[string, (file: ReturnType<typeof two>) => void, string]>([
    [
      'two clusters of one id',
      (file) => Object.assign(file.clusters[1] ?? {}, { cluster_id: 'aa' }),
      'clusters[1].cluster_id: the cluster "aa" stands at clusters[0].cluster_id already',
    ],
    [
      'a bridge where another hub serves',
      (file) => Object.assign(file.clusters[1] ?? {}, { hubs: [{ server_url: 'ws://a:2' }] }),
      'clusters[1].hubs[0].server_url: the address "ws://a:2" stands at clusters[0].bridge_url already',
    ],
    [
      'a link of a cluster with itself',
      (file) => Object.assign(file, { links: [{ from: 'aa', to: 'aa' }] }),
      'links[0].to: links aa with itself',
    ],
    [
      'a link that stands there from both ends',
      (file) => {
        file['links'] = [
          { from: 'aa', to: 'bb' },
          { from: 'bb', to: 'aa' },
        ];
      },
      'links[1]: bb and aa are linked already; a link has two ends and stands once',
    ],
    [
      'a policy about nobody',
      (file) => Object.assign(file, { policies: [{ cluster: 'cc', exports: [{ clusters: ['region:us', 'dd'] }] }] }),
      'policies[0].exports[0].clusters[1]: there is no cluster "dd"',
    ],
    [
      'an alert for a channel that is not there',
      (file) => {
        const rule = { comparison: '>', metric: 'link-rtt', name: 'slow', severity: 'info', threshold: 1 };
        file['alerting'] = { channels: [{ kind: 'console', name: 'desk' }], rules: [{ ...rule, channels: ['dsek'] }] };
      },
      'alerting.rules[0].channels[0]: there is no channel "dsek"',
    ],
    [
      'a channel of an unknown kind',
      (file) => Object.assign(file, { alerting: { channels: [{ kind: 'pager', name: 'x' }], rules: [] } }),
      'alerting.channels[0].kind: is none of those that there are: "pager"',
    ],
    [
      'a key that its kind of channel has not',
      (file) =>
        Object.assign(file, { alerting: { channels: [{ kind: 'console', name: 'x', argv: ['a'] }], rules: [] } }),
      'alerting.channels[0].argv: there is no key "argv"',
    ],
    [
      'a source of discovery that is none',
      (file) => Object.assign(file, { discovery: { sources: ['srv:_mpreg._tcp.example.com', 'consul:x'] } }),
      'discovery.sources[1]: "consul:x" is no source of discovery; write file:PATH, srv:NAME, http://HOST/PATH, mdns, ws://HOST:PORT, or gossip:ws://HOST:PORT',
    ],
    [
      'an address with a password',
      (file) => Object.assign(file.clusters[0] ?? {}, { bridge_url: 'ws://me:secret@a:2' }),
      'clusters[0].bridge_url: an address carries no password',
    ],
  ])('%s', async (_, spoil, says) => {
    const file = two();
    expect((await findings(file)).valid).toBe(true);
    spoil(file);
    const { errors, valid } = await findings(file);
    expect(errors).toContain(says);
    expect(valid).toBe(false);
  });

  test('a server and its bridge may be one address', async () => {
    const file = two();
    Object.assign(file.clusters[0] ?? {}, { bridge_url: 'ws://a:1' });
    expect(await findings(file)).toMatchObject({ errors: [], valid: true });
  });

  test('a federation in pieces is a warning, and so is one that a single loss would tear', async () => {
    const file = two();
    file.clusters.push({ cluster_id: 'cc', region: 'eu', server_url: 'ws://c:1' });
    file['links'] = [{ from: 'aa', to: 'bb' }];
    expect(await findings(file)).toMatchObject({ valid: true, warnings: ['links: no link leads from aa, bb to cc'] });
    file['links'] = [
      { from: 'aa', to: 'bb' },
      { from: 'bb', to: 'cc' },
    ];
    expect(await findings(file)).toMatchObject({
      valid: true,
      warnings: ['links: without bb, others do not reach each other any more'],
    });
  });

  test('rules may name clusters by globs, and those that name nobody are a warning', async () => {
    const file = two();
    const clusters = ['a*', 'region:e*', 'tag:paid'];
    Object.assign(file, { policies: [{ cluster: 'region:us*', exports: [{ clusters }] }, { cluster: 'c*' }] });
    expect(await findings(file)).toMatchObject({
      errors: [],
      valid: true,
      warnings: [
        'policies[0].exports[0].clusters[2]: "tag:paid" is about no cluster of this file',
        'policies[1].cluster: "c*" is about no cluster of this file',
      ],
    });
  });

  test('a key that is not set here is a warning', async () => {
    const file = two();
    file['federation'] = { key_env: 'MPREG_TEST_NOT_SET' };
    expect(await findings(file)).toMatchObject({
      warnings: ['federation.key_env: MPREG_TEST_NOT_SET is not set here'],
    });
  });
});

/** Ten lists, each of ten times the one before. */
function bomb(): string {
  const lists = Array.from({ length: 10 }, (_, n) => `a${n}: &a${n} [${Array(10).fill(n === 0 ? 1 : `*a${n - 1}`)}]`);
  return lists.join('\n');
}

test.each([
  ['no JSON', '{"version": "1.0",}', true],
  ['a key that stands twice', '{"version": "1.0",\n"version": "1.0"}', true],
  ['broken YAML', 'clusters: [a: b', false],
  ['aliases that make too much of little', bomb(), false],
  ['nothing at all', '', false],
  ['a list', '[]', true],
])('is refused with %s', async (_, content, strict) => {
  const { config, problems } = await checkFile(content, { strict });
  expect(config).toBeUndefined();
  expect(problems.length).toBeGreaterThan(0);
});

test('links that a file names and that its mode makes none of are told', async () => {
  const links = [{ from: 'aa', to: 'bb' }];
  const { valid, warnings } = await findings({ ...two(), federation: { mode: 'strict' }, links });
  expect([valid, warnings]).toEqual([true, ['links: in mode strict no link is made']]);
  const off = await findings({ ...two(), federation: { enabled: false }, links });
  expect(off.warnings).toEqual(['links: with "enabled": false no link is made']);
  expect((await findings({ ...two(), federation: { mode: 'strict' } })).warnings).toEqual([]);
});
