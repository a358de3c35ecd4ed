/**
 * What the screen knows, and how it changes: plain data and one pure function. No clock, no terminal, no network: the
 * feed and the keys bring everything in, and the views only read.
 *
 * Invariants: `selected` names a row by its id, so it stays on its member whatever the order is; while paused, `shown`
 * does not change and `sight` does.
 */
import type { MemberView, NodeEvent, NodeSnapshot } from '../engine/index.ts';
import type { Action, View } from './keymap.ts';

/** What one question was answered with. */
export interface Sight {
  readonly members: readonly MemberView[];
  /** Milliseconds since 1970, when the answer was in. */
  readonly at: number;
}

export type Connection =
  | { readonly kind: 'connected'; readonly name: string; readonly url: string }
  /** `name`: who it was. */
  | { readonly kind: 'lost'; readonly name: string; readonly reason: string; readonly since: number };

export type SeenEvent = NodeEvent & { readonly at: number };

export const SORTS = ['name', 'state', 'for', 'load'] as const;
export type Sort = (typeof SORTS)[number];

export interface Model {
  readonly connection: Connection;
  readonly sight: Sight | undefined;
  /** What was seen when it was paused; undefined while it is not. */
  readonly frozen: Sight | undefined;
  /** Newest first. */
  readonly events: readonly SeenEvent[];
  /** What the open node said of itself last; undefined where it did not answer. */
  readonly inspected: { readonly id: string; readonly snapshot: NodeSnapshot | undefined } | undefined;
  readonly view: View;
  /** The view under the help. */
  readonly under: View;
  readonly selected: string | undefined;
  /** First line shown of details and help. */
  readonly scroll: number;
  readonly filter: string;
  readonly typing: boolean;
  readonly sort: Sort;
  readonly ended: boolean;
}

export type Input =
  | { readonly kind: 'connected'; readonly name: string; readonly url: string }
  | { readonly kind: 'lost'; readonly reason: string; readonly at: number }
  | { readonly kind: 'seen'; readonly sight: Sight }
  | { readonly kind: 'event'; readonly event: SeenEvent }
  | { readonly kind: 'inspected'; readonly id: string; readonly snapshot: NodeSnapshot | undefined }
  /** `page`: how many lines of the view fit; `length`: how many it has. */
  | { readonly kind: 'action'; readonly action: Action; readonly page: number; readonly length: number }
  /** A key while the filter is typed. */
  | { readonly kind: 'typed'; readonly key: string };

const EVENTS_MAX = 50;
const FILTER_MAX = 80;

export function initialModel(name: string, url: string): Model {
  return {
    connection: { kind: 'connected', name, url },
    ended: false,
    events: [],
    filter: '',
    frozen: undefined,
    inspected: undefined,
    scroll: 0,
    selected: undefined,
    sight: undefined,
    sort: 'name',
    typing: false,
    under: 'members',
    view: 'members',
  };
}

export function update(model: Model, input: Input): Model {
  switch (input.kind) {
    case 'connected':
      return { ...model, connection: { kind: 'connected', name: input.name, url: input.url } };
    case 'lost':
      if (model.connection.kind === 'lost') return model;
      return {
        ...model,
        connection: { kind: 'lost', name: model.connection.name, reason: input.reason, since: input.at },
      };
    case 'seen':
      return { ...model, sight: input.sight };
    case 'event':
      return { ...model, events: [input.event, ...model.events].slice(0, EVENTS_MAX) };
    case 'inspected':
      return { ...model, inspected: { id: input.id, snapshot: input.snapshot } };
    case 'typed':
      return typed(model, input.key);
    case 'action':
      return act(model, input.action, input.page, input.length);
  }
}

/** What is on the screen: the newest, or what was there when it was paused. */
export function shown(model: Model): Sight | undefined {
  return model.frozen ?? model.sight;
}

