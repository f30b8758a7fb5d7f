import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Failed } from '../src/lib/backend/backend';
import { sample, used } from '../src/lib/backend/fake/samples';
import { BLANK } from '../src/lib/draft';
import { Inbox } from '../src/windows/inbox/inbox.svelte';
import { deskOf, settled } from './desk';

async function inboxOf(older = 0) {
  const world = used(older);
  const { desk, fake } = await deskOf(world);
  const inbox = new Inbox(desk);
  const end = inbox.follow();
  await settled();
  return { desk, fake, inbox, end, world };
}

const ids = (inbox: Inbox) => inbox.rows.map((r) => r.id);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('reads newest first, and older pages as they are needed, each message once', async () => {
  const { inbox, fake } = await inboxOf(338);
  expect(inbox.state).toBe('ready');
  expect(inbox.rows).toHaveLength(100);
  expect(inbox.whole).toBe(false);
  // Asked twice at once, as scrolling does.
  await Promise.all([inbox.more(), inbox.more()]);
  expect(inbox.rows).toHaveLength(300);
  await inbox.more();
  expect(ids(inbox)).toEqual(Array.from({ length: 350 }, (_, i) => 350 - i));
  expect(inbox.whole).toBe(true);
  const asked = fake.asked.length;
  await inbox.more();
  expect(fake.asked).toHaveLength(asked);
});

it('marks a message read when it is opened, and shows it', async () => {
  const { inbox, fake } = await inboxOf();
  const row = inbox.rows[0];
  if (!row) throw new Error('no row');
  expect(row.read).toBe(false);
  await inbox.open(row.id);
  expect(inbox.message?.row).toEqual({ ...row, read: true });
  expect(inbox.html).toContain('<strong>212 GB</strong>');
  expect(fake.world.messages.at(-1)?.row.read).toBe(true);
  await inbox.mark([row.id], false);
  expect(inbox.rows[0]?.read).toBe(false);
  expect(inbox.message?.row.read).toBe(false);
});

it('does not mark read what could not be shown', async () => {
  const { inbox, fake } = await inboxOf();
  fake.fail('message', new Failed('The disk is gone.'));
  await inbox.open(inbox.rows[0]?.id ?? 0);
  expect(inbox.messageError).toBe('The disk is gone.');
  expect(fake.asked.some((r) => r.do === 'mark')).toBe(false);
});

it('shows the message that was opened last, whichever answer comes last', async () => {
  const { inbox, fake } = await inboxOf();
  const [first, second] = ids(inbox);
  if (first === undefined || second === undefined) throw new Error('no rows');
  let letGo: () => void = () => undefined;
  fake.pace = () => new Promise((done) => (letGo = done));
  const slow = inbox.open(first);
  fake.pace = () => Promise.resolve();
  await inbox.open(second);
  letGo();
  await slow;
  expect(inbox.message?.row.id).toBe(second);
});

it('lets arrivals wait behind the pill while older messages are read', async () => {
  const { inbox, fake } = await inboxOf();
  const before = ids(inbox);
  inbox.atTop = false;
  for (const id of [101, 102, 103]) fake.receive(sample(id));
  expect(ids(inbox)).toEqual(before);
  expect(inbox.waiting).toHaveLength(3);
  inbox.showWaiting();
  expect(ids(inbox)).toEqual([103, 102, 101, ...before]);
  expect(inbox.waiting).toEqual([]);
  fake.receive(sample(104));
  expect(ids(inbox)[0]).toBe(104);
});

it('does not show twice what is told twice', async () => {
  const { inbox, fake } = await inboxOf();
  const message = sample(50);
  fake.receive(message);
  fake.tell({ event: 'received', value: message.row });
  expect(ids(inbox).filter((id) => id === 50)).toHaveLength(1);
});

it('deletes, moves on, and takes it back', async () => {
  const { inbox } = await inboxOf();
  const before = ids(inbox);
  const [, second, third] = before;
  if (second === undefined) throw new Error('no rows');
  await inbox.open(second);
  await inbox.remove([second]);
  expect(ids(inbox)).toEqual(before.filter((id) => id !== second));
  expect(inbox.opened).toBeNull();
  expect(inbox.cursor).toBe(third);
  expect(inbox.removed.map((r) => r.id)).toEqual([second]);
  await inbox.undo();
  await settled();
  expect(ids(inbox)).toEqual(before);
  expect(inbox.cursor).toBe(second);
});

