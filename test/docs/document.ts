/**
 * What a Markdown document asks a reader to do: files to write and commands to type, in order, with what they print.
 *
 * In ```console and ```sh blocks a line that begins with `$ ` is a command; a `\` at its end continues it; the lines up to
 * the next command are what it prints. A block with a second word after its language (```ts hello.ts) is a file.
 * `<!-- $ command -->` is a command that only this reader sees: what a document takes for granted.
 * In shown output `…` stands for any text, alone on a line for any lines, and a run of blanks for any other run.
 */

export type Step =
  | { readonly kind: 'file'; readonly line: number; readonly name: string; readonly text: string }
  | {
      readonly kind: 'command';
      readonly line: number;
      readonly command: string;
      /** Ends with `&`: runs until the end of the document. */
      readonly background: boolean;
      /** The status that it says it exits with, as in `mpreg call nope  # exits with 3`; else 0. */
      readonly status: number;
      /** Empty where the document shows nothing. */
      readonly shown: readonly string[];
    };

export function stepsOf(text: string): Step[] {
  const lines = text.split('\n');
  const steps: Step[] = [];
  for (let at = 0; at < lines.length; at++) {
    const fence = /^(\s*)(`{3,})(\w*)[ \t]*(\S*)/.exec(lines[at] ?? '');
    if (!fence) {
      const hidden = /^<!-- (\$ .*) -->$/.exec(lines[at] ?? '')?.[1];
      if (hidden) steps.push(...commandsOf([hidden], at + 1));
      continue;
    }
    const [, indent = '', ticks = '', language = '', file = ''] = fence;
    const end = lines.findIndex((line, i) => i > at && line.trim() === ticks);
    if (end < 0) throw new Error(`line ${at + 1}: the block has no end`);
    const body = lines.slice(at + 1, end).map((line) => line.slice(indent.length));
    if (file) steps.push({ kind: 'file', line: at + 1, name: file, text: `${body.join('\n')}\n` });
    else if (language === 'console' || language === 'sh') steps.push(...commandsOf(body, at + 2));
    at = end;
  }
  return steps;
}

function commandsOf(body: readonly string[], firstLine: number): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < body.length; at++) {
    if (!body[at]?.startsWith('$ ')) continue;
    const line = firstLine + at;
    let command = (body[at] as string).slice(2);
    while (command.endsWith('\\') && at + 1 < body.length) command += `\n${body[++at]}`;
    const from = at + 1;
    while (at + 1 < body.length && !body[at + 1]?.startsWith('$ ')) at++;
    const shown = trim(body.slice(from, at + 1));
    const status = Number(/#\s*exits with (\d+)$/.exec(command)?.[1] ?? 0);
    const background = /(?<!&)&\s*$/.test(command);
    steps.push({
      background,
      command: background ? command.replace(/&\s*$/, '') : command,
      kind: 'command',
      line,
      shown,
      status,
    });
  }
  return steps;
}

/** Without empty lines at both ends. */
function trim(lines: readonly string[]): string[] {
  const full = (line: string) => line.trim() !== '';
  return lines.slice(lines.findIndex(full) < 0 ? lines.length : lines.findIndex(full), lines.findLastIndex(full) + 1);
}

/** Whether output is what the document shows. */
export function agrees(shown: readonly string[], output: string): boolean {
  const pattern = shown.map((line) => {
    if (line.trim() === '…') return '(?:[^\\n]*\\n)*?';
    const parts = line
      .trim()
      .split('…')
      .map((part) =>
        part
          .split(/\s+/)
          .map((word) => RegExp.escape(word))
          .join('[ \\t]+'),
      );
    return `[ \\t]*${parts.join('[^\\n]*')}[ \\t]*\\n`;
  });
  return new RegExp(`^\\s*${pattern.join('')}\\s*$`).test(`${plain(output).trimEnd()}\n`);
}

/** Without colours. */
export function plain(output: string): string {
  return output.replace(new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, 'g'), '').replaceAll('\r', '');
}
