/** From `NAME=COMMAND`, or a command alone, to what is started. Throws `input-invalid`. */
import { nameMisfit } from '../../define-function.ts';
import { problemError } from '../../problem-error.ts';
import type { ExecCommand } from './exec-process.ts';
import { splitWords } from './split-words.ts';

const HINT = "Write it like 'predict=python3 predict.py'.\nmpreg node start --help";

export function execCommand(text: string): ExecCommand {
  const { name, line = '' } = /^(?:(?<name>[^\s'"\\/=]*)=)?(?<line>.*)$/s.exec(text)?.groups ?? {};
  const split = splitWords(line);
  const misfit = name === undefined ? undefined : nameMisfit(name);
  if (misfit !== undefined) throw problemError('input-invalid', `"${text}": ${misfit}`, { hint: HINT });
  if ('misfit' in split) throw problemError('input-invalid', `"${text}": ${split.misfit}`, { hint: HINT });
  const [program, ...args] = split.words;
  if (program === undefined || program === '')
    throw problemError('input-invalid', `"${text}" names no program`, { hint: HINT });
  return { args, name, program };
}
