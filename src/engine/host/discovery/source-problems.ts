/** What goes wrong with a place of discovery, in words. */
import { type ProblemError, problemError } from '../../problem-error.ts';

export function interrupted(name: string): ProblemError {
  return problemError('interrupted', `${name}: the search was given up`);
}

export function silent(name: string, why: string): ProblemError {
  return problemError('nobody-there', `${name}: ${why}`, {
    hint: 'Check that it is written rightly and in reach from here.\nmpreg federation discover --help',
  });
}

export function senseless(name: string, why: string): ProblemError {
  return problemError('input-invalid', `${name}: ${why}`, {
    hint: 'It must be a list of addresses: ["ws://hub.example:7400"].\nmpreg federation discover --help',
  });
}
