import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { afterResult } from '../../cli/failure.ts';
import { inputChunks } from '../../cli/io.ts';
import { jsonDocuments } from '../../cli/json-documents.ts';
import { checkPlan, errorDocument, type Plan, type Problem, problemError, type ReadPlan } from '../../engine/index.ts';

export default class PlanCheck extends BaseCommand<typeof PlanCheck> {
  static override summary = 'Say whether plans are valid, and what they will answer; runs nothing and needs no node.';
  static override description =
    'One line per plan; of a plan that is not valid, one per problem, with its place. Whether its functions are there is not ' +
    'looked at: `plan show` does that. With --json one object per plan: line, ok, and steps and results, or error (all in ' +
    'one) and problems (each with its path and step; of very many the first hundred).';
  static override examples = [
    '<%= config.bin %> <%= command.id %> plan.json',
    '<%= config.bin %> <%= command.id %> - --json < many.ndjson',
  ];
  static override args = {
    file: Args.string({ description: 'The file with the plans, or - for stdin.', ignoreStdin: true, required: true }),
  };

  async run(): Promise<void> {
    const { file } = this.args;
    const options = { note: (text: string) => this.output.note(text), signal: this.interruption.signal };
    let count = 0;
    let wrong = 0;
    let problems = 0;
    let first: { readonly line: number; readonly problem: Problem } | undefined;
    for await (const { line, value, wrong: no } of jsonDocuments(inputChunks(file, 'a plan', options), 'the plan')) {
      count++;
      const plan =
        no === undefined ? checkPlan(value) : ({ count: 1, ok: false, problem: no, problems: [no] } as const);
      if (plan.ok) {
        const { steps, results } = summary(plan.value);
        await this.output.event({ line, ok: true, steps, results }, `line ${line}: ${told(steps, results)}`);
      } else {
        wrong++;
        problems += plan.count;
        const [problem = plan.problem] = plan.problems;
        first ??= { line, problem };
        await this.output.event(
          { line, ok: false, error: errorDocument(plan.problem), problems: plan.problems.map(errorDocument) },
          linesOf(plan, line),
        );
      }
    }
    if (count === 0) throw problemError('input-invalid', `${file === '-' ? 'stdin' : file} holds no plan`);
    if (first === undefined) return;
    const { line, problem } = first;
    if (problems === 1) throw afterResult(problem, this.output);
    const plans = wrong === 1 ? 'one plan' : `${wrong} plans`;
    const says = `${problems} things are wrong with ${plans}; the first, on line ${line}: ${problem.message}`;
    throw afterResult({ ...problem, message: says }, this.output);
  }
}

/** A line for each problem, so that `grep` and editors find it. */
function linesOf({ count, problems }: Exclude<ReadPlan, { readonly ok: true }>, line: number): string {
  const lines = problems.map(({ message, path, step }) => {
    const place = path === undefined || message.startsWith(path) ? '' : `${path}: `;
    const name = step === undefined ? '' : ` (step ${step})`;
    return `line ${line}: not valid: ${place}${message}${name}`;
  });
  if (count > lines.length) lines.push(`line ${line}: not valid: … and ${count - lines.length} more`);
  return lines.join('\n');
}

function summary({ results, steps }: Plan): { readonly steps: number; readonly results: readonly string[] } {
  return { results: results.map((index) => steps[index]?.name ?? ''), steps: steps.length };
}

/** Of many results, so many are named. */
const NAMED_MAX = 8;

function told(steps: number, results: readonly string[]): string {
  const more = results.length > NAMED_MAX ? `, and ${results.length - NAMED_MAX} more` : '';
  return `ok, ${steps} ${steps === 1 ? 'step' : 'steps'}, results: ${results.slice(0, NAMED_MAX).join(', ')}${more}`;
}
