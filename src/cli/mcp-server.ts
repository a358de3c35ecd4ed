/**
 * Serves the functions of the mesh as tools over stdin and stdout, until stdin ends or the command is stopped.
 *
 * The list of tools is asked for anew whenever somebody wants it; between times, the mesh's events say whether it has
 * changed. Requests run side by side. When stdin ends, those that were read are answered first.
 */
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
} from '@modelcontextprotocol/sdk/types.js';
import { type Client, ProblemError } from '../engine/index.ts';
import { CollectedItems } from './mcp-items.ts';
import { ToolInputs } from './mcp-schemas.ts';
import { argumentsOf, errorOf, type MeshTool, resultOf, toolsOf } from './mcp-tools.ts';

declare global {
  /** Why: the protocol's SDK names this type of browsers, which Node's own types have under no name. */
  type HeadersInit = NonNullable<ConstructorParameters<typeof Headers>[0]>;
}

export interface McpOptions {
  readonly client: Client;
  readonly version: string;
  /** For each call, in milliseconds; 0: no limit. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Changes come in crowds: a node brings all its functions at once. */
const SETTLE_MS = 200;

export async function serveMcp(options: McpOptions): Promise<void> {
  const mesh = new MeshTools(options);
  const server = new Server(
    { name: 'mpreg', version: options.version },
    { capabilities: { tools: { listChanged: true } }, instructions: INSTRUCTIONS },
  );
  server.setRequestHandler(ListToolsRequestSchema, async () => {
    return { tools: [...(await mesh.list()).values()].map(({ tool }) => tool) };
  });
  server.setRequestHandler(CallToolRequestSchema, ({ params }, { sendNotification, signal }) => {
    const progressToken = params._meta?.progressToken;
    const tell = (progress: number, message: string) => {
      if (progressToken === undefined) return;
      const notice = { method: 'notifications/progress', params: { message, progress, progressToken } } as const;
      void sendNotification(notice).catch(() => undefined); // whoever asked has gone
    };
    return mesh.call(params.name, params.arguments, signal, tell);
  });
  const ending = new AbortController();
  const ended = Promise.withResolvers<void>();
  server.oninitialized = () => void mesh.follow(() => server.sendToolListChanged(), ending.signal);
  server.onclose = () => ended.resolve();
  const answered = await connectStdio(server);
  const stop = () => void server.close();
  options.signal.addEventListener('abort', stop, { once: true });
  void options.client.closed.then(stop);
  process.stdin.once('end', () => void answered().then(stop));
  await ended.promise;
  ending.abort();
}

const INSTRUCTIONS =
  'Each tool is a function that runs on some node of a mesh. Where it takes "args" and "kwargs", these are its arguments in ' +
  'order and those that have names. An error whose outcome is "did-not-happen" may be tried again.';

/** The function that it returns resolves when every request that was read is answered. */
async function connectStdio(server: Server): Promise<() => Promise<void>> {
  const transport = new StdioServerTransport();
  const open = new Set<string | number>();
  const { promise, resolve } = Promise.withResolvers<void>();
  let waiting = false;
  const settle = (id: string | number) => {
    open.delete(id);
    if (waiting && open.size === 0) resolve();
  };
  const send = transport.send.bind(transport);
  transport.send = async (message) => {
    await send(message);
    if (('result' in message || 'error' in message) && message.id !== undefined) settle(message.id);
  };
  await server.connect(transport);
  const receive = transport.onmessage;
  transport.onmessage = (message) => {
    if ('method' in message && 'id' in message) open.add(message.id);
    receive?.(message);
    // What is cancelled is not answered any more (MCP 2025-06-18, cancellation).
    const { requestId } = ('params' in message ? message.params : undefined) ?? {};
    if ('method' in message && message.method === 'notifications/cancelled') settle(requestId as string | number);
  };
  return () => {
    waiting = true;
    if (open.size === 0) resolve();
    return promise;
  };
}

/** The mesh's side: which tools there are, and calls of them. */
class MeshTools {
  readonly #options: McpOptions;
  readonly #inputs: ToolInputs;
  #tools: ReadonlyMap<string, MeshTool> = new Map();
  /** The list as it was told last. */
  #told = '';

  constructor(options: McpOptions) {
    this.#options = options;
    this.#inputs = new ToolInputs(options.client);
  }

  async list(): Promise<ReadonlyMap<string, MeshTool>> {
    const functions = await this.#options.client.functions();
    this.#tools = toolsOf(functions, await this.#inputs.of(functions));
    this.#told = JSON.stringify([...this.#tools.values()]);
    return this.#tools;
  }

  async call(
    name: string,
    given: Readonly<Record<string, unknown>> | undefined,
    signal: AbortSignal,
    progress: (count: number, json: string) => void,
  ): Promise<CallToolResult> {
    const { client, timeoutMs } = this.#options;
    const enough = new AbortController();
    const items = new CollectedItems(() => enough.abort('no more fits into a result'), progress);
    try {
      const tool = this.#tools.get(name) ?? (await this.list()).get(name);
      if (tool === undefined) throw new McpError(ErrorCode.InvalidParams, `no tool ${name}`);
      const { fun, idempotent, named } = tool;
      const { args, kwargs } = argumentsOf(given, named);
      const reply = await client.ask(fun, args, {
        idempotent,
        onItem: (item) => items.push(item),
        signal: AbortSignal.any([signal, enough.signal]),
        timeoutMs,
        ...(kwargs && { kwargs }),
      });
      return items.any ? items.result() : resultOf(reply.value);
    } catch (error) {
      if (items.isFull) return items.result();
      if (error instanceof ProblemError) return errorOf(error.problem);
      throw error;
    }
  }

  /** Says so when the list is another than the one that was told, until `signal`. */
  async follow(changed: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    let settling: NodeJS.Timeout | undefined;
    const look = async () => {
      settling = undefined;
      const before = this.#told;
      await this.list();
      if (before !== '' && before !== this.#told) await changed();
    };
    const lookSoon = () => {
      settling ??= setTimeout(() => void look().catch(() => undefined), SETTLE_MS);
    };
    while (!signal.aborted) {
      try {
        const events = client.events({ signal });
        lookSoon(); // whatever changed while nobody listened
        for await (const event of events) if (event.kind === 'function') lookSoon();
      } catch {
        // The node went away. The client finds another, or is over, and then this is.
        if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      }
    }
    clearTimeout(settling);
  }
}
