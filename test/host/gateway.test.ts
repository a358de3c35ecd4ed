/** Calls and plans over plain HTTP, against nodes of this process and real sockets. */
import { type IncomingHttpHeaders, request } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bodies } from '../../src/engine/host/gateway/body.ts';
import { createNode, defineFunction, type MpregNode } from '../../src/engine/index.ts';

const KEY = 'a key for the gateway';

let open: MpregNode;
let locked: MpregNode;
/** What the functions below have seen. */
const seen = { cancelled: 0, items: 0 };

const functions = [
  defineFunction({ name: 'fail', run: () => Promise.reject(new TypeError('not today')) }),
  defineFunction({ name: 'named', run: (...args: unknown[]) => args }),
  defineFunction({ name: 'data/kind', run: (value: unknown) => Object.prototype.toString.call(value) }),
  defineFunction({
    name: 'wait',
    async run(this: { readonly signal: AbortSignal }, ms: number) {
      this.signal.addEventListener('abort', () => seen.cancelled++);
      await pause(ms, undefined, { signal: this.signal });
      return 'waited';
    },
  }),
  defineFunction({
    name: 'count',
    async *run(this: { readonly signal: AbortSignal }, to: number, everyMs: number) {
      for (let i = 1; i <= to && !this.signal.aborted; i++) {
        seen.items = i;
        yield i;
        await pause(everyMs);
      }
      if (this.signal.aborted) seen.cancelled++;
    },
  }),
  defineFunction({
    name: 'break',
    async *run() {
      yield 'one';
      await pause(400);
      throw new RangeError('half way');
    },
  }),
];

beforeAll(async () => {
  open = await createNode({ discover: false, inline: functions, name: 'open', resources: ['gpu'] });
  locked = await createNode({ discover: false, key: new TextEncoder().encode(KEY), name: 'locked' });
});
afterAll(() => Promise.all([open.kill(), locked.kill()]));

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly signal?: AbortSignal;
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** Over `node:http`, because `fetch` would not let a test set `Host` and `Origin`. */
function post(
  node: MpregNode,
  path: string,
  body: string | Uint8Array,
  { headers = {}, ...sent }: Sent = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const to = new URL(path, node.url.replace('ws', 'http'));
    const out = request(to, { headers: { ...JSON_TYPE, ...headers }, method: 'POST', ...sent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (more: string) => {
        text += more;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ headers: response.headers, status: response.statusCode ?? 0, text }));
    });
    out.on('error', reject);
    out.end(body);
  });
}

async function ask(
  path: string,
  body: unknown,
  sent?: Sent,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const { status, text } = await post(open, path, JSON.stringify(body), sent);
  return { body: JSON.parse(text), status };
}

async function until(holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 60_000; !holds(); await pause(10)) if (Date.now() > end) throw new Error('never');
}

