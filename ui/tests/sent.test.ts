/** The page of what was sent, and what is said of each, against the fake backend. */
import { expect, it } from 'vitest';
import type { Delivery, Outcome, Sent } from '../src/lib/backend/bindings';
import { used } from '../src/lib/backend/fake/samples';
import { outcome, sentLate } from '../src/lib/backend/fake/sent';
import {
  canCancel,
  canResend,
  crowdWords,
  parcelMark,
  storyWords,
  wholeMark,
} from '../src/lib/delivery';
import { BLANK } from '../src/lib/draft';
import { SentList } from '../src/windows/sent/sent.svelte';
import { deskOf, settled } from './desk';

async function sentPage() {
  const { desk, fake } = await deskOf(used(0));
  const list = new SentList(desk);
  list.follow();
  await settled();
  return { desk, fake, list };
}

it('lists what was sent, true to what is told', async () => {
  const { desk, fake } = await deskOf(used(0));
  const list = new SentList(desk);
  list.follow();
  await settled();
  expect(list.rows.map((s) => s.id)).toEqual([5, 4, 3, 2, 1]);
  expect(list.rows.map(wholeMark)).toEqual([
    'queued',
    'delivered',
    'waiting',
    'unknown',
    'refused',
  ]);
  await list.open(5);
  expect(list.html).toContain('usual place');
  fake.progress(5, { state: 'answered' }, [outcome('ann', 'delivered')]);
  expect(list.message && wholeMark(list.message)).toBe('delivered');
  expect(list.rows).toHaveLength(5);
});

it('finds by words and by recipients, and keeps what is open', async () => {
  const { list, fake } = await sentPage();
  await list.open(5);
  await list.find('dev');
  expect(list.rows.map((s) => s.id)).toEqual([3]);
  expect(list.message?.id).toBe(5);
  fake.progress(5, { state: 'sending' }, []);
  expect(list.message?.parcels[0]?.progress.state).toBe('sending');
  await settled();
  expect(list.rows.map((s) => s.id)).toEqual([3]);
  await list.find('');
  expect(list.rows).toHaveLength(5);
});

it('opens one that is not in the list, takes back what waits, and sends again', async () => {
  const { list, fake } = await sentPage();
  list.rows = [];
  list.whole = true;
  await list.open(2);
  expect(list.message?.id).toBe(2);
  await list.resend(2);
  expect(list.message && wholeMark(list.message)).toBe('queued');
  await list.cancel(2);
  expect(list.message && wholeMark(list.message)).toBe('cancelled');
  expect(fake.asked.filter((r) => r.do === 'cancel')).toEqual([{ do: 'cancel', id: 2 }]);
});

const of = (...recipients: Outcome[]) => ({
  to: { kind: 'group' as const, name: 'home' },
  progress: { state: 'answered' as const },
  recipients,
});
const as = (...deliveries: Delivery[]) => of(...deliveries.map((d) => outcome('ann', d)));

it('marks a group by whom it reached least, and a whole by what needs a look', () => {
  expect(parcelMark(as('refused', 'read', 'delivered'), 'nobody')).toBe('delivered');
  expect(parcelMark(as('refused', 'expired'), 'nobody')).toBe('refused');
  expect(parcelMark(as('waiting', 'acknowledged'), 'each')).toBe('waiting');
  expect(parcelMark(as('waiting', 'acknowledged'), 'first')).toBe('acknowledged');
  expect(parcelMark(as('dismissed', 'read'), 'nobody')).toBe('delivered');
  const [held, mixed] = sentLate(Date.now()) as [Sent, Sent];
  expect([wholeMark(held), canCancel(held), canResend(held)]).toEqual(['queued', true, false]);
  expect([wholeMark(mixed), canCancel(mixed), canResend(mixed)]).toEqual(['failed', false, true]);
  const again = (parcel: Sent['parcels'][number]) => canResend({ ...held, parcels: [parcel] });
  expect([as('cancelled'), as('refused', 'expired'), as()].map(again)).toEqual([true, true, true]);
  expect([as('cancelled', 'delivered'), as('superseded')].map(again)).toEqual([false, false]);
  const whole = { ...mixed, draft: BLANK, parcels: [as('acknowledged'), as('waiting')] };
  expect(wholeMark(whole)).toBe('waiting');
});

it('counts a crowd, the most that was reached first', () => {
  const deliveries: Delivery[] = ['waiting', 'delivered', 'acknowledged', 'delivered', 'refused'];
  expect(crowdWords(as(...deliveries).recipients)).toBe(
    '1 acknowledged, 2 delivered, 1 at the relay, 1 refused',
  );
});

it('tells how it came to it in a line, with what was said and what to do', () => {
  const at = new Date(2026, 10, 24, 14, 2).getTime();
  const story = (one: Outcome) => storyWords(one, null, at).replaceAll('\u202f', ' ');
  expect(story(outcome('ann', 'acknowledged', at, ['waiting', 'delivered'], 'on it'))).toBe(
    'delivered 2:03 PM, acknowledged 2:04 PM: on it',
  );
  expect(story(outcome('ann', 'waiting', at))).toBe('at the relay 2:02 PM');
  expect(story(outcome('ann', 'refused', at))).toMatch(/^refused 2:02 PM\. There is nobody/);
  expect(story({ name: 'ann', delivery: 'read', history: [] })).toBe('read');
  expect(storyWords(outcome('ann', 'held', at), at, at)).toMatch(/^held until/);
  // Read after it was acknowledged: what it is does not fall back.
  const late = outcome('ann', 'acknowledged', at);
  late.history.push({ delivery: 'read', at, note: '' });
  expect(story(late)).toBe('acknowledged 2:02 PM, read 2:02 PM');
});