/** The members in the order of the screen, without those that the filter leaves out. */
export function visibleMembers(model: Model): readonly MemberView[] {
  const words = model.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const members = (shown(model)?.members ?? []).filter((member) => {
    const text = wordsOf(member);
    return words.every((word) => text.includes(word));
  });
  return members.toSorted((a, b) => compare(a, b, model.sort) || order(a.name, b.name) || order(a.id, b.id));
}

export function selectedMember(model: Model): MemberView | undefined {
  const members = visibleMembers(model);
  return members.find(({ id }) => id === model.selected) ?? members[0];
}

/** The member whose details are open, also where the filter would leave it out. */
export function openMember(model: Model): MemberView | undefined {
  return shown(model)?.members.find(({ id }) => id === model.selected);
}

/** The node that the feed should ask about itself, if any. */
export function wanted(model: Model): string | undefined {
  return model.view === 'details' && model.frozen === undefined ? model.selected : undefined;
}

function act(model: Model, action: Action, page: number, length: number): Model {
  switch (action) {
    case 'quit':
      return { ...model, ended: true };
    case 'help':
      return { ...model, scroll: 0, under: model.view, view: 'help' };
    case 'pause':
      return { ...model, frozen: model.frozen === undefined ? model.sight : undefined };
    case 'sort':
      return { ...model, sort: SORTS[(SORTS.indexOf(model.sort) + 1) % SORTS.length] ?? 'name' };
    case 'filter':
      return { ...model, typing: true };
    case 'open': {
      const selected = selectedMember(model)?.id;
      return selected === undefined ? model : { ...model, inspected: undefined, scroll: 0, selected, view: 'details' };
    }
    case 'back':
      if (model.view === 'help') return { ...model, scroll: 0, view: model.under };
      return model.view === 'details' ? { ...model, view: 'members' } : { ...model, filter: '' };
    default:
      return move(model, action, page, length);
  }
}

type Motion = Exclude<Action, 'quit' | 'help' | 'pause' | 'sort' | 'filter' | 'open' | 'back'>;

function move(model: Model, motion: Motion, page: number, length: number): Model {
  const to = (at: number, last: number): number => {
    const step = { down: 1, first: -last, last, 'page-down': page, 'page-up': -page, up: -1 }[motion];
    return Math.min(last, Math.max(0, at + step));
  };
  if (model.view !== 'members') return { ...model, scroll: to(model.scroll, Math.max(0, length - page)) };
  const members = visibleMembers(model);
  const at = Math.max(
    0,
    members.findIndex(({ id }) => id === model.selected),
  );
  return { ...model, selected: members[to(at, members.length - 1)]?.id };
}

function typed(model: Model, key: string): Model {
  const { filter } = model;
  if (key === 'enter') return { ...model, typing: false };
  if (key === 'escape') return { ...model, filter: '', typing: false };
  if (key === 'backspace') return { ...model, filter: [...filter].slice(0, -1).join('') };
  const char = key === 'space' ? ' ' : key;
  return [...char].length === 1 && filter.length < FILTER_MAX ? { ...model, filter: filter + char } : model;
}

function wordsOf({ name, state, id, address, record }: MemberView): string {
  const functions = (record?.functions ?? []).map((fun) => fun.name);
  return [name, state, id, address, record?.region ?? '', ...(record?.resources ?? []), ...functions]
    .join(' ')
    .toLowerCase();
}

/** What needs a look comes first. */
const TROUBLE: readonly MemberView['state'][] = ['suspect', 'dead', 'draining', 'alive', 'left'];

function compare(a: MemberView, b: MemberView, sort: Sort): number {
  switch (sort) {
    case 'name':
      return 0;
    case 'state':
      return TROUBLE.indexOf(a.state) - TROUBLE.indexOf(b.state);
    case 'for':
      return a.forMs - b.forMs;
    case 'load':
      return (b.record?.load ?? -1) - (a.record?.load ?? -1);
  }
}

function order(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
