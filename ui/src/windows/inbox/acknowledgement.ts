/** Whether a message was acknowledged, in words. Pure, but for the language. */
import type { Acknowledgement } from '../../lib/backend/bindings';
import { locale } from '../../lib/language.svelte';
import { plain } from '../../lib/plain';
import { near } from '../../lib/time';
import { m } from '../../lib/words/messages.js';

/** Bytes of a note, at most: as the agent has it. */
export const NOTE_BYTES = 1024;

/** For a row: short. */
export function acknowledgementMark(of: Acknowledgement): string {
  switch (of.state) {
    case 'wanted':
      return m.ack_wanted();
    case 'given':
      return m.ack_given_mark();
    case 'taken':
      return m.ack_taken_mark({ by: plain(of.by) });
  }
}

/** For the message: with the time, and what was said. */
export function acknowledgementWords(of: Acknowledgement, now: number): string {
  if (of.state === 'wanted') return m.ack_wanted_words();
  const at = near(of.at, now, locale());
  const step = of.state === 'given' ? m.ack_given({ at }) : m.ack_taken({ by: plain(of.by), at });
  return of.note ? m.step_note({ step, note: plain(of.note) }) : step;
}
