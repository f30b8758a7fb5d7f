import { expect, it } from 'vitest';
import { Failed } from '../src/lib/backend/backend';
import { BLANK } from '../src/lib/draft';
import { outcome } from '../src/lib/backend/fake/sent';
import { used } from '../src/lib/backend/fake/samples';
import { wholeMark } from '../src/lib/delivery';
import { Compose } from '../src/windows/compose/compose.svelte';
import { SentList } from '../src/windows/sent/sent.svelte';
import { deskOf, settled } from './desk';

async function composeOf() {
  const { desk, fake } = await deskOf(used(0), { window: 'compose', reply: null, to: [] });
  const compose = new Compose(desk);
  compose.follow();
  return { desk, fake, compose };
}

it('sends what was written, and shows what becomes of it for each recipient', async () => {
  const { compose, fake } = await composeOf();
  Object.assign(compose, { kind: 'group', to: ' developers ', title: 'Cake', body: 'Kitchen.' });
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
  Object.assign(compose, { to: 'ann', body: 'x' });
  await compose.send();
  expect(compose.sent?.parcels[0]?.progress.state).toBe('sending');
});

it('says what is missing, by field, before it asks', async () => {
  const { compose, fake } = await composeOf();
  await compose.send();
  expect(compose.toWrong).not.toBe('');
  compose.to = 'ann';
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
  Object.assign(compose, { to: 'ann', title: 'Lunch?' });
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
  Object.assign(compose, {
    to: 'ann',
    title: 'a',
    body: 'b',
    link: 'https://a.example',
    priority: 'high',
  });
  await compose.send();
  compose.another();
  expect(compose).toMatchObject({
    to: 'ann',
    title: '',
    body: '',
    link: '',
    priority: 'default',
    sent: null,
  });
  expect(compose.empty).toBe(true);
});

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
