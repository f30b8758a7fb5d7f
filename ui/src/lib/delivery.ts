/** What became of a sent message, as one mark and in words. */
import type { Delivery, Sent } from './backend/bindings';
import { m } from './words/messages.js';

export type Mark =
  'queued' | 'sending' | 'waiting' | 'pushed' | 'delivered' | 'unknown' | 'refused' | 'failed';

/** From the least to the most: a whole came as far as its last recipient. */
const ORDER: Delivery[] = ['other', 'waiting', 'pushed', 'delivered'];

/** The mark of one recipient. */
export function markOf(delivery: Delivery): Mark {
  return delivery === 'other' ? 'unknown' : delivery;
}

/**
 * The mark of a whole message: that of the recipient it reached least. Those who refused count only
 * where nobody took it: in a group, one forgotten laptop is no failure of the message.
 */
export function wholeMark(sent: Sent): Mark {
  if (sent.progress.state !== 'answered') return sent.progress.state;
  const taken = sent.recipients.filter((r) => r.delivery !== 'refused');
  const least = ORDER.find((d) => taken.some((r) => r.delivery === d));
  return least === undefined ? 'refused' : markOf(least);
}

export function markWords(mark: Mark): string {
  return {
    queued: m.mark_queued,
    sending: m.mark_sending,
    waiting: m.mark_waiting,
    pushed: m.mark_pushed,
    delivered: m.mark_delivered,
    unknown: m.mark_unknown,
    refused: m.mark_refused,
    failed: m.mark_failed,
  }[mark]();
}

/** One recipient's status in a sentence. */
export function outcomeWords(delivery: Delivery): string {
  return {
    waiting: m.outcome_waiting,
    delivered: m.outcome_delivered,
    pushed: m.outcome_pushed,
    refused: m.outcome_refused,
    other: m.outcome_other,
  }[delivery]();
}

/** The whole's state in a sentence, where recipients do not say it yet. */
export function progressWords(sent: Sent): string {
  switch (sent.progress.state) {
    case 'queued':
      return m.progress_queued();
    case 'sending':
      return m.progress_sending();
    case 'unknown':
      return m.progress_unknown();
    case 'failed':
      return sent.progress.reason;
    case 'answered':
      return sent.recipients.length === 0 ? m.progress_nobody() : m.progress_answered();
  }
}