describe('a call', () => {
  test('takes a list of arguments, an object of named ones, or nothing', async () => {
    const answer = (value: unknown) => ({ body: { node: 'open', tookMs: expect.any(Number), value }, status: 200 });
    expect(await ask('/v1/call/named', ['a', 1])).toEqual(answer(['a', 1]));
    expect(await ask('/v1/call/named', { a: 1 })).toEqual(answer([{ a: 1 }]));
    expect(JSON.parse((await post(open, '/v1/call/named', '')).text)).toEqual(answer([]).body);
  });

  test('takes and gives values that JSON lacks in their documented form', async () => {
    const date = { $date: '2026-01-01T00:00:00.000Z' };
    expect(await ask('/v1/call/data%2Fkind', [date])).toMatchObject({ body: { value: '[object Date]' } });
    expect(await ask('/v1/call/data/kind', [{ $bigint: '7' }])).toMatchObject({ body: { value: '[object BigInt]' } });
    expect(await ask('/v1/call/echo', [date])).toMatchObject({ body: { value: date } });
    expect(await ask('/v1/call/named', { $date: 'a name' })).toMatchObject({
      body: { value: [{ $lit: { $date: 'a name' } }] },
    });
  });

  test('takes both kinds of arguments where it says so, and then names mean nothing else', async () => {
    const both = async (body: unknown) => ask('/v1/call/named?body=both', body);
    const mixed = { args: ['a', { $bigint: '7' }], kwargs: { args: [1], day: { $date: '2026-01-01T00:00:00.000Z' } } };
    expect(await both(mixed)).toMatchObject({ body: { value: [...mixed.args, mixed.kwargs] }, status: 200 });
    expect(await both({ args: ['a'] })).toMatchObject({ body: { value: ['a'] } });
    expect(await both({ kwargs: { a: 1 } })).toMatchObject({ body: { value: [{ a: 1 }] } });
    expect(await ask('/v1/call/named', { args: [1], kwargs: 2 })).toMatchObject({
      body: { value: [{ args: [1], kwargs: 2 }] },
    });
  });

  test.each([
    ['a list', [1], undefined],
    ['a third name', { args: [], more: 1 }, undefined],
    ['no list', { args: 1 }, 'body.args'],
    ['no object', { kwargs: [1] }, 'body.kwargs'],
    ['a value that means nothing', { kwargs: { x: [{ $date: 'soon' }] } }, 'body.kwargs.x[0]'],
  ])('refuses %s where both kinds are expected', async (_, body, path) => {
    const answer = await ask('/v1/call/named?body=both', body);
    expect(answer).toMatchObject({ body: { error: { code: 'input-invalid' } }, status: 400 });
    expect((answer.body as { readonly error: { readonly path?: string } }).error.path).toBe(path);
  });

  test('goes where its parameters say', async () => {
    expect(await ask('/v1/call/echo?loc=gpu&node=open&version=0.0.0&timeout=5s&idempotent=true', [1])).toMatchObject({
      status: 200,
    });
    expect(await ask('/v1/call/echo?loc=gpu&loc=moon', [1])).toMatchObject({
      body: { error: { code: 'resource-unknown' } },
      status: 404,
    });
  });

  test.each([
    ['a function that nobody has', '/v1/call/nothing', '[]', 404, 'function-unknown'],
    ['a node that is not there', '/v1/call/echo?node=gamma', '[]', 404, 'node-unknown'],
    ['a function that throws', '/v1/call/fail', '[]', 500, 'function-failed'],
    ['a function that takes too long', '/v1/call/wait?timeout=50ms', '[60000]', 504, 'timed-out'],
    ['text', '/v1/call/echo', 'hello', 400, 'input-invalid'],
    ['bytes that are no text', '/v1/call/echo', Buffer.from([0x5b, 0xff, 0x5d]), 400, 'input-invalid'],
    ['a single value', '/v1/call/echo', '"hi"', 400, 'input-invalid'],
    ['a date that is none', '/v1/call/echo', '[{"$date":"soon"}]', 400, 'input-invalid'],
    ['an unknown parameter', '/v1/call/echo?speed=9', '[]', 400, 'input-invalid'],
    ['an unknown kind of body', '/v1/call/echo?body=args', '{}', 400, 'input-invalid'],
    ['a kind of body for a plan', '/v1/plan?body=both', '[]', 400, 'input-invalid'],
    ['a time without a unit', '/v1/call/echo?timeout=5', '[]', 400, 'input-invalid'],
    ['a name that is badly encoded', '/v1/call/%E0%A4%A', '[]', 400, 'input-invalid'],
    ['a path that leads nowhere', '/v1/calls', '[]', 404, 'input-invalid'],
    ['an empty plan', '/v1/plan', '[]', 400, 'plan-invalid'],
    ['no plan', '/v1/plan', '', 400, 'plan-invalid'],
    ['a plan that is null', '/v1/plan', 'null', 400, 'plan-invalid'],
    [
      'a date that is none in a plan',
      '/v1/plan',
      '[{"name":"a","fun":"echo","args":[{"$date":1}]}]',
      400,
      'plan-invalid',
    ],
  ])('%s is answered by its status and its problem', async (_, path, body, status, code) => {
    const answer = await post(open, path, body);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(JSON.parse(answer.text)).toMatchObject({
      error: { code, hint: expect.any(String), message: expect.any(String) },
    });
  });

  test("tells a function's own error: name, message, stack, node", async () => {
    expect(await ask('/v1/call/fail', [])).toMatchObject({
      body: { error: { cause: { message: 'not today', name: 'TypeError', stack: expect.any(String) }, node: 'open' } },
    });
  });

  test('is cancelled where the client hangs up', async () => {
    const before = seen.cancelled;
    const gone = new AbortController();
    const answer = post(open, '/v1/call/wait', '[60000]', { signal: gone.signal }).catch((error: Error) => error.name);
    await until(() => open.snapshot().calls.running > 0);
    gone.abort();
    expect(await answer).toBe('AbortError');
    await until(() => seen.cancelled > before);
  });
});

