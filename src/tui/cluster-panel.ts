import { actionOf } from './keymap.ts';
import { frameOf, roomOf } from './layout.ts';
import { type Input, type Model, update } from './model.ts';
import { type Panel, pressing } from './panel.ts';

/** The members of the mesh. */
export const CLUSTER_PANEL: Panel<Model, Input> = {
  frameOf,
  pressed: pressing(actionOf, roomOf),
  update,
};
