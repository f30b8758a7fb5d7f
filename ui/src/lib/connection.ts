/** The relays' states in people's words. Pure. */
import type { Connection, RelayId, RelayState, Status } from './backend/bindings';
import { certificateTrouble } from './certificate';
import { say } from './language.svelte';
import { since } from './time';
import { m } from './words/messages.js';

/** What needs the person most comes last; as the agent weighs it (`Status::connection`). */
const WEIGHTS: Connection['state'][] = [
  'not-configured',
  'connected',
  'connecting',
  'offline',
  'taken-over',
  'refused',
  'untrusted',
];

const weight = (connection: Connection) => WEIGHTS.indexOf(connection.state);

/** The state that says most about all relays together. */
export function connectionOf(status: Status): Connection {
  return status.relays.reduce<Connection>(
    (worst, { connection }) => (weight(connection) > weight(worst) ? connection : worst),
    { state: 'not-configured' },
  );
}

/** A relay by its id; none for the one where nothing else is said. */
export function relayBy(status: Status | null, id: RelayId | null): RelayState | undefined {
  if (id === null) return status?.relays[0];
  return status?.relays.find((relay) => relay.id === id);
}

/** What a relay is called that may have been left: then by its address's host. */
export function relayLabel(status: Status | null, id: RelayId, address: string): string {
  const label = relayBy(status, id)?.label;
  if (label !== undefined) return label;
  try {
    return new URL(address).host || id;
  } catch {
    return address || id;
  }
}

/** One short line for the side bar. */
export function connectionWords(connection: Connection): string {
  switch (connection.state) {
    case 'not-configured':
      return m.state_not_configured();
    case 'connecting':
      return m.state_connecting();
    case 'connected':
      return m.state_connected();
    case 'offline':
      return m.state_offline();
    case 'untrusted':
      return m.state_untrusted();
    case 'refused':
      return m.state_refused();
    case 'taken-over':
      return m.state_taken_over();
  }
}

/** What to say in a bar, if anything is to be said: content stays, nothing shouts. */
export function connectionTrouble(relay: RelayState, now: number, locale: string): string | null {
  const { connection } = relay;
  switch (connection.state) {
    case 'offline':
      return m.bar_offline({
        since: since(connection.since, now, locale),
        reason: say(connection.reason),
      });
    case 'untrusted':
      return certificateTrouble(connection);
    case 'refused':
      return m.bar_refused({ reason: say(connection.reason) });
    case 'taken-over': {
      const taken = { name: relay.name, since: since(connection.since, now, locale) };
      return connection.again ? m.bar_taken_again(taken) : m.bar_taken_over(taken);
    }
    default:
      return null;
  }
}
