/** The rules that hold between files: what the catalogue promises is raised and tested; commands show how; options say what they cost. */
import { Visitor } from 'rolldown/utils';
import type { Complaint, Source } from './source.ts';

/** Codes that nothing raises, and codes that no test names. A code of `expected` that is raised and tested is too much. */
export function checkProblems(
  codes: readonly string[],
  sources: readonly Source[],
  expected: { readonly unraised: readonly string[]; readonly untested: readonly string[] },
): Complaint[] {
  const catalogue = 'src/engine/core/base/problems.ts';
  const raised = literals(sources.filter((s) => s.path.startsWith('src/') && s.path !== catalogue));
  const tested = texts(sources.filter((s) => s.path.startsWith('test/') && !s.path.startsWith('test/tidy')));
  const complain = (rule: string, what: string) => ({ line: 1, path: catalogue, rule, what });
  return codes.flatMap((code) => {
    const inTests = new RegExp(`(?<![\\w-])${code}(?![\\w-])`).test(tested);
    return [
      ...compare('a problem is raised somewhere', code, raised.has(code), expected.unraised, complain),
      ...compare('a problem is named by some test', code, inTests, expected.untested, complain),
    ];
  });
}

function compare(
  rule: string,
  code: string,
  found: boolean,
  exceptions: readonly string[],
  complain: (rule: string, what: string) => Complaint,
): Complaint[] {
  if (!found && !exceptions.includes(code)) return [complain(rule, code)];
  if (found && exceptions.includes(code)) return [complain(rule, `${code} is: strike it from the exceptions`)];
  return [];
}

/** Every command has a description and examples, and some test runs it. */
export function checkCommands(sources: readonly Source[]): Complaint[] {
  const tests = texts(sources.filter((s) => s.path.startsWith('test/')));
  return sources
    .filter((s) => s.path.startsWith('src/commands/'))
    .flatMap((source) => {
      const words = source.path.replace(/^src\/commands\/|\.tsx?$|\/index\.tsx?$/g, '').split('/');
      const statics = staticsOf(source);
      const complain = (rule: string, what: string) => ({ line: 1, path: source.path, rule, what });
      return [
        ...(statics.has('summary') || statics.has('description')
          ? []
          : [complain('a command says what it does', 'no static summary')]),
        ...(statics.has('examples') ? [] : [complain('a command shows how', 'no static examples')]),
        ...(new RegExp(`(?<![\\w-])${words.join(`['",\\s:]+`)}(?![\\w-])`).test(tests)
          ? []
          : [complain('a command is run by some test', words.join(' '))]),
      ];
    });
}

/** The static properties of a class with something in them. */
function staticsOf(source: Source): Set<string> {
  const names = new Set<string>();
  new Visitor({
    PropertyDefinition: (n) => {
      if (!n.static || n.key.type !== 'Identifier' || !n.value) return;
      if (n.value.type === 'ArrayExpression' && n.value.elements.length === 0) return;
      if (n.value.type === 'Literal' && n.value.value === '') return;
      names.add(n.key.name);
    },
  }).visit(source.program);
  return names;
}

/** Both directions of the trade-off, in the words that the options use. */
const DIRECTION =
  /\b(More|Fewer|Less|Larger|Smaller|Longer|Shorter|Higher|Lower|Too (many|few|long|short|large|small)|Trade-off)\b/i;
const UNIT = /(Ms|Bytes|BytesMax|MsMax|Max|Min|Factor|Multiplier|Rounds|Count|Share|Limit)$/;

/** In every `options.ts` of the core, a number has a unit in its name and a comment that says what moves with it. */
export function checkOptions(sources: readonly Source[]): Complaint[] {
  const complaints: Complaint[] = [];
  for (const source of sources.filter((s) => /^src\/engine\/core\/.*\/options\.ts$/.test(s.path))) {
    new Visitor({
      TSPropertySignature: (n) => {
        if (n.key.type !== 'Identifier' || n.typeAnnotation?.typeAnnotation.type !== 'TSNumberKeyword') return;
        const complain = (what: string) =>
          complaints.push({
            line: source.lineOf(n.start),
            path: source.path,
            rule: 'an option says what it costs',
            what,
          });
        const name = n.key.name;
        const comment = source.comments.find((c) => c.end < n.start && source.text.slice(c.end, n.start).trim() === '');
        if (!UNIT.test(name) && !UNIT.test(`${name[0]?.toUpperCase()}${name.slice(1)}`)) complain(`${name}: no unit`);
        if (!DIRECTION.test(comment?.value ?? '')) complain(`${name}: no trade-off in its comment`);
      },
    }).visit(source.program);
  }
  return complaints;
}

/** All strings of the code; the parts of templates too. */
function literals(sources: readonly Source[]): Set<string> {
  const found = new Set<string>();
  for (const { program } of sources) {
    new Visitor({
      Literal: (n) => {
        if (typeof n.value === 'string') found.add(n.value);
      },
    }).visit(program);
  }
  return found;
}

function texts(sources: readonly Source[]): string {
  return sources.map((s) => s.text).join('\n');
}
