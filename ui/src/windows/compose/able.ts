/** What a relay cannot do of what a message asks for, in words. Pure. */
import type { Draft, Extension, RelayState } from '../../lib/backend/bindings';
import { m } from '../../lib/words/messages.js';

/** Empty where it can do all of it, or where nobody knows yet what it can. */
export function missing(relay: RelayState | undefined, draft: Draft): string[] {
  if (!relay) return [];
  const { extensions, connection } = relay;
  if (extensions.length === 0 && connection.state !== 'connected') return [];
  const speaks = (what: Extension) => extensions.includes(what);
  const asked = draft.ask !== 'nobody';
  return [
    draft.due !== null && !speaks('delay') ? m.able_delay() : '',
    asked && !speaks('receipts') ? m.able_receipts() : '',
    asked && draft.repeat !== null && !speaks('ack') ? m.able_repeat() : '',
    draft.ask === 'first' && !speaks('ack') ? m.able_first() : '',
    draft.key !== '' && !speaks('key') ? m.able_key() : '',
  ].filter((words) => words !== '');
}
