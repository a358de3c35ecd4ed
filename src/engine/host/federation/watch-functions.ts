/** What a hub answers about health and alerts, for whoever asks by name: ordinary calls, as all that operators ask of nodes. */
import type { FunctionDefinition } from '../../api.ts';
import type { AlertView } from '../../core/federation/alert-records.ts';
import { ProblemError, problemError } from '../../problem-error.ts';
import type { HubWatch } from './hub-watch.ts';

/** `mpreg.federation.health`, `.alerts`, `.ack`, and `.told` for the other hubs of the cluster; `watch` throws `hub-missing` on a node that is no hub. */
export function watchFunctions(watch: () => HubWatch): readonly FunctionDefinition[] {
  return [
    { name: 'mpreg.federation.health', run: () => watch().health() },
    { name: 'mpreg.federation.alerts', run: () => watch().alerts() },
    { name: 'mpreg.federation.told', run: (said: unknown) => told(watch(), said) },
    { name: 'mpreg.federation.ack', run: (ask: unknown) => acknowledge(watch(), ask) },
  ];
}

/** `{ hub, book }`: what another hub of the cluster knows to have been told of alerts. */
function told(watch: HubWatch, said: unknown): null {
  const { book, hub } = (typeof said === 'object' && said !== null ? said : {}) as Record<string, unknown>;
  if (!watch.hear(text(hub, 'hub'), book)) throw problemError('input-invalid', 'book is not what hubs tell of alerts');
  return null;
}

async function acknowledge(watch: HubWatch, ask: unknown): Promise<readonly AlertView[]> {
  const { alert, by, note, ...more } = (typeof ask === 'object' && ask !== null ? ask : {}) as Record<string, unknown>;
  const [odd] = Object.keys(more);
  if (odd !== undefined) throw problemError('input-invalid', `an acknowledgement has no field "${odd}"`);
  const done = await watch.acknowledge(
    text(alert, 'alert'),
    text(by, 'by'),
    note === undefined ? undefined : text(note, 'note'),
  );
  if (!done.ok) throw new ProblemError(done.problem);
  return done.value;
}

/** Of what is stored and shown to others. */
const TEXT_MAX = 1_000;

function text(given: unknown, name: string): string {
  if (typeof given !== 'string' || given === '' || given.length > TEXT_MAX) {
    throw problemError('input-invalid', `${name} must be a text of at most ${TEXT_MAX} characters`);
  }
  return given;
}
