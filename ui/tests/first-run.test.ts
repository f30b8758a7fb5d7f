import { expect, it } from 'vitest';
import { Failed } from '../src/lib/backend/backend';
import { blank, sample, used } from '../src/lib/backend/fake/samples';
import { FirstRun } from '../src/windows/first-run/first-run.svelte';
import { SettingsPage } from '../src/windows/settings/settings.svelte';
import { deskOf, settled } from './desk';

async function firstRun(world = blank()) {
  const { desk, fake } = await deskOf(world, { window: 'first-run' });
  const run = new FirstRun(desk);
  run.follow();
  await settled();
  return { desk, fake, run };
}

it('hosts by one click, waits for the first message, and opens the inbox on it', async () => {
  const { run, desk, fake } = await firstRun();
  expect(run.step).toBe('choice');
  await run.host();
  expect(run.step).toBe('ready');
  expect(desk.status?.hosted?.reach).toBe('computer');
  await run.reach('network');
  expect(desk.status?.hosted?.addresses).toEqual(['ws://192.168.1.20:9093']);
  fake.receive(sample(1, { title: 'Hello' }));
  fake.receive(sample(2, { title: 'Again' }));
  expect(run.first?.title).toBe('Hello');
  await run.openInbox();
  expect(fake.shown).toEqual([{ window: 'inbox', message: 1 }]);
  expect(fake.closed).toBe(true);
});

it('says why it cannot host, and lets try again', async () => {
  const { run, fake } = await firstRun();
  fake.fail('host', new Failed('No port is free.', 'system'));
  await run.host();
  expect([run.step, run.error, run.busy]).toEqual(['choice', 'No port is free.', false]);
  fake.fail('host');
  await run.host();
  expect([run.step, run.error]).toEqual(['ready', '']);
});

it('joins, with the words of the agent where something is wrong', async () => {
  const { run, desk } = await firstRun();
  run.step = 'join';
  run.form.address = 'relay.example.com';
  await run.join();
  expect([run.step, run.form.error]).toEqual(['join', 'The name is missing: others send to it.']);
  Object.assign(run.form, { name: 'desk', token: 'secret' });
  await run.join();
  expect([run.step, run.form.token]).toEqual(['ready', '']);
  expect(desk.status?.relays[0]?.address).toBe('ws://relay.example.com');
});

it('copies the token without ever holding it', async () => {
  const { run, fake } = await firstRun();
  await run.host();
  await run.copyToken();
  expect(run.tokenCopied).toBe(true);
  expect(fake.asked.some((r) => r.do === 'token')).toBe(false);
});

it('begins where things stand, also when they change elsewhere', async () => {
  expect((await firstRun(used(0))).run.step).toBe('ready');
  const { run, fake } = await firstRun();
  await fake.ask({ do: 'host', reach: 'computer', name: null });
  expect(run.step).toBe('ready');
});

it('settings: shows at once, goes back where the agent refuses', async () => {
  const { desk, fake } = await deskOf(used(0), { window: 'settings' });
  const page = new SettingsPage(desk);
  await page.theme('dark');
  expect(fake.world.settings.theme).toBe('dark');
  fake.fail('set-settings', new Failed('The disk is read-only.'));
  const changing = page.language('zh-CN');
  expect(desk.settings.language).toBe('zh-CN');
  await changing;
  expect([desk.settings.language, page.error]).toEqual(['system', 'The disk is read-only.']);
});
