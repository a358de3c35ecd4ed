import { expect, test } from 'vitest';
import { changeLine } from '../../../src/cli/federation/deploy-report.ts';

test('what lets one speak on a channel stands in no line of a report', () => {
  const channels = [
    { headers: { 'X-Token': 'tok' }, kind: 'webhook', name: 'desk', url: 'https://desk.example/hook' },
    { kind: 'slack', name: 'chat', url: 'https://hooks.slack.com/services/T0/B0/secret' },
  ];
  expect(changeLine({ after: { channels }, path: 'alerting' })).toBe(
    '  alerting: nothing → {"channels":[{"headers":{"X-Token":"…"},"kind":"webhook","name":"desk","url":"https://desk.example/hook"},' +
      '{"kind":"slack","name":"chat","url":"https://hooks.slack.com/…"}]}',
  );
});
