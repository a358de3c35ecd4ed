/** A real terminal: tmux, with a server of its own, in which a shell runs. */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { until } from '../acceptance/until.ts';

/** Why there is none, or undefined. */
export const noTerminal = spawnSync('tmux', ['-V']).status === 0 ? undefined : 'tmux is not installed';

export class Terminal {
  readonly #socket = `mpreg-${randomUUID()}`;

  constructor(env: Readonly<Record<string, string>>, size: { readonly columns: number; readonly rows: number }) {
    const settings = Object.entries({ ...env, PS1: '$ ', TERM: 'xterm-256color' }).map(
      ([name, value]) => `${name}=${value}`,
    );
    const shell = ['env', '-i', ...settings, 'sh'];
    const place = ['-x', String(size.columns), '-y', String(size.rows)];
    this.#tmux('-f', '/dev/null', 'new-session', '-d', ...place, ...shell);
  }

  /** What is on the screen. */
  get screen(): string {
    return this.#tmux('capture-pane', '-p');
  }

  /** As tmux names keys: `Enter`, `Escape`, `C-c`, `Down`; everything else is typed as it is. */
  keys(...keys: readonly string[]): void {
    this.#tmux('send-keys', ...keys);
  }

  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** Whether a program has taken the whole screen. */
  get alternate(): boolean {
    return this.#tmux('display-message', '-p', '#{alternate_on}').trim() === '1';
  }

  async shows(text: string | RegExp, timeoutMs = 20_000): Promise<string> {
    const there = (screen: string) => (typeof text === 'string' ? screen.includes(text) : text.test(screen));
    await until(`the screen shows ${text}`, () => this.screen, there, timeoutMs);
    return this.screen;
  }

  close(): void {
    spawnSync('tmux', ['-L', this.#socket, 'kill-server']);
  }

  #tmux(...args: readonly string[]): string {
    return execFileSync('tmux', ['-L', this.#socket, ...args], { encoding: 'utf8' });
  }
}