it('takes back all deletions of one toast, and none after it has gone', async () => {
  const { inbox } = await inboxOf();
  const before = ids(inbox);
  await inbox.remove([before[0] ?? 0]);
  await inbox.remove([before[1] ?? 0]);
  await inbox.undo();
  await settled();
  expect(ids(inbox)).toEqual(before);
  await inbox.remove([before[0] ?? 0]);
  vi.advanceTimersByTime(60_000);
  await inbox.undo();
  expect(ids(inbox)).toEqual(before.slice(1));
});

it('puts back what could not be deleted or marked, and says why', async () => {
  const { inbox, fake, desk } = await inboxOf();
  const before = inbox.rows;
  fake.fail('delete', new Failed('The disk is read-only.'));
  await inbox.remove([before[1]?.id ?? 0]);
  expect(inbox.rows).toEqual(before);
  expect(desk.trouble).toBe('The disk is read-only.');
  fake.fail('mark', new Failed('The disk is read-only.'));
  await inbox.mark([before[0]?.id ?? 0], true);
  expect(inbox.rows).toEqual(before);
});

it('follows what other faces do', async () => {
  const { inbox, fake } = await inboxOf();
  const [first, second] = ids(inbox);
  if (first === undefined || second === undefined) throw new Error('no rows');
  await inbox.open(second);
  await fake.ask({ do: 'mark', ids: [first], read: true });
  await fake.ask({ do: 'delete', ids: [second] });
  await settled();
  expect(inbox.rows[0]).toMatchObject({ id: first, read: true });
  expect(ids(inbox)).not.toContain(second);
  expect(inbox.opened).toBeNull();
  fake.world.messages = [];
  fake.tell({ event: 'changed', value: [] });
  await settled();
  expect(inbox.rows).toEqual([]);
});

it('shows only unread ones when asked to', async () => {
  const { inbox, fake } = await inboxOf();
  await inbox.choose({ unread: true });
  expect(inbox.rows.every((r) => !r.read)).toBe(true);
  fake.receive(sample(70, { read: true }));
  expect(ids(inbox)).not.toContain(70);
  await inbox.choose({ unread: false });
  expect(ids(inbox)).toContain(70);
});

it('says that it cannot read, and reads when asked again', async () => {
  const world = used(0);
  const { desk, fake } = await deskOf(world);
  fake.fail('inbox', new Failed('The disk is full.'));
  const inbox = new Inbox(desk);
  inbox.follow();
  await settled();
  expect([inbox.state, inbox.error]).toEqual(['failed', 'The disk is full.']);
  fake.fail('inbox');
  await inbox.load();
  expect(inbox.state).toBe('ready');
});

it('reads all anew when the agent is back', async () => {
  const { inbox, fake, world } = await inboxOf();
  fake.setRunning(false);
  world.messages.push(sample(90));
  fake.setRunning(true);
  await settled();
  expect(ids(inbox)[0]).toBe(90);
});

it('moves by keys and stays within the list', async () => {
  const { inbox } = await inboxOf();
  const all = ids(inbox);
  expect(inbox.step(-1)).toBe(all.at(-1));
  inbox.cursor = null;
  expect(inbox.step(1)).toBe(all[0]);
  expect(inbox.step(1)).toBe(all[1]);
  expect(inbox.step(-1)).toBe(all[0]);
  expect(inbox.step(-1)).toBe(all[0]);
});

it('hears nothing after its end', async () => {
  const { inbox, fake, end } = await inboxOf();
  end();
  fake.receive(sample(80));
  expect(ids(inbox)).not.toContain(80);
});

it('finds while the former rows stay, and ends with the last question', async () => {
  const { inbox, fake } = await inboxOf();
  const before = ids(inbox);
  let letGo: () => void = () => undefined;
  fake.pace = () => new Promise((done) => (letGo = done));
  const slow = inbox.choose({ search: 'backup' });
  expect([ids(inbox), inbox.asking, inbox.state]).toEqual([before, true, 'ready']);
  fake.pace = () => Promise.resolve();
  await inbox.choose({ search: 'tests failed' });
  letGo();
  await slow;
  expect(inbox.rows.map((r) => r.sender)).toEqual(['ci']);
  expect(inbox.asking).toBe(false);
  expect(inbox.words).toEqual(['failed', 'tests']);
});

