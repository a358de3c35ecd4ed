/**
 * Runs one command line, from its words to its exit code. Everything that a process does exactly once is here: signals,
 * broken pipes, and telling a failure.
 *
 * Exit codes are those of the problems (`mpreg errors`); 130 and 143 after an interruption; 0 when the reader of our
 * output went away.
 */
import { Config, Errors, Help, type Interfaces, run } from '@oclif/core';
import { didNotHappen, nearest, ProblemError, problemError } from '../engine/index.ts';
import { flagGiven, globalFlagsLast } from './command-line.ts';
import { failureDocument, failureOf, failureText } from './failure.ts';
import { globalFlags } from './global-flags.ts';
import { interruption } from './interruption.ts';
import { StdinIsTerminalError } from './io.ts';
import { endQuietlyOnBrokenPipe, Output } from './output.ts';

export async function runCommandLine(argv: readonly string[], load: Interfaces.LoadOptions): Promise<never> {
  endQuietlyOnBrokenPipe();
  interruption.listen();
  process.on('uncaughtException', (error) => void tell(error, argv, load).then((code) => process.exit(code)));
  const words = helpAsFlag(globalFlagsLast(argv));
  if (flagGiven(words, 'no-color')) process.env['NO_COLOR'] = '1'; // for help, which the command framework draws
  let code = 0;
  try {
    await Promise.race([run(words, load), interrupted()]);
    code = interruption.exitCode;
  } catch (error) {
    if (error instanceof Errors.ExitError) code = error.oclif.exit ?? 0;
    else code = await tell(interruption.signal.aborted ? afterInterruption(error) : error, words, load);
    if (interruption.signal.aborted) interruption.leave();
  }
  await flushed(process.stdout);
  process.exit(code);
}

/** `help node start` is `node start --help`. */
function helpAsFlag(words: readonly string[]): string[] {
  return words[0] === 'help' ? [...words.slice(1), '--help'] : [...words];
}

/** Rejects when the command was interrupted and did not end in the time that it has for that. */
function interrupted(): Promise<never> {
  return new Promise((_, reject) => {
    interruption.signal.addEventListener('abort', () => {
      setTimeout(() => reject(problemError('interrupted', 'interrupted')), interruption.graceMs);
    });
  });
}

/** Who was asked whether to go on, or for more on stdin, and interrupted that, is told that nothing was done. */
function afterInterruption(error: unknown): Error {
  const isKnown = error instanceof ProblemError && NOTHING_DONE.has(error.code) && didNotHappen(error.problem);
  return isKnown ? error : problemError('interrupted', 'interrupted');
}

const NOTHING_DONE: ReadonlySet<string> = new Set(['confirmation-missing', 'interrupted']);

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => (stream.writableLength === 0 ? resolve() : stream.write('', () => resolve())));
}

/** Tells the failure and returns its exit code. */
async function tell(error: unknown, words: readonly string[], load: Interfaces.LoadOptions): Promise<number> {
  const config = await Config.load(load);
  const output = new Output({
    json: flagGiven(words, 'json'),
    noColor: flagGiven(words, 'no-color'),
    quiet: flagGiven(words, 'quiet'),
    verbose: flagGiven(words, 'verbose'),
  });
  const command = commandWords(words, config);
  const failure = failureOf(withSuggestion(error, words, command, config), command);
  if (error instanceof StdinIsTerminalError && !output.json) {
    await new Help(config, { sendToStderr: true }).showHelp([...command]);
  }
  if (output.json) process.stdout.write(failureDocument(failure));
  else process.stderr.write(failureText(failure, output));
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  return failure.exitCode;
}

/** The same error, or for a command or flag that there is not, one that names the nearest. */
function withSuggestion(error: unknown, words: readonly string[], command: readonly string[], config: Config): unknown {
  if (!(error instanceof Errors.CLIError)) return error;
  if (/^command .* not found\.?$/is.test(error.message)) return unknownCommand(words, config);
  const [flag] = (error as { readonly flags?: readonly string[] }).flags ?? [];
  if (flag?.startsWith('--') !== true) return error;
  const flags = Object.keys({ ...globalFlags, ...config.findCommand(command.join(':'))?.flags });
  const meant = nearest(flag.slice(2), flags);
  const instead = meant === undefined ? 'words that begin with a dash come after --' : `did you mean --${meant}?`;
  return problemError('usage-invalid', `there is no flag ${flag}: ${instead}`);
}

/** The longest run of leading words that names a command or a group of them. */
function commandWords(words: readonly string[], config: Config): string[] {
  for (let count = words.length; count > 0; count--) {
    const id = words.slice(0, count).join(':');
    if (config.findCommand(id) !== undefined || config.findTopic(id) !== undefined) return words.slice(0, count);
  }
  return [];
}

function unknownCommand(words: readonly string[], config: Config): Error {
  const flag = words.findIndex((word) => word.startsWith('-'));
  const typed = words.slice(0, flag < 0 ? words.length : flag);
  if (typed.length === 0)
    return problemError('usage-invalid', `no command is named, and ${words[0]} is no global flag`);
  const names = config.commands.filter(({ hidden }) => !hidden).map(({ id }) => id.replaceAll(':', ' '));
  const groups = config.topics.map(({ name }) => name.replaceAll(':', ' '));
  const known = [...names, ...groups];
  const meant =
    nearest(typed.join(' '), known) ?? nearest(typed.slice(0, 2).join(' '), known) ?? nearest(typed[0] ?? '', known);
  return problemError('usage-invalid', `there is no command "${typed.join(' ')}"`, {
    hint: meant === undefined ? 'Look at all of them.\nmpreg --help' : `Did you mean this?\nmpreg ${meant}`,
  });
}
