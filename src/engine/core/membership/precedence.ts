/**
 * Which of two statements about one member counts (SWIM §4.2). Order of arrival never matters:
 *
 *     incarnation 7:  alive < suspect < dead < left   <   incarnation 8:  alive < suspect < …
 *
 * Only the member itself makes incarnations, so that it alone can take back what others say of it.
 */
import type { MemberState } from './messages.ts';

/** Incarnations above this are nobody's: there must be room to contradict. */
export const INCARNATION_MAX = 2 ** 52;

export interface Statement {
  readonly state: MemberState;
  readonly incarnation: number;
}

/** The state's place in a course of life, 0 to 3; −1 for what is no state. */
export function rank(state: MemberState): number {
  switch (state) {
    case 'alive':
      return 0;
    case 'suspect':
      return 1;
    case 'dead':
      return 2;
    case 'left':
      return 3;
    default:
      return -1;
  }
}

/** Whether `news` counts more than `known`; a repetition does not. */
export function supersedes(news: Statement, known: Statement): boolean {
  if (news.incarnation !== known.incarnation) return news.incarnation > known.incarnation;
  return rank(news.state) > rank(known.state);
}

/** Whether a statement means anything at all. */
export function isMeaningful(said: Statement): boolean {
  return (
    rank(said.state) >= 0 &&
    Number.isSafeInteger(said.incarnation) &&
    said.incarnation >= 0 &&
    said.incarnation <= INCARNATION_MAX
  );
}

/** Alive or suspected: to be probed, told and counted. */
export function isActive(said: { readonly state: MemberState }): boolean {
  return said.state === 'alive' || said.state === 'suspect';
}
