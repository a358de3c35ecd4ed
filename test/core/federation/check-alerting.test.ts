import { describe, expect, test } from 'vitest';
import { alertingFaults } from '../../../src/engine/core/federation/check-alerting.ts';

const rule = { comparison: '>', metric: 'link-rtt', name: 'slow', severity: 'warning', threshold: 100 };
const hook = { kind: 'webhook', name: 'hook', url: 'http://localhost:1/alerts' };

const told = (given: unknown) => alertingFaults(given).map(({ path, says }) => `${path}: ${says}`);
const withRule = (more: object) => told({ channels: [hook], rules: [{ ...rule, ...more }] });
const withChannel = (more: object) => told({ channels: [{ ...hook, ...more }], rules: [] });

test('rules and channels that are right have no faults', () => {
  const channels = [
    { kind: 'console', name: 'log', perMinuteMax: 1 },
    { argv: ['notify', '--now'], kind: 'command', name: 'run', retries: 0, timeoutMs: 1 },
    { ...hook, headers: { authorization: 'Bearer x' } },
    { kind: 'slack', name: 'slack', url: 'https://hooks.example.com/T/B' },
  ];
  const rules = [
    rule,
    { ...rule, channels: ['log', 'hook'], clusters: ['east', 'tag:prod'], forMs: 0, name: 'other', threshold: -1.5 },
  ];
  expect(told({ channels, groupMs: 0, repeatMs: 0, rules })).toEqual([]);
  expect(told({ channels: [], rules: [] })).toEqual([]);
});

describe('a fault is told with its path:', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ['no configuration', told('alerts'), ['channels: must be a list', 'rules: must be a list']],
    ['an unknown key', told({ channels: [], rules: [], silence: 1 }), ['silence: is not known here']],
    ['an unknown key of a rule', withRule({ for: 1 }), ['rules[0].for: is not known here']],
    ['an unknown key of a channel', withChannel({ secret: 1 }), ['channels[0].secret: is not known here']],
    ['a name that is empty', withRule({ name: '' }), ['rules[0].name: must be a text']],
    ['a threshold that is no number', withRule({ threshold: '5' }), ['rules[0].threshold: must be a number']],
    ['a time that runs back', withRule({ forMs: -1 }), ['rules[0].forMs: must be a whole number from 0']],
    ['an unknown comparison', withRule({ comparison: '=' }), ['rules[0].comparison: "=" is none of >, >=, <, <=']],
    ['an unknown severity', withRule({ severity: 1 }), ['rules[0].severity: 1 is none of info, warning, critical']],
    ['an unknown channel', withRule({ channels: ['hook', 'x'] }), ['rules[0].channels[1]: there is no channel "x"']],
    ['clusters that are no list', withRule({ clusters: 'east' }), ['rules[0].clusters: must be a list']],
    [
      'a URL of another kind',
      withChannel({ url: 'ws://x' }),
      ['channels[0].url: must be a URL that begins with http:// or https://'],
    ],
    [
      'a header over two lines',
      withChannel({ headers: { x: 'a\r\nb: c' } }),
      ['channels[0].headers.x: must be a header of HTTP with a text'],
    ],
    [
      'more attempts than sense',
      withChannel({ retries: 11 }),
      ['channels[0].retries: must be a whole number from 0 to 10'],
    ],
    ['no command', withChannel({ argv: [], kind: 'command', url: undefined }), ['channels[0].argv: names no command']],
    [
      'what belongs to another kind',
      withChannel({ argv: ['x'], headers: {}, kind: 'console' }),
      [
        'channels[0].argv: is only for the kind command',
        'channels[0].url: is only for the kinds webhook and slack',
        'channels[0].headers: are only for the kind webhook',
      ],
    ],
    [
      'a name that stands there twice',
      told({ channels: [hook, hook], rules: [rule, rule] }),
      ['channels: "hook" stands there twice', 'rules: "slow" stands there twice'],
    ],
  ])('%s', (_, found, faults) => expect(found).toEqual(faults));

  test('an unknown metric, with those that there are', () => {
    expect(withRule({ metric: 'link-speed' })).toEqual([
      expect.stringMatching(/^rules\[0\]\.metric: "link-speed" is none of cluster-distance, .*link-score$/),
    ]);
  });

  test('too many', () => {
    const rules = Array.from({ length: 201 }, (_, at) => ({ ...rule, name: `rule-${at}` }));
    expect(told({ channels: [], rules })).toEqual(['rules: has 201 entries; at most 200']);
  });
});
