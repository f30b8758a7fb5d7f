/** What somebody wrote lately, what became of it, and whom they write to. */
import { BLANK } from '../../draft';
import type { Contact, Delivery, Draft, Outcome, Parcel, Recipient, Sent, Step } from '../bindings';

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
