/** What a thrown thing says. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