describe('a plan', () => {
  test('is answered by its whole reply', async () => {
    const steps = [
      { args: ['hi'], fun: 'echo', name: 'a' },
      { args: ['a', { $lit: 'a' }], fun: 'echos', name: 'b' },
    ];
    const done = { node: 'open', state: 'done' };
    expect(await ask('/v1/plan?timeout=5s', steps)).toMatchObject({
      body: { results: { b: ['hi', 'a'] }, steps: [done, done], tookMs: expect.any(Number) },
      status: 200,
    });
  });

  test('that fails keeps what it has, under the status of its problem', async () => {
    const steps = [
      { fun: 'echo', args: [1], name: 'good' },
      { fun: 'fail', name: 'bad' },
    ];
    expect(await ask('/v1/plan', { onError: 'continue', steps })).toMatchObject({
      body: { error: { code: 'function-failed', step: 'bad' }, results: { good: 1 } },
      status: 500,
    });
  });

  test('that failed goes on from what it has', async () => {
    const date = { $date: '2026-01-01T00:00:00.000Z' };
    const plan = (fun: string) => [
      { fun: 'echo', args: [date], name: 'day' },
      { fun: 'echo', args: [{ $lit: date }], name: 'text' },
      { fun, args: ['day', 'text'], name: 'last' },
    ];
    const first = await ask('/v1/plan', { resumable: true, steps: plan('fail') });
    const { values } = first.body as { readonly values: object };
    expect(values).toEqual({ day: date, text: { $lit: date } });
    expect(await ask('/v1/plan', { done: values, steps: plan('named') })).toMatchObject({
      body: {
        results: { last: [date, { $lit: date }] },
        steps: [{ reused: true }, { reused: true }, { node: 'open', state: 'done' }],
      },
      status: 200,
    });
  });

  test('says all that is wrong with it', async () => {
    const steps = [{ fun: 'echo', args: [{ $date: 'soon' }, { $ref: 'none' }], name: 'a', wrong: 1 }];
    const { body } = await ask('/v1/plan', { steps });
    const { message } = (body as { readonly error: { readonly message: string } }).error;
    expect(message.split('\n')).toHaveLength(4);
    expect(message).toMatch(/3 things.*\$date.*"wrong".*"none"/s);
  });
});

