import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { inputChunks } from '../../cli/io.ts';
import { jsonDocuments, soundDocuments } from '../../cli/json-documents.ts';
import { drawPlan, planView } from '../../cli/plan-drawing.ts';
import { dropEmpty } from '../../cli/settings.ts';
import { checkPlan, type Explanation, type Plan, ProblemError, problemError, type Step } from '../../engine/index.ts';

export default class PlanShow extends BaseCommand<typeof PlanShow> {
  static override summary = 'Draw a plan: what runs first, what waits for what, and where each step could run now.';
  static override description =
    'Where no node can be reached, the plan is drawn without the places. Steps under one heading may run at once, but none ' +
    'waits for the others of a heading: a step starts as soon as the values that it needs are there.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> plan.json',
    '<%= config.bin %> <%= command.id %> plan.json --url ws://127.0.0.1:7400 --json',
  ];
  static override args = {
    file: Args.string({ description: 'The file with the plan, or - for stdin.', ignoreStdin: true, required: true }),
  };

  async run(): Promise<void> {
    const { file } = this.args;
    const options = { note: (text: string) => this.output.note(text), signal: this.interruption.signal };
    const documents = soundDocuments(jsonDocuments(inputChunks(file, 'a plan', options), 'the plan'));
    const { done, value } = await documents.next();
    if (done === true) throw problemError('input-invalid', `${file === '-' ? 'stdin' : file} holds no plan`);
    const plan = checkPlan(value.value);
    if (!plan.ok) throw new ProblemError(plan.problem);
    const { where, by, why } = await this.#where(plan.value);
    if (why !== undefined) this.output.note(`drawn without places: ${why}`);
    const steps = planView(plan.value, where);
    const text = drawPlan(steps, (style, words) => this.output.paint(style, words));
    await this.output.result({ seenBy: by ?? null, steps }, text);
  }

  /** Asks the node about each wish once, however many steps have it. */
  async #where(plan: Plan): Promise<{
    readonly where?: (step: Step) => Explanation;
    readonly by?: string;
    readonly why?: string;
  }> {
    try {
      const { name } = (await this.client()).node;
      const answers = new Map<string, Explanation>();
      const open = new Map(plan.steps.map((step) => [keyOf(step), step])).entries();
      const askOn = async () => {
        for (const [key, step] of open) answers.set(key, await this.#explain(step));
      };
      await Promise.all(Array.from({ length: AT_ONCE }, askOn));
      return { by: name, where: (step) => answers.get(keyOf(step)) as Explanation };
    } catch (error) {
      if (!(error instanceof ProblemError) || error.code === 'usage-invalid') throw error;
      return { why: error.message };
    }
  }

  #explain({ fun, functionId, locs, version }: Step): Promise<Explanation> {
    const wish = { locs, ...dropEmpty({ functionId, version }) };
    return this.ask(`where ${fun} could run`, (client) => client.explain(fun, wish));
  }
}

/** Questions under way at the same time. */
const AT_ONCE = 16;

function keyOf({ fun, functionId, locs, version }: Step): string {
  return JSON.stringify([fun, functionId, version, ...locs]);
}
