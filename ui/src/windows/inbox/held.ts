/** Why a message was not raised as a notification of its own, in words. */
import type { Held } from '../../lib/backend/bindings';
import { m } from '../../lib/words/messages.js';

export function heldWords(held: Held): string {
  const words: Record<Held, () => string> = {
    paused: m.held_paused,
    hours: m.held_hours,
    desktop: m.held_desktop,
    muted: m.held_muted,
    expired: m.held_expired,
  };
  return words[held]();
}
