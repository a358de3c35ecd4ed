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

/** A key is a letter of a filter where one is typed, and else what its table says; `roomOf`: how much of the view fits. */
export function pressing<
  Model extends ScreenModel & { readonly view: unknown },
  Action extends string,
  Room extends object,
>(actionOf: (key: string, view: Model['view']) => Action | undefined, roomOf: (model: Model, size: Size) => Room) {
  return (model: Model, key: string, size: Size) => {
    if (model.typing && key !== 'ctrl-c' && key !== 'up' && key !== 'down') return { key, kind: 'typed' } as const;
    const action = actionOf(key, model.view);
    return action && ({ action, kind: 'action', ...roomOf(model, size) } as const);
  };
}
