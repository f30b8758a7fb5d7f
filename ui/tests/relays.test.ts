/** The page of the relays: what is asked, changed and left, against the fake backend. */
import { expect, it } from 'vitest';
import { outcome } from '../src/lib/backend/fake/sent';
import { BLANK } from '../src/lib/draft';
import { relay, used } from '../src/lib/backend/fake/samples';
import { connectionOf, connectionTrouble, relayLabel } from '../src/lib/connection';
import { RelaysPage } from '../src/windows/relays/relays.svelte';
import { deskOf, settled } from './desk';

async function relays() {
  const world = used(0);
  const work = relay({ id: 'work', label: 'Work', address: 'wss://work.example/' });
  world.status.relays = [...world.status.relays, work];
  const { desk, fake } = await deskOf(world, { window: 'settings' });
  const page = new RelaysPage(desk);
  page.follow();
  return { page, desk, fake, work };
}

it('asks the relay itself only for what is new about it', async () => {
  const { page, fake, work } = await relays();
  page.edit(work);
  page.label = 'Office';
  await page.save();
  expect(fake.asked.at(-1)).toEqual({
    do: 'describe-relay',
    id: 'work',
    label: 'Office',
    color: 'blue',
  });
  expect(page.editing).toBeNull();
  page.edit(work);
  page.label = 'Office';
  page.form.name = 'laptop';
  await page.save();
  expect(fake.asked.at(-1)).toEqual({
    do: 'join',
    relay: { id: 'work', address: 'wss://work.example/', name: 'laptop', group: '', token: null },
  });
});

it('leaves after asking, and says what waits', async () => {
  const { page, desk, fake, work } = await relays();
  const ann = { kind: 'person' as const, name: 'ann' };
  fake.world.sent.push({
    id: 99,
    draft: { ...BLANK, to: [ann], title: 't', relay: 'work' },
    writtenAt: 1,
    parcels: [{ to: ann, progress: { state: 'queued' }, recipients: [] }],
  });
  await page.ask(work);
  expect(page.leaving?.waiting).toBe(1);
  expect(desk.status?.relays).toHaveLength(2);
  await page.leave();
  expect(desk.status?.relays.map(({ id }) => id)).toEqual(['hosted']);
});

it('knows its own test when it arrives', async () => {
  const { page, fake, work } = await relays();
  await page.test(work, 'Test');
  const id = fake.world.sent.at(-1)?.id ?? 0;
  fake.progress(id, { state: 'answered' }, [outcome('desk', 'delivered')]);
  await settled();
  expect(page.tests['work']).toBe('arrived');
});

it('weighs the relays by what needs the person, and explains a name that is taken', async () => {
  const { desk } = await relays();
  const status = desk.status;
  if (!status) throw new Error('no status');
  expect(connectionOf(status).state).toBe('connected');
  const taken = (again: boolean) =>
    relay({ connection: { state: 'taken-over', since: 0, again, retryAt: null } });
  expect(connectionOf({ ...status, relays: [...status.relays, taken(false)] }).state).toBe(
    'taken-over',
  );
  expect(connectionTrouble(taken(false), 0, 'en')).toContain('another device is connected as desk');
  expect(connectionTrouble(taken(true), 0, 'en')).toContain('back at once');
  expect(relayLabel(status, 'left', 'wss://left.example:9093/')).toBe('left.example:9093');
});