it('asks the agent whether what arrives is searched for', async () => {
  const { inbox, fake } = await inboxOf();
  await inbox.choose({ search: 'parcel' });
  fake.receive(sample(200, { title: 'A parcel' }));
  fake.receive(sample(201, { title: 'Something else' }));
  expect(ids(inbox)).toEqual([]);
  vi.advanceTimersByTime(1000);
  await settled();
  expect(ids(inbox)).toEqual([200]);
});

it('deletes all that the list holds, and takes it back', async () => {
  const { inbox, fake, world } = await inboxOf(20);
  const all = world.messages.length;
  await inbox.choose({ sender: 'disk-watch' });
  const count = inbox.rows.length;
  expect(count).toBeGreaterThan(1);
  await inbox.removeAll();
  await settled();
  expect([inbox.undoable, ids(inbox)]).toEqual([count, []]);
  expect(fake.world.messages).toHaveLength(all - count);
  await inbox.undo();
  await settled();
  expect(inbox.rows).toHaveLength(count);
  expect(fake.world.messages).toHaveLength(all);
});

it('picks rows as lists do, and treats them together', async () => {
  const { inbox, fake } = await inboxOf(20);
  const [a = 0, b = 0, c = 0, d = 0] = ids(inbox);
  inbox.picks.toggle(b, null);
  inbox.picks.through(d, inbox.rows, null);
  expect([...inbox.picks.ids]).toEqual([b, c, d]);
  // The other way round from where it began.
  inbox.picks.through(a, inbox.rows, null);
  expect([...inbox.picks.ids]).toEqual([a, b]);
  inbox.picks.toggle(d, null);
  await inbox.mark(inbox.picks.ids, false);
  expect(fake.world.messages.filter((m) => [a, b, d].includes(m.row.id) && m.row.read)).toEqual([]);
  await inbox.remove(inbox.picks.ids);
  expect([inbox.picks.some, ids(inbox)[0], inbox.cursor]).toEqual([false, c, ids(inbox)[1]]);
  await inbox.undo();
  expect(ids(inbox).slice(0, 4)).toEqual([a, b, c, d]);
});

it('takes the open message for picked when another is added', async () => {
  const { inbox } = await inboxOf(20);
  const [a = 0, b = 0] = ids(inbox);
  await inbox.open(a);
  inbox.picks.toggle(b, inbox.opened);
  expect([...inbox.picks.ids].sort()).toEqual([a, b].sort());
  inbox.picks.toggle(a, inbox.opened);
  expect([...inbox.picks.ids]).toEqual([b]);
  await inbox.choose({ unread: true });
  expect(inbox.picks.some).toBe(false);
});

it('marks all of the list, also what was not read', async () => {
  const { inbox, fake } = await inboxOf(250);
  await inbox.choose({ sender: 'ann' });
  inbox.picks.everything();
  expect(inbox.picks.has(ids(inbox)[3] ?? 0)).toBe(true);
  await inbox.markAll(false);
  const read = fake.world.messages.filter((m) => m.row.read).map((m) => m.row.sender);
  expect(read).not.toContain('ann');
  expect(read).toContain('ci');
});

it('acknowledges with a note, and shows that it is', async () => {
  const { inbox, fake } = await inboxOf();
  const message = fake.world.messages.at(-1);
  if (!message) throw new Error('no message');
  message.row.acknowledgement = { state: 'wanted' };
  const { id } = message.row;
  await inbox.open(id);
  expect(inbox.message?.row.acknowledgement?.state).toBe('wanted');
  await inbox.acknowledge(id, 'on it');
  await settled();
  const given = { state: 'given', note: 'on it' };
  expect(inbox.message?.row.acknowledgement).toMatchObject(given);
  expect(inbox.rows[0]?.acknowledgement).toMatchObject(given);
});

it('reads the conversation anew when an answer is sent', async () => {
  const { inbox, fake } = await inboxOf();
  const message = fake.world.messages.at(-1);
  if (!message) throw new Error('no message');
  const { id } = message.row;
  await inbox.open(id);
  const answer = { id: 9, sent: true, who: 'ann', title: '', preview: 'Yes', at: 1 };
  message.thread = [answer];
  const draft = { ...BLANK, replyTo: id };
  fake.tell({ event: 'sent', value: { id: 9, draft, writtenAt: 1, parcels: [] } });
  expect(inbox.message?.thread).toEqual([]);
  await vi.advanceTimersByTimeAsync(300);
  expect(inbox.message?.thread).toEqual([answer]);
});
