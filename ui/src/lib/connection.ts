/** The session's state in people's words. */
import type { Status } from './backend/bindings';
import { since } from './time';
import { m } from './words/messages.js';

/** The relay's host, as a person would say it. */
export function relayName(status: Status): string {
  if (status.hosted) return m.this_computer();
  try {
    return new URL(status.relay?.address ?? '').host;
  } catch {
    return status.relay?.address ?? '';
  }
}

/** One short line for the side bar. */
export function connectionWords(status: Status): string {
  switch (status.connection.state) {
    case 'not-configured':
      return m.state_not_configured();
    case 'connecting':
      return m.state_connecting();
    case 'connected':
      return m.state_connected();
    case 'offline':
      return m.state_offline();
    case 'refused':
      return m.state_refused();
    case 'taken-over':
      return m.state_taken_over();
  }
}

/** What to say in a bar, if anything is to be said: content stays, nothing shouts. */
export function connectionTrouble(status: Status, now: number, locale: string): string | null {
  const { connection } = status;
  switch (connection.state) {
    case 'offline':
      return m.bar_offline({
        since: since(connection.since, now, locale),
        reason: connection.reason,
      });
    case 'refused':
      return m.bar_refused({ reason: connection.reason });
    case 'taken-over':
      return m.bar_taken_over({ name: status.relay?.name ?? '' });
    default:
      return null;
  }
}
