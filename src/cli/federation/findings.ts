/** What is found wrong in a configuration file, and where. */

/** Keys and indices, from the outside in. */
export type Path = readonly (string | number)[];

export interface Finding {
  /** A warning is about what works and is hardly meant. */
  readonly severity: 'error' | 'warning';
  readonly path: Path;
  readonly message: string;
  /** What to write in its place. */
  readonly hint: string;
}

export interface FileProblem extends Omit<Finding, 'path'> {
  /** `clusters[2].bridge_url`; empty: the file as a whole. */
  readonly path: string;
  readonly line?: number;
}

export function pathText(path: Path): string {
  return path.reduce<string>(
    (whole, part) => whole + (typeof part === 'number' ? `[${part}]` : `${whole === '' ? '' : '.'}${part}`),
    '',
  );
}
