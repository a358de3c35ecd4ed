/**
 * Every key of the screen, once: the input looks it up here, the footer and the help print it.
 */
export type View = 'members' | 'details' | 'help';

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
  | 'help'
  | 'quit';

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

const EVERYWHERE: readonly View[] = ['members', 'details', 'help'];
const LISTS: readonly View[] = ['members', 'details'];

export const KEYMAP: readonly Binding[] = [
  { action: 'up', footer: false, keys: ['up', 'k'], label: '↑ k', says: 'up', views: EVERYWHERE },
  { action: 'down', footer: false, keys: ['down', 'j'], label: '↓ j', says: 'down', views: EVERYWHERE },
  { action: 'page-up', footer: false, keys: ['pageup'], label: 'PgUp', says: 'a screen up', views: EVERYWHERE },
  { action: 'page-down', footer: false, keys: ['pagedown'], label: 'PgDn', says: 'a screen down', views: EVERYWHERE },
  { action: 'first', footer: false, keys: ['home', 'g'], label: 'Home g', says: 'to the top', views: EVERYWHERE },
  { action: 'last', footer: false, keys: ['end', 'G'], label: 'End G', says: 'to the bottom', views: EVERYWHERE },
  { action: 'open', footer: true, keys: ['enter', 'right', 'l'], label: '⏎', says: 'details', views: ['members'] },
  { action: 'back', footer: true, keys: ['escape', 'left', 'h'], label: 'esc', says: 'back', views: EVERYWHERE },
  { action: 'filter', footer: true, keys: ['/'], label: '/', says: 'filter', views: ['members'] },
  { action: 'sort', footer: true, keys: ['s'], label: 's', says: 'sort', views: ['members'] },
  { action: 'pause', footer: true, keys: ['space'], label: 'space', says: 'pause', views: LISTS },
  { action: 'help', footer: true, keys: ['?'], label: '?', says: 'help', views: LISTS },
  { action: 'quit', footer: true, keys: ['q', 'ctrl-c'], label: 'q', says: 'quit', views: EVERYWHERE },
];

export function actionOf(key: string, view: View): Action | undefined {
  return KEYMAP.find(({ keys, views }) => keys.includes(key) && views.includes(view))?.action;
}

/** What the terminal framework says about a key. */
export interface RawKey {
  readonly upArrow?: boolean;
  readonly downArrow?: boolean;
  readonly leftArrow?: boolean;
  readonly rightArrow?: boolean;
  readonly pageUp?: boolean;
  readonly pageDown?: boolean;
  readonly home?: boolean;
  readonly end?: boolean;
  readonly return?: boolean;
  readonly escape?: boolean;
  readonly backspace?: boolean;
  readonly delete?: boolean;
  readonly ctrl?: boolean;
  readonly tab?: boolean;
}

/** The names of what was pressed: several where keys were so fast that they came together. */
export function keyNames(input: string, key: RawKey): readonly string[] {
  if (key.upArrow) return ['up'];
  if (key.downArrow) return ['down'];
  if (key.leftArrow) return ['left'];
  if (key.rightArrow) return ['right'];
  if (key.pageUp) return ['pageup'];
  if (key.pageDown) return ['pagedown'];
  if (key.home) return ['home'];
  if (key.end) return ['end'];
  if (key.return) return ['enter'];
  if (key.escape) return ['escape'];
  if (key.backspace || key.delete) return ['backspace'];
  if (key.tab) return ['tab'];
  if (key.ctrl) return [`ctrl-${input}`];
  return [...input].map((char) => NAMES[char] ?? char);
}

const NAMES: Readonly<Record<string, string>> = { ' ': 'space', '\n': 'enter', '\r': 'enter' };