describe('a stream', () => {
  const EVENTS = { headers: { accept: 'text/event-stream' } };

  test('comes as server-sent events, and says when it has ended', async () => {
    const { headers, status, text } = await post(open, '/v1/call/count', '[3,1]', EVENTS);
    expect({ status, type: headers['content-type'] }).toEqual({ status: 200, type: 'text/event-stream' });
    expect(text).toBe('data: 1\n\ndata: 2\n\ndata: 3\n\nevent: end\ndata: {}\n\n');
  });

  test('that nobody asked for, or that fails at once, has a status of its own, later an event', async () => {
    expect(await post(open, '/v1/call/count', '[3,1]')).toMatchObject({ status: 400 });
    expect(await post(open, '/v1/call/nothing', '[]', EVENTS)).toMatchObject({ status: 404 });
    const { status, text } = await post(open, '/v1/call/break', '[]', EVENTS);
    expect(status).toBe(200);
    expect(text).toMatch(/^data: "one"\n\nevent: error\ndata: \{"error":\{"code":"function-failed",/);
  });

  test('arrives item by item, and ends where the reader leaves', async () => {
    const before = seen.cancelled;
    const url = new URL('/v1/call/count', open.url.replace('ws', 'http'));
    const gone = new AbortController();
    const headers = { ...JSON_TYPE, accept: 'text/event-stream' };
    const { body } = await fetch(url, { body: '[1000000,20]', headers, method: 'POST', signal: gone.signal });
    const first = await body?.getReader().read();
    expect(new TextDecoder().decode(first?.value)).toContain('data: 1\n\n');
    expect(seen.items).toBeLessThan(10_000);
    gone.abort();
    await until(() => seen.cancelled > before);
  });
});

describe('without a key', () => {
  test.each([
    ['of another site', { origin: 'https://evil.example' }],
    ['of nowhere', { origin: 'null' }],
    ['that a name of its own led here', { host: 'evil.example:7400' }],
    ['that its browser calls cross-site', { 'sec-fetch-site': 'cross-site' }],
  ])('a page %s is refused', async (_, headers) => {
    expect(await post(open, '/v1/call/echo', '[1]', { headers })).toMatchObject({ status: 403 });
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'what a page may send without a question (%s) is refused',
    async (type) => {
      const { status, text } = await post(open, '/v1/call/echo', '[1]', { headers: { 'content-type': type } });
      expect(status).toBe(415);
      expect(JSON.parse(text)).toMatchObject({ error: { code: 'input-invalid' } });
    },
  );

  test('the question of a browser whether a page may call gets no leave', async () => {
    const asked = { origin: 'http://localhost:3000', 'access-control-request-method': 'POST' };
    const { headers, status } = await post(open, '/v1/call/echo', '', { headers: asked, method: 'OPTIONS' });
    expect(status).toBe(405);
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('only POST is answered', async () => {
    const { headers, status } = await post(open, '/v1/call/echo', '', { method: 'GET' });
    expect({ allow: headers.allow, status }).toEqual({ allow: 'POST', status: 405 });
  });
});

describe('with a key', () => {
  test('everybody shows it, also on this machine', async () => {
    const as = (authorization: string) => post(locked, '/v1/call/echo', '["in"]', { headers: { authorization } });
    const none = await post(locked, '/v1/call/echo', '["in"]');
    expect(none).toMatchObject({ headers: { 'www-authenticate': 'Bearer' }, status: 401 });
    expect(JSON.parse(none.text)).toMatchObject({ error: { code: 'key-missing' } });
    expect(JSON.parse((await as('Bearer wrong')).text)).toMatchObject({ error: { code: 'key-wrong' } });
    expect(JSON.parse((await as(`Bearer ${KEY}`)).text)).toMatchObject({ node: 'locked', value: 'in' });
  });
});

describe('a body', () => {
  test('over the limit is refused by what it says of itself, before it is read', async () => {
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { ...JSON_TYPE, 'content-length': String(2 ** 30) };
      const to = new URL('/v1/call/echo', open.url.replace('ws', 'http'));
      const out = request(to, { headers, method: 'POST' }, (response) => {
        resolve(response.statusCode);
        out.destroy();
      });
      out.on('error', reject);
      out.flushHeaders();
    });
    expect(answer).toBe(413);
  });

  test('over the limit that does not say so is refused once it is', async () => {
    const { status, text } = await post(open, '/v1/call/echo', JSON.stringify(['x'.repeat(17 * 2 ** 20)]), {
      headers: { 'transfer-encoding': 'chunked' },
    });
    expect(status).toBe(413);
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'limit-exceeded' } });
  });

  test('that would make too many at once is refused until others have been read', async () => {
    const bodies = new Bodies(10, 15);
    const coming = (...parts: string[]) =>
      Object.assign(Readable.from(parts.map((text) => Buffer.from(text))), { headers: {} });
    const stalled = Object.assign(new Readable({ read: () => undefined }), { headers: {} });
    const first = bodies.read(stalled as never);
    stalled.push('["1234",');
    await pause(10);
    await expect(bodies.read(coming('["12', '34"]') as never)).rejects.toMatchObject({ code: 'overloaded' });
    stalled.push(']');
    stalled.push(null);
    await expect(first).rejects.toMatchObject({ code: 'input-invalid' });
    expect(await bodies.read(coming('["12', '34"]') as never)).toEqual(['1234']);
  });

  test('within the limit arrives whole', async () => {
    const large = 'x'.repeat(8 * 2 ** 20);
    expect(await ask('/v1/call/echo', [large])).toMatchObject({ body: { value: large }, status: 200 });
  });
});

test('a node that leaves answers what it has begun, and says that it takes nothing new', async () => {
  const node = await createNode({ discover: false, inline: functions, name: 'leaver' });
  const begun = post(node, '/v1/call/wait', '[400]');
  await until(() => node.snapshot().calls.running > 0);
  const left = node.leave({ graceMs: 5_000 });
  const { status, text } = await post(node, '/v1/call/echo', '[1]');
  expect({ status, ...(JSON.parse(text) as object) }).toMatchObject({ error: { code: 'node-stopping' }, status: 503 });
  expect((await begun).status).toBe(200);
  await left;
});

test('many requests at once share the way into the node, and a slow one delays none', async () => {
  const gone = new AbortController();
  const slow = post(open, '/v1/call/wait', '[60000]', { signal: gone.signal }).catch((error: Error) => error.name);
  const all = await Promise.all(Array.from({ length: 200 }, (_, i) => ask('/v1/call/echo', [i])));
  expect(all.map(({ body }) => (body as { value: unknown }).value)).toEqual(all.map((_, i) => i));
  expect(open.snapshot().links.clients).toBe(1);
  gone.abort();
  expect(await slow).toBe('AbortError');
});
