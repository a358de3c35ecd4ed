/** What the screen knows and how it changes, without a screen. */
import { describe, expect, test } from 'vitest';
import { type Action, actionOf, KEYMAP, keyNames } from '../../src/tui/keymap.ts';
import { type Model, openMember, selectedMember, shown, update, visibleMembers, wanted } from '../../src/tui/model.ts';
import { member, seeing } from './sights.ts';

const room = { length: 40, page: 10 };
const act = (model: Model, ...actions: readonly Action[]): Model =>
  actions.reduce((now, action) => update(now, { action, kind: 'action', ...room }), model);
const type = (model: Model, ...keys: readonly string[]): Model =>
  keys.reduce((now, key) => update(now, { key, kind: 'typed' }), model);
const names = (model: Model) => visibleMembers(model).map(({ name }) => name);

const three = seeing(member('beta'), member('alpha'), member('gamma'));

describe('the cursor', () => {
  test('moves over the rows and stays within them', () => {
    expect(selectedMember(three)?.name).toBe('alpha');
    expect(selectedMember(act(three, 'down'))?.name).toBe('beta');
    expect(selectedMember(act(three, 'down', 'up', 'up'))?.name).toBe('alpha');
    expect(selectedMember(act(three, 'page-down'))?.name).toBe('gamma');
    expect(selectedMember(act(three, 'last', 'first'))?.name).toBe('alpha');
  });

  test('stays on its member while the order changes around it', () => {
    const on = act(three, 'down');
    const later = update(on, {
      kind: 'seen',
      sight: { at: 2000, members: [member('aaa'), member('beta', { state: 'suspect' }), member('gamma')] },
    });
    expect(names(later)).toEqual(['aaa', 'beta', 'gamma']);
    expect(selectedMember(later)?.name).toBe('beta');
    expect(names(act(later, 'sort'))).toEqual(['beta', 'aaa', 'gamma']);
    expect(selectedMember(act(later, 'sort'))?.name).toBe('beta');
  });

  test('goes to the first row when its member is no longer there', () => {
    const gone = update(act(three, 'last'), { kind: 'seen', sight: { at: 2000, members: [member('beta')] } });
    expect(selectedMember(gone)?.name).toBe('beta');
    expect(selectedMember(seeing())).toBeUndefined();
  });
});

describe('the order', () => {
  const mixed = seeing(
    member('d', { forMs: 4, record: { load: 9 }, state: 'left' }),
    member('c', { forMs: 3, record: { load: 1 }, state: 'dead' }),
    member('b', { forMs: 2, record: { load: 5 }, state: 'suspect' }),
    member('a', { forMs: 1, record: { load: 5 } }),
  );

  test('is by name, then what needs a look, then what changed last, then what is busy, then by name again', () => {
    expect(names(mixed)).toEqual(['a', 'b', 'c', 'd']);
    expect(names(act(mixed, 'sort'))).toEqual(['b', 'c', 'a', 'd']);
    expect(names(act(mixed, 'sort', 'sort'))).toEqual(['a', 'b', 'c', 'd']);
    expect(names(act(mixed, 'sort', 'sort', 'sort'))).toEqual(['d', 'a', 'b', 'c']);
    expect(act(mixed, 'sort', 'sort', 'sort', 'sort').sort).toBe('name');
  });
});

describe('the filter', () => {
  const functions = [{ name: 'train', resources: [], version: '1.0.0' }];
  const model = seeing(
    member('alpha', { record: { functions, region: 'eu', resources: ['gpu'] } }),
    member('beta', { record: { resources: ['gpu'] }, state: 'suspect' }),
  );

  test('wants all its words, in whatever is known of a member', () => {
    const filtered = (filter: string) => names(type(act(model, 'filter'), ...filter));
    expect(filtered('gpu')).toEqual(['alpha', 'beta']);
    expect(filtered('GPU')).toEqual(['alpha', 'beta']);
    expect(filtered('train')).toEqual(['alpha']);
    expect(filtered('eu')).toEqual(['alpha']);
    expect(names(type(act(model, 'filter'), 'g', 'p', 'u', 'space', 's', 'u', 's', 'p'))).toEqual(['beta']);
    expect(filtered('nothing')).toEqual([]);
  });

  test('is kept by enter and gone after escape', () => {
    const typing = type(act(model, 'filter'), 't', 'x', 'backspace', 'r');
    expect(typing).toMatchObject({ filter: 'tr', typing: true });
    expect(type(typing, 'enter')).toMatchObject({ filter: 'tr', typing: false });
    expect(type(typing, 'escape')).toMatchObject({ filter: '', typing: false });
    expect(act(type(typing, 'enter'), 'back').filter).toBe('');
  });

  test('takes no keys that are no characters, and not without end', () => {
    expect(type(act(model, 'filter'), 'pageup', 'left').filter).toBe('');
    expect(type(act(model, 'filter'), ...'x'.repeat(200)).filter).toHaveLength(80);
  });
});

