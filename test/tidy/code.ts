/** The rules that one file can break by itself: size, shape, leaks of the real world into the core, left-over words. */
import { Visitor } from 'rolldown/utils';
import type { Complaint, Source } from './source.ts';

export const FUNCTION_LINES_MAX = 70;
export const FILE_LINES_MAX = 400;

/** What a rule reports with: the offset of the place, and what is wrong there. */
type Report = (offset: number, what: string) => void;

interface Rule {
  readonly name: string;
  readonly files: RegExp;
  readonly check: (source: Source, report: Report) => void;
}

interface Named {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly name?: unknown;
}

const DETERMINISTIC = /^src\/engine\/(core|sim)\//;
const ANY_CODE = /./;
const OUTSIDE = ['Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'Intl'];
const OUTSIDE_MEMBER = /^(crypto\.\w+|Math\.random|process\.(env|pid|hrtime|uptime|nextTick|memoryUsage|cwd|argv))$/;
const LOCALE = /^(localeCompare|toLocale\w*)$/;

/** Words of unfinished work. Spelled in parts, so that this file does not complain about itself. */
const UNFINISHED = new RegExp(
  `\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'for ' + 'now', 'not ' + 'implemented', 'place' + 'holder', 'simpli' + 'fied', 'st' + 'ub'].join('|')})\\b`,
  'g',
);

export const RULES: readonly Rule[] = [
  { check: functionLines, files: ANY_CODE, name: 'a function fits on a screen' },
  { check: noAsync, files: /^src\/engine\/core\//, name: 'the core is synchronous' },
  { check: noAny, files: /\.tsx?$/, name: 'no any' },
  { check: noDefaultExport, files: /^(src\/(?!commands\/)|test\/)/, name: 'no default exports but commands' },
  { check: noOutside, files: DETERMINISTIC, name: 'no clock, chance or locale where all must repeat' },
  { check: noPrivateKeyword, files: /^src\//, name: 'private is spelled #' },
  { check: noUnfinished, files: /^(src|bin|templates|scripts)\//, name: 'nothing unfinished' },
  { check: noLeftOut, files: /^test\//, name: 'no test is left out' },
  { check: noSilencing, files: ANY_CODE, name: 'the compiler is not silenced' },
  { check: kebabCase, files: /^(src|test)\//, name: 'files are named in kebab-case' },
];

/** Runs every rule over every file. `longFiles` may be longer than others, by name and up to a size of their own. */
export function checkCode(sources: readonly Source[], longFiles: Readonly<Record<string, number>> = {}): Complaint[] {
  const complaints: Complaint[] = [];
  for (const source of sources) {
    for (const rule of RULES) {
      if (!rule.files.test(source.path)) continue;
      rule.check(source, (offset, what) => {
        complaints.push({ line: source.lineOf(offset), path: source.path, rule: rule.name, what });
      });
    }
    complaints.push(...fileLines(source, longFiles[source.path]));
  }
  return complaints;
}

function fileLines(source: Source, allowed: number | undefined): Complaint[] {
  const lines = source.text.trimEnd().split('\n').length;
  const complain = (what: string) => [{ line: lines, path: source.path, rule: 'a file is one idea', what }];
  if (lines > (allowed ?? FILE_LINES_MAX)) return complain(`${lines} lines; at most ${allowed ?? FILE_LINES_MAX}`);
  if (allowed !== undefined && lines <= FILE_LINES_MAX) return complain('short enough: strike it from the exceptions');
  return [];
}

function functionLines(source: Source, report: Report): void {
  const measure = (node: Named) => {
    const lines = source.lineOf(node.end) - source.lineOf(node.start) + 1;
    if (lines > FUNCTION_LINES_MAX && !groupsTests(source, node)) {
      report(node.start, `${lines} lines; at most ${FUNCTION_LINES_MAX}`);
    }
  };
  new Visitor({
    ArrowFunctionExpression: measure,
    FunctionDeclaration: measure,
    FunctionExpression: measure,
  }).visit(source.program);
}

/** A function that groups tests is a chapter, not a function. */
function groupsTests(source: Source, node: Named): boolean {
  return (
    source.path.startsWith('test/') && /\b(describe|test|it)(\.\w+)*\(/.test(source.text.slice(node.start, node.end))
  );
}

function noAsync(source: Source, report: Report): void {
  const refuse = (node: Named & { async?: boolean }) => {
    if (node.async) report(node.start, 'async function');
  };
  new Visitor({
    ArrowFunctionExpression: refuse,
    AwaitExpression: (n) => report(n.start, 'await'),
    ForOfStatement: (n) => n.await && report(n.start, 'for await'),
    FunctionDeclaration: refuse,
    FunctionExpression: refuse,
    Identifier: (n: Named) => n.name === 'Promise' && report(n.start, 'Promise'),
  }).visit(source.program);
}

function noAny(source: Source, report: Report): void {
  new Visitor({ TSAnyKeyword: (n) => report(n.start, 'any') }).visit(source.program);
}

function noDefaultExport(source: Source, report: Report): void {
  new Visitor({ ExportDefaultDeclaration: (n) => report(n.start, 'export default') }).visit(source.program);
}

function noOutside(source: Source, report: Report): void {
  const fieldNames = new Set<number>(); // `task.process` and `{ process: 1 }` name a field, not the global
  const field = (n: { readonly key: Named; readonly computed?: boolean; readonly shorthand?: boolean }) => {
    if (!n.computed && !n.shorthand) fieldNames.add(n.key.start);
  };
  new Visitor({
    ForInStatement: (n) => report(n.start, 'for … in: iterate Map, Set or array'),
    Identifier: (n: Named) => {
      if (OUTSIDE.includes(String(n.name)) && !fieldNames.has(n.start)) report(n.start, String(n.name));
    },
    MemberExpression: (n) => {
      if (n.computed || n.property.type !== 'Identifier') return;
      fieldNames.add(n.property.start);
      const property = n.property.name;
      if (LOCALE.test(property)) report(n.start, property);
      const member = n.object.type === 'Identifier' ? `${n.object.name}.${property}` : '';
      if (OUTSIDE_MEMBER.test(member)) report(n.start, member);
    },
    MethodDefinition: field,
    Property: field,
    PropertyDefinition: field,
    TSMethodSignature: field,
    TSPropertySignature: field,
  }).visit(source.program);
}

function noPrivateKeyword(source: Source, report: Report): void {
  const refuse = (node: Named & { accessibility?: string | null; kind?: string }) => {
    if (node.accessibility === 'private' && node.kind !== 'constructor') report(node.start, 'private');
  };
  new Visitor({ MethodDefinition: refuse, PropertyDefinition: refuse }).visit(source.program);
}

function noUnfinished(source: Source, report: Report): void {
  for (const match of source.text.matchAll(UNFINISHED)) report(match.index, match[0]);
}

function noLeftOut(source: Source, report: Report): void {
  new Visitor({
    MemberExpression: (n) => {
      if (n.object.type !== 'Identifier' || n.property.type !== 'Identifier') return;
      const call = `${n.object.name}.${n.property.name}`;
      if (/^(it|test|describe|suite)\.(only|skip|todo)$/.test(call)) report(n.start, call);
    },
  }).visit(source.program);
}

function noSilencing(source: Source, report: Report): void {
  for (const comment of source.comments) {
    if (/^\s*@ts-(ignore|nocheck|expect-error)/.test(comment.value)) report(comment.start, comment.value.trim());
  }
}

function kebabCase(source: Source, report: Report): void {
  const name = source.path.split('/').at(-1) as string;
  if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|d))?\.(tsx?|mjs)$/.test(name)) report(0, name);
}
