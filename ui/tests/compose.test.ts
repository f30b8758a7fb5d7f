import { expect, it } from 'vitest';
import { Failed } from '../src/lib/backend/backend';
import { BLANK, keyOf } from '../src/lib/draft';
import { outcome, contacts } from '../src/lib/backend/fake/sent';
import { relay, used } from '../src/lib/backend/fake/samples';
import type { Contact, RelayState, View } from '../src/lib/backend/bindings';
import { Compose } from '../src/windows/compose/compose.svelte';
import { at, days, parts, quick } from '../src/windows/compose/due';
import { deskOf, settled } from './desk';

const VIEW: View & { window: 'compose' } = { window: 'compose', reply: null, to: [] };

function contact(name: string): Contact {
  const [first] = contacts(Date.now());
  if (!first) throw new Error('no contacts');
  return { ...first, to: { kind: 'person', name } };
}

async function composeOf() {
  const { desk, fake } = await deskOf(used(0), VIEW);
  const compose = new Compose(desk);
  compose.follow();
  return { desk, fake, compose };
}

it('sends what was written, and shows what becomes of it for each recipient', async () => {
  const { compose, fake } = await composeOf();
  compose.recipients.write(' @developers ,');
  Object.assign(compose, { title: 'Cake', body: 'Kitchen.' });
  await compose.send();
  const id = compose.sent?.id ?? 0;
  expect(fake.world.sent.at(-1)?.draft).toEqual({
    ...BLANK,
    to: [{ kind: 'group', name: 'developers' }],
    title: 'Cake',
    body: 'Kitchen.',
  });
  expect(compose.sent?.parcels[0]?.progress.state).toBe('queued');
  fake.progress(id, { state: 'sending' }, []);
  expect(compose.sent?.parcels[0]?.progress.state).toBe('sending');
  fake.progress(id, { state: 'answered' }, [
    outcome('ann', 'delivered'),
    outcome('bob', 'waiting'),
  ]);
  expect(compose.sent?.parcels[0]?.recipients.map((r) => r.delivery)).toEqual([
    'delivered',
    'waiting',
  ]);
  fake.progress(id - 1, { state: 'unknown' }, []);
  expect(compose.sent?.parcels[0]?.progress.state).toBe('answered');
});

it('does not lose a status that overtakes the answer', async () => {
  const { compose, fake } = await composeOf();
  const ask = fake.ask.bind(fake);
  fake.ask = async (request) => {
    const answer = await ask(request);
    if (answer.is === 'queued') fake.progress(answer.value, { state: 'sending' }, []);
    return answer;
  };
  compose.recipients.write('ann');
  Object.assign(compose, { body: 'x' });
  await compose.send();
  expect(compose.sent?.parcels[0]?.progress.state).toBe('sending');
});

it('says what is missing, by field, before it asks', async () => {
  const { compose, fake } = await composeOf();
  await compose.send();
  expect(compose.toWrong).not.toBe('');
  compose.recipients.write('ann');
  await compose.send();
  expect(compose.toWrong).toBe('');
  expect(compose.error).not.toBe('');
  Object.assign(compose, { title: 'x', link: 'javascript:alert(1)' });
  await compose.send();
  expect(compose.linkWrong).not.toBe('');
  expect(fake.asked.some((r) => r.do === 'send')).toBe(false);
});

it('keeps what was written when it cannot be sent, and sends once', async () => {
  const { compose, fake } = await composeOf();
  compose.recipients.write('ann');
  Object.assign(compose, { title: 'Lunch?' });
  fake.fail('send', new Failed('No relay is set up.', 'not-configured'));
  await compose.send();
  expect([compose.error, compose.title, compose.sent]).toEqual([
    'No relay is set up.',
    'Lunch?',
    null,
  ]);
  fake.fail('send');
  const before = fake.world.sent.length;
  await Promise.all([compose.send(), compose.send()]);
  expect(fake.world.sent).toHaveLength(before + 1);
});

it('begins another to the same recipient', async () => {
  const { compose } = await composeOf();
  compose.recipients.write('ann');
  Object.assign(compose, {
    title: 'a',
    body: 'b',
    link: 'https://a.example',
    priority: 'high',
  });
  await compose.send();
  compose.another();
  expect(compose.recipients.chips.map(({ to }) => to.name)).toEqual(['ann']);
  expect(compose).toMatchObject({
    title: '',
    body: '',
    link: '',
    priority: 'default',
    sent: null,
  });
  expect(compose.empty).toBe(true);
});

it('makes chips of what is typed, and offers who may be meant', async () => {
  const { compose } = await composeOf();
  const { recipients } = compose;
  const names = () => recipients.chips.map(({ to }) => keyOf(to));
  recipients.write('bob, ann；@home,an');
  expect(names()).toEqual(['bob', 'ann', '@home']);
  await recipients.look();
  // Those that are chosen are not offered again.
  expect(recipients.offered.map(({ to }) => to.name)).not.toContain('ann');
  expect(recipients.offered[recipients.active]?.to.name).toBe('anton');
  recipients.accept();
  expect(names()).toEqual(['bob', 'ann', '@home', 'anton']);
  recipients.write('anton');
  recipients.commit();
  recipients.removeLast();
  expect(names()).toEqual(['bob', 'ann', '@home']);
  expect(recipients.accept()).toBe(false);
  recipients.step(1);
  await settled();
  recipients.step(1);
  recipients.step(-1);
  recipients.step(-1);
  expect(recipients.active).toBe(recipients.offered.length - 1);
  recipients.step(1);
  expect(recipients.active).toBe(-1);
});