describe('details', () => {
  test('open on the chosen member and stay on it', () => {
    const open = act(three, 'down', 'open');
    expect(open.view).toBe('details');
    expect(openMember(open)?.name).toBe('beta');
    expect(wanted(open)).toBe('id-beta');
    const gone = update(open, { kind: 'seen', sight: { at: 2000, members: [member('alpha')] } });
    expect(openMember(gone)).toBeUndefined();
    expect(act(open, 'back').view).toBe('members');
    expect(wanted(act(open, 'back'))).toBeUndefined();
  });

  test('do not open where there is nobody', () => {
    expect(act(seeing(), 'open').view).toBe('members');
  });

  test('scroll as far as there is something, under help too', () => {
    const open = act(three, 'open');
    expect(act(open, 'down').scroll).toBe(1);
    expect(act(open, 'up').scroll).toBe(0);
    expect(act(open, 'last').scroll).toBe(30);
    expect(act(open, 'last', 'page-up').scroll).toBe(20);
    expect(act(open, 'last', 'help')).toMatchObject({ scroll: 0, view: 'help' });
    expect(act(open, 'help', 'back').view).toBe('details');
  });
});

test('while it is paused the picture stands still, and goes on with the newest', () => {
  const paused = act(three, 'pause');
  const later = update(paused, { kind: 'seen', sight: { at: 9000, members: [member('alone')] } });
  expect(shown(later)?.at).toBe(1000);
  expect(names(later)).toEqual(['alpha', 'beta', 'gamma']);
  expect(wanted(act(later, 'open'))).toBeUndefined();
  expect(names(act(later, 'pause'))).toEqual(['alone']);
});

test('a lost connection is told with who it was and since when, until there is another', () => {
  const lost = update(three, { at: 5000, kind: 'lost', reason: 'gone' });
  expect(lost.connection).toEqual({ kind: 'lost', name: 'alpha', reason: 'gone', since: 5000 });
  const still = update(lost, { at: 8000, kind: 'lost', reason: 'again' });
  expect(still.connection).toMatchObject({ since: 5000 });
  const back = update(still, { kind: 'connected', name: 'beta', url: 'ws://b' });
  expect(back.connection).toEqual({ kind: 'connected', name: 'beta', url: 'ws://b' });
});

test('events are kept newest first, and not without end', () => {
  let model = three;
  for (let at = 0; at < 70; at++) model = update(model, { event: { at, kind: 'paused', ms: 7 }, kind: 'event' });
  expect(model.events).toHaveLength(50);
  expect(model.events[0]?.at).toBe(69);
});

describe('the table of keys', () => {
  test('gives a key one meaning in a view, and every action a key', () => {
    for (const view of ['members', 'details', 'help'] as const) {
      const keys = KEYMAP.filter(({ views }) => views.includes(view)).flatMap((binding) => binding.keys);
      expect(new Set(keys).size).toBe(keys.length);
    }
    expect(actionOf('s', 'members')).toBe('sort');
    expect(actionOf('s', 'details')).toBeUndefined();
    expect(actionOf('ctrl-c', 'help')).toBe('quit');
  });

  test('names keys as the terminal sends them, also when several come at once', () => {
    expect(keyNames('', { upArrow: true })).toEqual(['up']);
    expect(keyNames('c', { ctrl: true })).toEqual(['ctrl-c']);
    expect(keyNames('jj q', {})).toEqual(['j', 'j', 'space', 'q']);
    expect(keyNames('', { delete: true })).toEqual(['backspace']);
  });

  test('ends only by quitting', () => {
    expect(act(three, 'quit').ended).toBe(true);
    expect(act(three, 'open', 'back', 'help', 'pause').ended).toBe(false);
  });
});
