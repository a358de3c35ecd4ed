import { type Panel, pressing } from '../panel.ts';
import { actionOf } from './keymap.ts';
import { frameOf, roomOf } from './layout.ts';
import { type Input, type Model, update } from './model.ts';

/** Clusters, links, alerts and events of the federation. */
export const FEDERATION_PANEL: Panel<Model, Input> = {
  frameOf,
  pressed: pressing(actionOf, roomOf),
  update,
};
