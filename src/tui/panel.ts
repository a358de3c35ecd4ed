import type { Line } from './text.ts';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** What a screen shows and how it answers, without the terminal: the cluster has one, the federation another. All of it pure. */
export interface Panel<Model extends ScreenModel, Input> {
  update(model: Model, input: Input): Model;
  /** Never more lines than rows, never a line wider than the screen. */
  frameOf(model: Model, size: Size, now: number): readonly Line[];
  /** What a key means now; undefined: nothing. */
  pressed(model: Model, key: string, size: Size): Input | undefined;
}

export interface ScreenModel {
  /** Somebody wants to leave. */
  readonly ended: boolean;
  /** Keys are letters of a filter. */
  readonly typing: boolean;
}

/** Whether a key is a letter of a filter, and no command. */
export function isTyped({ typing }: ScreenModel, key: string): boolean {
  return typing && key !== 'ctrl-c' && key !== 'up' && key !== 'down';
}
