/** What a node does about what it keeps, for whoever asks by name: ordinary calls, as all that operators ask of nodes. */
import type { FunctionDefinition } from '../../api.ts';
import type { Outcome } from '../../core/base/outcome.ts';
import type { Exchange } from '../../core/topics/exchange.ts';
import { parsePattern } from '../../core/topics/pattern.ts';
import type { Keeper } from '../../flow/keeper.ts';
import { ProblemError, problemError } from '../../problem-error.ts';
import type { KeepOptions, KeepView } from '../../topics-api.ts';

export interface KeepHost {
  keeper(): Keeper;
  exchange(): Pick<Exchange<unknown>, 'isSelf' | 'keeps'> | undefined;
  /** What a node calls itself. */
  nameOf(node: string): string;
  /** What this node keeps is something else now. */
  keepChanged?(change: 'kept' | 'unkept', keep: KeepView): void;
}

/** `mpreg.keep`, `mpreg.unkeep`, `mpreg.keeps`, `mpreg.keeper`, `mpreg.forget-reader`. */
export function keepFunctions(host: KeepHost): readonly FunctionDefinition[] {
  return [
    { name: 'mpreg.keep', run: (pattern: unknown, options: unknown) => keep(host, pattern, options) },
    {
      name: 'mpreg.unkeep',
      run: async (pattern: unknown) => {
        const keep = await settled<KeepView>((then) => host.keeper().unkeep(textOf(pattern), then));
        host.keepChanged?.('unkept', keep);
        return keep;
      },
    },
    { name: 'mpreg.keeps', run: () => host.keeper().views() },
    { name: 'mpreg.keeper', run: (pattern: unknown) => keeperOf(host, textOf(pattern)) },
    {
      name: 'mpreg.forget-reader',
      run: (pattern: unknown, name: unknown) => value(host.keeper().forget(textOf(pattern), textOf(name))),
    },
  ];
}

async function keep(host: KeepHost, pattern: unknown, options: unknown): Promise<KeepView> {
  const text = textOf(pattern);
  const wanted = optionsOf(options);
  const [other] = keeperOf(host, text);
  if (other?.self === false && other.inReach) {
    const hint = `Change it there.\nmpreg topic keep '${text}' --node ${other.node}`;
    throw problemError('exists-already', `${text} is kept on ${other.node} already`, { hint });
  }
  const kept = await settled<KeepView>((then) => host.keeper().keep(text, wanted, then));
  host.keepChanged?.('kept', kept);
  return kept;
}

/** The node that keeps exactly that pattern, as far as this one knows; a list, of one or none. */
function keeperOf(host: KeepHost, pattern: string) {
  const parsed = value(parsePattern(pattern));
  const exchange = host.exchange();
  const found = exchange?.keeps.of(parsed);
  if (exchange === undefined || found === undefined) return [];
  const { inReach, node } = found;
  return [{ id: node, inReach, node: host.nameOf(node), self: exchange.isSelf(node) }];
}

function optionsOf(given: unknown): KeepOptions {
  const { ageMs, bytesMax, countMax, memory, ...more } = (given ?? {}) as Record<string, unknown>;
  const [odd] = Object.keys(more);
  if (odd !== undefined) throw problemError('input-invalid', `a keep has no option "${odd}"`);
  for (const [name, limit] of Object.entries({ ageMs, bytesMax, countMax })) {
    if (limit !== undefined && !(Number.isSafeInteger(limit) && Number(limit) > 0)) {
      throw problemError('input-invalid', `${name} must be a whole number above 0`);
    }
  }
  if (memory !== undefined && typeof memory !== 'boolean') {
    throw problemError('input-invalid', 'memory must be true or false');
  }
  return given === undefined ? {} : (given as KeepOptions);
}

function settled<Value>(ask: (then: (outcome: Outcome<Value>) => void) => void): Promise<Value> {
  return new Promise((resolve, reject) => {
    ask((outcome) => (outcome.ok ? resolve(outcome.value) : reject(new ProblemError(outcome.problem))));
  });
}

function value<Value>(outcome: Outcome<Value>): Value {
  if (!outcome.ok) throw new ProblemError(outcome.problem);
  return outcome.value;
}

function textOf(given: unknown): string {
  if (typeof given !== 'string' || given === '')
    throw problemError('input-invalid', 'the pattern and the name are texts');
  return given;
}
