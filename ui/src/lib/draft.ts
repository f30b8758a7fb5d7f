/** Messages that are written: what they begin as, and whom they are for, in words. Pure. */
import type { Draft, Recipient } from './backend/bindings';
import { plain } from './plain';

/** Recipients of one message, at most: as the agent has it. */
export const RECIPIENTS = 50;

/** Nothing written yet. */
export const BLANK: Draft = {
  to: [],
  title: '',
  body: '',
  priority: 'default',
  link: '',
  tags: [],
  ttl: null,
  due: null,
  ask: 'nobody',
  repeat: null,
  key: '',
  replyTo: null,
  relay: null,
};

/** A recipient as one text: what tells it from all others of a message. */
export function keyOf({ kind, name }: Recipient): string {
  return kind === 'group' ? `@${name}` : name;
}

/** All recipients in a line; groups begin with @. */
export function toWords(to: readonly Recipient[]): string {
  return to.map((recipient) => plain(keyOf(recipient))).join(', ');
}
