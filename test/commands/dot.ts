/** Reads dot as its grammar has it (graphviz.org/doc/info/lang.html), and counts; throws where it is not dot. */
export function dotStatements(text: string): { nodes: number; edges: number; subgraphs: number } {
  const tokens = text.match(/"(?:\\.|[^"\\])*"|--|[{}[\];=,]|[A-Za-z_]\w*|\S/g) ?? [];
  const counts = { edges: 0, nodes: 0, subgraphs: 0 };
  let at = 0;
  const isId = (token = '') => /^("|[A-Za-z_])/.test(token);
  const take = (wanted: string): void => {
    if (tokens[at] !== wanted) throw new Error(`${tokens[at]} in place of ${wanted}, token ${at}`);
    at++;
  };
  const id = (): void => {
    if (!isId(tokens[at])) throw new Error(`no name: ${tokens[at]}, token ${at}`);
    at++;
  };
  const attributes = (): void => {
    take('[');
    for (let first = true; tokens[at] !== ']'; first = false) {
      if (!first) take(',');
      id();
      take('=');
      id();
    }
    take(']');
  };
  const body = (): void => {
    take('{');
    while (tokens[at] !== '}') {
      if (tokens[at] === 'subgraph') {
        counts.subgraphs++;
        at++;
        id();
        body();
        continue;
      }
      const isDefault = tokens[at] === 'node';
      id();
      if (tokens[at] === '=') {
        take('=');
        id();
      } else if (tokens[at] === '--') {
        take('--');
        id();
        attributes();
        counts.edges++;
      } else {
        attributes();
        if (!isDefault) counts.nodes++;
      }
      take(';');
    }
    take('}');
  };
  take('graph');
  id();
  body();
  if (at !== tokens.length) throw new Error(`more after the end: ${tokens.slice(at).join(' ')}`);
  return counts;
}
