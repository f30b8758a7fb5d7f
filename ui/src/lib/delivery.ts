/** What became of a sent message, as one mark and in words. Pure, but for the language. */
import type { Delivery, Outcome, Parcel, Sent, Step } from './backend/bindings';
import { locale, say } from './language.svelte';
import { plain } from './plain';
import { near } from './time';
import { m } from './words/messages.js';

/** From what needs the writer most, over the least to the most that was reached. */
const ORDER = [
  'failed',
  'refused',
  'expired',
  'unknown',
  'queued',
  'sending',
  'held',
  'waiting',
  'pushed',
  'delivered',
  'read',
  'acknowledged',
  'superseded',
  'cancelled',
] as const;
export type Mark = (typeof ORDER)[number];

/** Ends at which nobody has the message. In a group, one forgotten laptop is no failure of it. */
const LOST: Delivery[] = ['refused', 'expired', 'superseded', 'cancelled'];

/** The mark of one recipient. */
export function markOf(delivery: Delivery): Mark {
  if (delivery === 'other') return 'unknown';
  return delivery === 'dismissed' ? 'delivered' : delivery;
}

/** The mark of what went to one person or group: that of the recipient it reached least. */
export function parcelMark({ progress, recipients }: Parcel, ask: Sent['draft']['ask']): Mark {
  if (progress.state !== 'answered') return progress.state;
  const one = recipients.some((r) => r.delivery === 'acknowledged');
  if (ask === 'first' && one) return 'acknowledged';
  const taken = recipients.filter((r) => !LOST.includes(r.delivery));
  const counted = (taken.length > 0 ? taken : recipients).map((r) => markOf(r.delivery));
  return first(counted) ?? 'refused';
}

/** The mark of a whole message: of its parcels, that which needs the writer most. */
export function wholeMark(sent: Sent): Mark {
  return first(sent.parcels.map((parcel) => parcelMark(parcel, sent.draft.ask))) ?? 'queued';
}

function first(marks: readonly Mark[]): Mark | undefined {
  return ORDER.find((mark) => marks.includes(mark));
}

export function markWords(mark: Mark): string {
  return {
    queued: m.mark_queued,
    sending: m.mark_sending,
    held: m.mark_held,
    waiting: m.mark_waiting,
    pushed: m.mark_pushed,
    delivered: m.mark_delivered,
    read: m.mark_read_by,
    acknowledged: m.mark_acknowledged,
    unknown: m.mark_unknown,
    refused: m.mark_refused,
    expired: m.mark_expired,
    superseded: m.mark_superseded,
    cancelled: m.mark_cancelled,
    failed: m.mark_failed,
  }[mark]();
}

/** What became of it for one recipient, in a word or two. */
export function outcomeWords(delivery: Delivery): string {
  return {
    held: m.outcome_held,
    waiting: m.outcome_waiting,
    pushed: m.outcome_pushed,
    delivered: m.outcome_delivered,
    dismissed: m.outcome_dismissed,
    read: m.outcome_read,
    acknowledged: m.outcome_acknowledged,
    refused: m.outcome_refused,
    expired: m.outcome_expired,
    superseded: m.outcome_superseded,
    cancelled: m.outcome_cancelled,
    other: m.outcome_other,
  }[delivery]();
}

/** What the writer may want to do then, in a sentence; empty for nothing. */
export function advice(delivery: Delivery): string {
  if (delivery === 'refused') return m.advice_refused();
  return delivery === 'expired' ? m.advice_expired() : '';
}

/** A step with its time, and with what was said. */
export function stepWords({ delivery, at, note }: Step, now: number): string {
  const step = m.step_at({ what: outcomeWords(delivery), at: near(at, now, locale()) });
  return note ? m.step_note({ step, note: plain(note) }) : step;
}

/** On the way only: once more is known, no longer worth a line. */
const ON_THE_WAY: Delivery[] = ['held', 'waiting', 'pushed', 'other'];

/**
 * How it came to what it is, in one line: "delivered 14:02, acknowledged 14:05: on it". To `member`s of a
 * group nobody wrote by name, so there is none to check.
 */
export function storyWords(
  outcome: Outcome,
  due: number | null,
  now: number,
  member = false,
): string {
  const { delivery, history } = outcome;
  if (delivery === 'held' && due !== null) {
    return m.outcome_held_until({ at: near(due, now, locale()) });
  }
  const told = history.filter((s) => s.delivery === delivery || !ON_THE_WAY.includes(s.delivery));
  const steps = told.map((step) => stepWords(step, now));
  if (!told.some((s) => s.delivery === delivery)) steps.push(outcomeWords(delivery));
  const story = steps.reduce((before, after) => m.steps_comma({ before, after }));
  const next = member ? '' : advice(delivery);
  return next ? m.story_advice({ story, advice: next }) : story;
}

/** How many came how far, in a line: the most that was reached first. */
export function crowdWords(recipients: readonly Outcome[]): string {
  const counts: Partial<Record<Delivery, number>> = {};
  for (const { delivery } of recipients) counts[delivery] = (counts[delivery] ?? 0) + 1;
  const far = (delivery: Delivery) => ORDER.indexOf(markOf(delivery));
  return (Object.entries(counts) as [Delivery, number][])
    .sort(([one], [other]) => far(other) - far(one))
    .map(([what, count]) => m.crowd_count({ count, what: outcomeWords(what) }))
    .reduce((before, after) => m.steps_comma({ before, after }));
}

/** The note that came with an acknowledgement; empty for none. */
export function noteOf({ history }: Outcome): string {
  return history.findLast((step) => step.note !== '')?.note ?? '';
}

/** A parcel's state in a sentence, where there are no recipients that say it. */
export function progressWords({ progress }: Parcel, due: number | null): string {
  switch (progress.state) {
    case 'queued':
      return due !== null && due > Date.now()
        ? m.progress_due({ at: near(due, Date.now(), locale()) })
        : m.progress_queued();
    case 'sending':
      return m.progress_sending();
    case 'unknown':
      return m.progress_unknown();
    case 'failed':
      return say(progress.reason);
    case 'cancelled':
      return m.progress_cancelled();
    case 'answered':
      return m.progress_nobody();
  }
}

/** Ends after which it can be sent once more: nobody has it, and nothing newer is in its place. */
const AGAIN: Delivery[] = ['refused', 'expired', 'cancelled'];

/** Whether something of it can be sent once more: it did not go out, may not have, or reached nobody. */
export function canResend(sent: Sent): boolean {
  return sent.parcels.some(({ progress, recipients }) =>
    progress.state === 'answered'
      ? recipients.every(({ delivery }) => AGAIN.includes(delivery))
      : ['failed', 'unknown', 'cancelled'].includes(progress.state),
  );
}

/** Whether something of it has not gone out yet, and can be taken back. */
export function canCancel(sent: Sent): boolean {
  return sent.parcels.some(
    ({ progress, recipients }) =>
      progress.state === 'queued' || recipients.some((r) => r.delivery === 'held'),
  );
}
