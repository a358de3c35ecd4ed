/** How long a test waits for what must come, for `vi.waitFor`: as long as a machine may need that has a lot else to do. */
export const soon = { interval: 20, timeout: 60_000 };
