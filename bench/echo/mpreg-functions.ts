/** What a user would give to `mpreg node start --functions`. */
export function bench_echo(text: string): string {
  return text;
}
