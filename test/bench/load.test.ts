/** Load as the benchmarks bear it, and the bytes that they count, on questions whose answers are known. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setImmediate as soon } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { bear, percentile } from '../../bench/load.ts';
import { socketBytes } from '../../bench/socket-bytes.ts';

test('so many questions are in flight, never more, and each is put once', async () => {
  const asked: number[] = [];
  let inFlight = 0;
  let most = 0;
  const ask = async (n: number) => {
    asked.push(n);
    most = Math.max(most, ++inFlight);
    await soon();
    inFlight--;
    return n * 3;
  };
  const { latencies, perSecond } = await bear({ ask, expected: (n) => n * 3 }, 5, 30);
  expect(most).toBe(5);
  expect(asked).toEqual([...asked.keys()]);
  expect(latencies.length).toBe(asked.length);
  expect(latencies).toEqual(latencies.toSorted());
  expect(perSecond).toBeGreaterThan(0);
});

test('one wrong answer ends the measurement', async () => {
  const ask = async (n: number) => {
    await soon();
    return n === 7 ? 'seven' : n;
  };
  await expect(bear({ ask, expected: (n) => n }, 2, 60_000)).rejects.toThrow('question 7: expected 7, got seven');
});

test('a percentile is one of the values', () => {
  const values = Float64Array.of(1, 2, 3, 5, 8);
  expect([0, 0.5, 0.99, 1].map((q) => percentile(values, q))).toEqual([1, 3, 5, 8]);
});

test('the bytes of all sockets of this process are counted, in and out, also when they are closed', async () => {
  const server = createServer((socket) => socket.pipe(socket));
  try {
    const port = await listening(server);
    const before = socketBytes();
    expect(await echoed(connect(port, '127.0.0.1'), Buffer.alloc(1_000))).toBe(1_000);
    // Both ends are here: each wrote and read the thousand.
    expect(socketBytes() - before).toBe(4_000);
    expect(await echoed(connect(port, '127.0.0.1'), Buffer.alloc(70))).toBe(70);
    expect(socketBytes() - before).toBe(4_280);
  } finally {
    server.close();
  }
});

function listening(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
}

/** How many bytes came back before the other side closed, too. */
function echoed(socket: Socket, bytes: Buffer): Promise<number> {
  let count = 0;
  socket.on('data', (data) => {
    count += data.length;
  });
  socket.end(bytes);
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => resolve(count));
  });
}
