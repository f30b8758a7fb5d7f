/** What somebody wrote lately, what became of it, and whom they write to. */
import { BLANK } from '../../draft';
import { said } from './words';
import type {
  Contact,
  Delivery,
  Draft,
  Kept,
  Outcome,
  Parcel,
  Recipient,
  Sent,
  Step,
} from '../bindings';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const person = (name: string): Recipient => ({ kind: 'person', name });
const group = (name: string): Recipient => ({ kind: 'group', name });

/** What became of it for one, by the way it took: each step a minute after the other. */
export function outcome(
  name: string,
  delivery: Delivery,
  from = Date.now(),
  before: Delivery[] = [],
  note = '',
): Outcome {
  const history = [...before, delivery].map((what, i): Step => {
    return { delivery: what, at: from + i * MINUTE, note: what === 'acknowledged' ? note : '' };
  });
  return { name, delivery, history };
}

function answered(to: Recipient, ...recipients: Outcome[]): Parcel {
  return { to, progress: { state: 'answered' }, recipients };
}

export function sent(now: number): Sent[] {
  const written = (id: number, ago: number, draft: Partial<Draft>, ...parcels: Parcel[]): Sent => ({
    id,
    draft: { ...BLANK, relay: 'hosted', to: parcels.map(({ to }) => to), ...draft },
    writtenAt: now - ago,
    parcels,
  });
  const at = now - 2 * HOUR;
  return [
    written(
      1,
      26 * HOUR,
      { title: 'Are you there?', body: 'Hello?' },
      answered(person('bob'), outcome('bob', 'refused', now - 26 * HOUR)),
    ),
    written(
      2,
      25 * HOUR,
      { body: 'Buy milk, bread and the other thing.' },
      { to: person('phone'), progress: { state: 'unknown' }, recipients: [] },
    ),
    written(
      3,
      2 * HOUR,
      {
        title: 'Deploy at four',
        body: 'Please merge what has to go out **before half past three**.',
        ask: 'each',
      },
      answered(
        group('developers'),
        outcome('ann', 'acknowledged', at, ['delivered', 'read'], 'on it'),
        outcome('林晓雨', 'waiting', at),
        outcome('ci', 'pushed', at),
        outcome('old-laptop', 'refused', at),
      ),
    ),
    written(
      4,
      50 * MINUTE,
      { title: 'Printer', body: 'Did you try turning it off and on?' },
      answered(person('ann'), outcome('ann', 'delivered', now - 50 * MINUTE, ['waiting'])),
    ),
    written(
      5,
      MINUTE,
      { title: 'Lunch?', body: 'In ten minutes, at the usual place.' },
      { to: person('ann'), progress: { state: 'queued' }, recipients: [] },
    ),
  ];
}

/** More of what can become of a message: held, refused whole, of several recipients, replaced. */
export function sentLate(now: number): Sent[] {
  const due = now + 16 * HOUR;
  const old = now - 27 * HOUR;
  const draft = (more: Partial<Draft>): Draft => ({ ...BLANK, relay: 'hosted', ...more });
  return [
    {
      id: 6,
      draft: draft({
        to: [person('ann'), person('phone'), group('home')],
        title: 'The heating is checked tomorrow',
        body: 'Somebody has to be there between nine and twelve.',
        due,
        ask: 'first',
        ttl: 86_400,
      }),
      writtenAt: now - 4 * MINUTE,
      parcels: [
        answered(person('ann'), outcome('ann', 'held', now - 4 * MINUTE)),
        { to: person('phone'), progress: { state: 'queued' }, recipients: [] },
        answered(group('home'), outcome('tablet', 'held', now - 4 * MINUTE)),
      ],
    },
    {
      id: 7,
      draft: draft({
        to: [person('ann'), person('bob'), person('phone')],
        title: 'Door code',
        body: 'It is the usual one until Friday.',
      }),
      writtenAt: now - 3 * MINUTE,
      parcels: [
        answered(person('ann'), outcome('ann', 'read', now - 3 * MINUTE, ['delivered'])),
        answered(person('bob'), outcome('bob', 'expired', old, ['waiting'])),
        {
          to: person('phone'),
          progress: {
            state: 'failed',
            reason: said(
              'The queue for phone is full. Send it again when it has been online.',
              'phone 的队列已满。请等它上线后再次发送。',
            ),
          },
          recipients: [],
        },
      ],
    },
    {
      id: 8,
      draft: draft({
        to: [group('everyone')],
        title: 'The network is down from six to seven',
        body: 'Save what you have open.',
        ask: 'each',
      }),
      writtenAt: now - 2 * MINUTE,
      parcels: [answered(group('everyone'), ...crowd(now - 2 * MINUTE))],
    },
  ];
}

function crowd(at: number): Outcome[] {
  return Array.from({ length: 1000 }, (_, i) => {
    const name = `desk-${String(i + 1).padStart(4, '0')}`;
    if (i % 40 === 7) return outcome(name, 'acknowledged', at, ['delivered'], 'thanks');
    return outcome(name, i % 17 === 3 ? 'waiting' : 'delivered', at);
  });
}

/** Begun, and not sent yet. */
export function drafts(now: number): Kept[] {
  return [
    {
      id: 2,
      draft: {
        ...BLANK,
        to: [person('ann'), group('home')],
        title: 'Saturday',
        body: 'Shall we meet **at ten**?\n\n- cake\n- coffee',
        tags: ['home'],
      },
      changedAt: now - 12 * MINUTE,
    },
    {
      id: 1,
      draft: { ...BLANK, to: [person('bob')], body: 'About the printer again' },
      changedAt: now - 26 * HOUR,
    },
  ];
}

/** Whom they write to: the last written to first, then who is connected, then by name. */
export function contacts(now: number): Contact[] {
  const of = (to: Recipient, from: Partial<Contact> = {}): Contact => ({
    to,
    relay: 'hosted',
    group: '',
    members: 0,
    online: false,
    lastSeen: null,
    writtenAt: null,
    ...from,
  });
  return [
    of(person('ann'), { group: 'developers', online: true, writtenAt: now - MINUTE }),
    of(group('developers'), { members: 4, online: true, writtenAt: now - 2 * HOUR }),
    of(person('phone'), { lastSeen: now - 20 * MINUTE, writtenAt: now - 25 * HOUR }),
    of(person('anton'), { group: 'home', online: true }),
    of(group('home'), { members: 3, online: true }),
    of(person('an-uncommonly-long-name-of-a-machine-in-production'), { lastSeen: now - 90 * HOUR }),
    of(person('林晓雨'), { group: 'developers', lastSeen: now - 5 * HOUR }),
    of(person('bob')),
  ];
}
