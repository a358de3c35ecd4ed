/** All keys, from the table that the input uses. */
import { KEYMAP } from '../keymap.ts';
import { type Line, line } from '../text.ts';

const WHERE = { details: 'in details', help: 'in help', members: 'in the list' } as const;

export function helpView(): readonly Line[] {
  return [
    line({ style: 'bold', text: 'Keys' }),
    ...KEYMAP.map(({ label, says, views }) =>
      line(`  ${label.padEnd(8)} ${says.padEnd(16)}`, {
        style: 'dim',
        text: views.length === 3 ? '' : views.map((view) => WHERE[view]).join(', '),
      }),
    ),
    line(''),
    line('● alive   ? suspect   ✕ dead   ◐ draining   ○ left   * the node that is asked'),
    line('A filter is words that all must occur in name, state, address, region, resources or functions.'),
  ];
}
