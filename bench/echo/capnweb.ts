/** Cap'n Web over one WebSocket: client → server, two processes. */
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { newWebSocketRpcSession, RpcTarget } from 'capnweb';
import { WebSocketServer } from 'ws';
import { startRole } from '../processes.ts';
import { load } from './load.ts';

class Echo extends RpcTarget {
  say(text: string): string {
    return text;
  }
}

if (process.argv[2] === 'server') {
  const http = createServer();
  new WebSocketServer({ server: http }).on('connection', (socket) => {
    void newWebSocketRpcSession(socket as unknown as WebSocket, new Echo());
  });
  http.listen(0, '127.0.0.1', () => console.log(`ready ${(http.address() as { port: number }).port}`));
} else {
  const port = await startRole(fileURLToPath(import.meta.url), 'server');
  const echo = newWebSocketRpcSession<Echo>(`ws://127.0.0.1:${port}`);
  await load(async (text) => await echo.say(text));
  process.exit(0);
}
