/** Every key of the federation's screen, once: the input looks it up here, the footer and the help print it. */
export type View = 'clusters' | 'links' | 'tree' | 'map' | 'alerts' | 'events' | 'details' | 'help';

/** In the order of their digits. */
export const TABS = ['clusters', 'links', 'tree', 'map', 'alerts', 'events'] as const satisfies readonly View[];
export type Tab = (typeof TABS)[number];

export type Action =
  | 'up'
  | 'down'
  | 'page-up'
  | 'page-down'
  | 'first'
  | 'last'
  | 'open'
  | 'back'
  | 'filter'
  | 'sort'
  | 'pause'
  | 'next'
  | 'help'
  | 'quit'
  | Tab;

export interface Binding {
  readonly action: Action;
  /** As `keyNames` spells them. */
  readonly keys: readonly string[];
  /** As people read them. */
  readonly label: string;
  readonly says: string;
  readonly views: readonly View[];
  /** Whether the footer shows it; the help shows all. */
  readonly footer: boolean;
}

const EVERYWHERE: readonly View[] = [...TABS, 'details', 'help'];
/** Views with rows to choose. */
export const LISTS: readonly View[] = ['clusters', 'links', 'alerts', 'events'];
const SORTED: readonly View[] = ['clusters', 'links'];
const NOT_HELP: readonly View[] = [...TABS, 'details'];

export const KEYMAP: readonly Binding[] = [
  ...TABS.map(
    (tab, at): Binding => ({
      action: tab,
      footer: false,
      keys: [String(at + 1)],
      label: String(at + 1),
      says: tab,
      views: NOT_HELP,
    }),
  ),
  { action: 'next', footer: true, keys: ['tab'], label: 'tab', says: 'next view', views: NOT_HELP },
  { action: 'up', footer: false, keys: ['up', 'k'], label: '↑ k', says: 'up', views: EVERYWHERE },
  { action: 'down', footer: false, keys: ['down', 'j'], label: '↓ j', says: 'down', views: EVERYWHERE },
  { action: 'page-up', footer: false, keys: ['pageup'], label: 'PgUp', says: 'a screen up', views: EVERYWHERE },
  { action: 'page-down', footer: false, keys: ['pagedown'], label: 'PgDn', says: 'a screen down', views: EVERYWHERE },
  { action: 'first', footer: false, keys: ['home', 'g'], label: 'Home g', says: 'to the top', views: EVERYWHERE },
  { action: 'last', footer: false, keys: ['end', 'G'], label: 'End G', says: 'to the bottom', views: EVERYWHERE },
  { action: 'open', footer: true, keys: ['enter', 'right', 'l'], label: '⏎', says: 'why', views: LISTS },
  { action: 'back', footer: true, keys: ['escape', 'left', 'h'], label: 'esc', says: 'back', views: EVERYWHERE },
  { action: 'filter', footer: true, keys: ['/'], label: '/', says: 'filter', views: LISTS },
  { action: 'sort', footer: true, keys: ['s'], label: 's', says: 'sort', views: SORTED },
  { action: 'pause', footer: true, keys: ['space'], label: 'space', says: 'pause', views: NOT_HELP },
  { action: 'help', footer: true, keys: ['?'], label: '?', says: 'help', views: NOT_HELP },
  { action: 'quit', footer: true, keys: ['q', 'ctrl-c'], label: 'q', says: 'quit', views: EVERYWHERE },
];

export function actionOf(key: string, view: View): Action | undefined {
  return KEYMAP.find(({ keys, views }) => keys.includes(key) && views.includes(view))?.action;
}
