/** A function of somebody else's: whatever it throws is not its caller's trouble. */
export function guarded<Args extends readonly unknown[]>(
  call: (...args: Args) => void,
  threw: (error: unknown) => void,
): (...args: Args) => void {
  return (...args) => {
    try {
      call(...args);
    } catch (error) {
      threw(error);
    }
  };
}
