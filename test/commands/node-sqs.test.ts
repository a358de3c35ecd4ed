/** How a node is told which clients of Amazon SQS it serves. */
import { writeFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { World } from '../cli/mpreg.ts';

const world = new World();
afterAll(() => world.close());

const start = (...args: string[]) => world.mpreg(['node', 'start', '--no-discover', ...args]);

test.each([
  ['a key that is no pair', ['--sqs-key', 'orders'], 'usage-invalid', '--sqs-key: "orders" is not ID=FILE'],
  ['a secret that is nowhere', ['--sqs-key', 'orders=./nowhere'], 'file-unreadable', './nowhere cannot be read'],
  ['an account that is none', ['--sqs-account', '12'], 'input-invalid', '"12" is no account of SQS'],
])('it does not start with %s', async (_, args, code, message) => {
  const { stdout } = await start(...args, '--json');
  const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
  expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
});

test('keys come from files, also by the environment, and never without a secret', async () => {
  writeFileSync(world.path('work', 'empty'), '\n', { mode: 0o600 });
  writeFileSync(world.path('work', 'full'), 'a secret\n', { mode: 0o600 });
  const { code, stderr } = await world.mpreg(['node', 'start', '--no-discover'], {
    env: { MPREG_SQS_KEYS: 'one=./full,two=./empty' },
  });
  expect(code).toBe(2);
  expect(stderr).toContain('the secret of the access key two is empty');
});

test('requests that are not signed are refused by a node that has a key, and by one whose cluster has', async () => {
  writeFileSync(world.path('work', 'secret'), 'a secret\n', { mode: 0o600 });
  writeFileSync(world.path('work', 'key'), 'a key of the test\n', { mode: 0o600 });
  const says = async (...args: string[]) => {
    const node = await world.node(['--no-discover', ...args]);
    const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.CreateQueue' };
    const answer = await fetch(node.url.replace('ws', 'http'), { body: '{"QueueName":"!"}', headers, method: 'POST' });
    node.child.kill('SIGKILL');
    return [answer.status, answer.headers.get('x-amzn-query-error')];
  };
  expect(await says('--sqs-key', 'one=./secret')).toEqual([403, 'MissingAuthenticationToken;Sender']);
  expect(await says('--key-file', './key')).toEqual([403, 'AccessDenied;Sender']);
  expect(await says()).toEqual([400, 'InvalidParameterValue;Sender']);
});