it('leaves marked who is marked while others come and go', async () => {
  const { compose, fake } = await composeOf();
  const { recipients } = compose;
  const marked = () => recipients.offered[recipients.active]?.to.name;
  const come = async (...others: Contact[]) => {
    fake.world.contacts = others;
    fake.tell({ event: 'contacts' });
    await settled();
  };
  fake.world.contacts = [contact('ann'), contact('anton')];
  recipients.write('an');
  await recipients.look();
  expect(marked()).toBe('ann');
  recipients.step(1);
  await come(contact('anka'), contact('ann'), contact('anton'));
  expect(marked()).toBe('anton');
  await come(contact('anka'), contact('ann'));
  expect(recipients.active).toBe(-1);
  await come(contact('anka'));
  expect(recipients.active).toBe(-1);
  recipients.write('ank');
  await recipients.look();
  expect(marked()).toBe('anka');
});

it('goes by the relay of those it is for, and says whom that does not know', async () => {
  const { compose, fake } = await composeOf();
  fake.setStatus({ relays: [...fake.world.status.relays, relay({ id: 'work', label: 'Work' })] });
  fake.world.contacts.push({ ...contact('eve'), relay: 'work' });
  const { recipients } = compose;
  compose.title = 'x';
  recipients.choose({ ...contact('eve'), relay: 'work' });
  expect(compose.by).toBe('work');
  recipients.choose(contact('ann'));
  await compose.send();
  expect(compose.toWrong).toContain('ann');
  recipients.removeLast();
  await compose.send();
  expect(fake.world.sent.at(-1)?.draft).toMatchObject({ relay: 'work', to: [{ name: 'eve' }] });
});

it('says what the relay cannot do, once it is known', async () => {
  const { compose, fake } = await composeOf();
  const set = (change: Partial<RelayState>) => fake.setStatus({ relays: [relay(change)] });
  compose.due = Date.now() + 3_600_000;
  expect(compose.missing).toEqual([]);
  set({ extensions: ['receipts'] });
  expect(compose.missing).toHaveLength(1);
  Object.assign(compose, { ask: 'each', repeat: 300 });
  expect(compose.missing).toHaveLength(2);
  set({ extensions: [], connection: { state: 'connecting' } });
  expect(compose.missing).toEqual([]);
});

it('keeps what is written, finds it again, and does not keep what was sent', async () => {
  const { desk, compose, fake } = await composeOf();
  compose.recipients.write('ann,');
  compose.title = 'Lunch';
  // Both at once are one draft.
  await Promise.all([compose.keep(), compose.keep()]);
  expect(fake.world.drafts).toHaveLength(1);
  compose.title = 'Lunch?';
  await compose.keep();
  expect(fake.world.drafts.map(({ draft }) => draft.title)).toEqual(['Lunch?']);

  const other = new Compose(desk);
  await other.show(VIEW);
  expect([other.title, other.recipients.chips[0]?.to.name]).toEqual(['Lunch?', 'ann']);
  await other.fresh();
  other.title = 'Another';
  await other.keep();
  expect(other.keeping.all).toHaveLength(1);
  await other.keeping.read();
  expect(other.keeping.others.map(({ draft }) => draft.title)).toEqual(['Lunch?']);
  other.recipients.write('bob');
  await other.send();
  await other.keep();
  expect(fake.world.drafts.map(({ draft }) => draft.title)).toEqual(['Lunch?']);
  await compose.discard();
  expect(fake.world.drafts).toEqual([]);
});

it('answers a message: to its sender, by its relay, beneath what it said', async () => {
  const { compose, fake } = await composeOf();
  const message = fake.world.messages.at(-1);
  if (!message) throw new Error('no message');
  const reply = message.row.id;
  await compose.show({ ...VIEW, reply });
  expect(compose.quoted?.row.id).toBe(reply);
  expect(compose.draft).toMatchObject({
    replyTo: reply,
    relay: message.row.relay,
    to: [{ kind: 'person', name: message.row.sender }],
  });
  // Nothing was written yet, so nothing is kept.
  await compose.keep();
  expect(fake.world.drafts).toEqual([]);
  compose.body = 'Thanks';
  await compose.show(VIEW);
  expect(compose.body).toBe('Thanks');
  await compose.show({ ...VIEW, to: [{ kind: 'group', name: 'home' }] });
  expect([compose.replyTo, compose.body]).toEqual([null, '']);
  expect(fake.world.drafts.map(({ draft }) => draft.body)).toEqual(['Thanks']);
  await compose.show({ ...VIEW, reply });
  expect(compose.body).toBe('Thanks');
});

it('offers times that are still to come', () => {
  const noon = new Date(2026, 10, 24, 12, 30).getTime();
  expect(new Date(quick(noon).tonight ?? 0).getHours()).toBe(20);
  expect(quick(new Date(2026, 10, 24, 21, 0).getTime()).tonight).toBeNull();
  expect(parts(quick(noon).morning ?? 0)).toEqual({ day: days(noon)[1], time: '08:00' });
  expect(at(days(noon)[0] ?? 0, '12:30')).toBe(noon);
  expect(at(0, 'soon')).toBeNull();
});
