import { actionOf } from './keymap.ts';
import { frameOf, roomOf } from './layout.ts';
import { type Input, type Model, update } from './model.ts';
import { isTyped, type Panel } from './panel.ts';

/** The members of the mesh. */
export const CLUSTER_PANEL: Panel<Model, Input> = {
  frameOf,
  pressed: (model, key, size) => {
    if (isTyped(model, key)) return { key, kind: 'typed' };
    const action = actionOf(key, model.view);
    return action && { action, kind: 'action', ...roomOf(model, size) };
  },
  update,
};
