/** What all clients have in common: everything that they do, said by the three things that they can do. */
import type {
  AskOptions,
  CallFunction,
  CallOptions,
  Client,
  ExplainOptions,
  PlanDocument,
  Reply,
  RunOptions,
  TypedPlan,
  TypedReply,
} from '../api.ts';
import type { Explanation } from '../core/calls/explain.ts';
import type { PlanReply } from '../core/calls/messages.ts';
import type { NodeEvent } from '../core/node/effects.ts';
import type { FunctionView, MemberView, NodeSnapshot } from '../core/node/snapshot.ts';
import { withResume } from '../plan-resume.ts';

export abstract class ClientFace implements Client {
  readonly call: CallFunction = Object.assign(
    (fun: string, ...args: readonly unknown[]) => this.ask(fun, args).then(justValue),
    {
      with:
        (options: CallOptions) =>
        (fun: string, ...args: readonly unknown[]) =>
          this.ask(fun, args, options).then(justValue),
    },
  );

  abstract readonly node: Client['node'];
  abstract readonly closed: Promise<string>;
  abstract ask(fun: string, args: readonly unknown[], options?: AskOptions): Promise<Reply>;
  abstract runDocument(plan: PlanDocument, options?: RunOptions): Promise<PlanReply>;
  abstract stream(fun: string, args: readonly unknown[], options?: CallOptions): AsyncIterable<unknown>;
  abstract close(): Promise<void>;

  run<Results extends object>(plan: TypedPlan<Results>, options?: RunOptions): Promise<TypedReply<Results>>;
  run(plan: PlanDocument, options?: RunOptions): Promise<PlanReply>;
  async run(plan: PlanDocument | TypedPlan<object>, options: RunOptions = {}): Promise<PlanReply> {
    return this.runDocument(withResume(isTyped(plan) ? plan.toJSON() : plan, options), options);
  }

  async members(): Promise<readonly MemberView[]> {
    return (await this.info()).members;
  }

  async functions(): Promise<readonly FunctionView[]> {
    return (await this.call.with(on(undefined, true))('mpreg.functions')) as readonly FunctionView[];
  }

  async info(node?: string): Promise<NodeSnapshot> {
    return (await this.call.with(on(node, true))('mpreg.info')) as NodeSnapshot;
  }

  async explain(fun: string, { seenBy, ...wish }: ExplainOptions = {}): Promise<Explanation> {
    return (await this.call.with(on(seenBy, true))('mpreg.explain', fun, wish)) as Explanation;
  }

  async drain(node?: string): Promise<void> {
    await this.call.with(on(node))('mpreg.drain');
  }

  async undrain(node?: string): Promise<void> {
    await this.call.with(on(node))('mpreg.undrain');
  }

  async leave(node?: string, options: { readonly graceMs?: number } = {}): Promise<void> {
    await this.call.with(on(node))('mpreg.leave', options.graceMs ?? null);
  }

  events(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<NodeEvent & { readonly at: number }> {
    return this.stream('mpreg.events', [], options) as AsyncIterable<NodeEvent & { readonly at: number }>;
  }
}

function justValue({ value }: Reply): unknown {
  return value;
}

function isTyped(plan: PlanDocument | TypedPlan<object>): plan is TypedPlan<object> {
  return typeof plan === 'object' && plan !== null && 'toJSON' in plan && typeof plan.toJSON === 'function';
}

/** `reads`: a question that changes nothing may be asked twice. */
function on(node: string | undefined, reads = false): CallOptions {
  return { ...(node === undefined ? {} : { node }), ...(reads ? { idempotent: true } : {}) };
}
