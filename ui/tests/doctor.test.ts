/** The doctor's page and this computer's settings, over an agent in memory. */
import { expect, it } from 'vitest';
import { Failed } from '../src/lib/backend/backend';
import { report } from '../src/lib/backend/fake/doctor';
import { relay, used } from '../src/lib/backend/fake/samples';
import { Doctor } from '../src/windows/doctor/doctor.svelte';
import { asText } from '../src/windows/doctor/report';
import { ComputerSettings } from '../src/windows/settings/computer.svelte';
import { deskOf, settled } from './desk';

async function doctor() {
  const { desk, fake } = await deskOf(used(0), { window: 'doctor' });
  return { doctor: new Doctor(desk), desk, fake };
}

const looks = (fake: { asked: { do: string }[] }) =>
  fake.asked.filter((request) => request.do === 'doctor').length;

it('looks when the page opens and when the agent is back', async () => {
  const { doctor: d, fake } = await doctor();
  const end = d.follow();
  expect(d.looking).toBe(true);
  await settled();
  expect(d.looking).toBe(false);
  expect(d.report?.checks.length).toBeGreaterThan(0);
  fake.setRunning(false);
  fake.setRunning(true);
  await settled();
  expect(looks(fake)).toBe(2);
  end();
});

it('shows the later of two reports, and keeps the last one where a look fails', async () => {
  const { doctor: d, fake } = await doctor();
  const paces: (() => void)[] = [];
  fake.pace = () => new Promise((done) => paces.push(done));
  const first = d.look();
  const second = d.look();
  paces[1]?.();
  await second;
  const shown = d.report;
  expect(shown).not.toBeNull();
  paces[0]?.();
  await first;
  expect(d.report).toBe(shown);
  fake.pace = () => Promise.resolve();
  fake.fail('doctor', new Failed('Tidings is ending. Start it again.', 'system'));
  await d.look();
  expect(d.error).toContain('ending');
  expect(d.report).toBe(shown);
});

it('does what a button says and looks again, but asks before a file', async () => {
  const { doctor: d, fake } = await doctor();
  await d.look();
  const by = (remedy: string) => {
    const found = d.report?.checks.find((c) => c.remedy === remedy);
    if (!found) throw new Error(`no check with ${remedy}`);
    return found;
  };
  fake.setStatus({ quiet: { held: 'paused', pausedUntil: Date.now() + 1000 } });
  await d.cure(by('resume'));
  expect(fake.world.status.quiet.held).toBeNull();
  expect(looks(fake)).toBe(2);
  fake.setStatus({ relays: [relay({ secret: 'memory' })] });
  await d.cure(by('plain-secret'));
  expect(d.question).toBe(true);
  expect(fake.world.status.relays[0]?.secret).toBe('memory');
  await d.cure(by('plain-secret'), true);
  expect(fake.world.status.relays[0]?.secret).toBe('file');
  await d.cure(by('open-folder'));
  expect(fake.asked.at(-1)).toEqual({ do: 'open-folder', folder: 'data' });
});

it('shows a test message behind its relay, and in the copied report', async () => {
  const { doctor: d, fake } = await doctor();
  await d.look();
  await d.test('hosted');
  const subjects = d.checks.map((c) => c.subject);
  expect(subjects.indexOf('trip')).toBe(subjects.indexOf('relay') + 1);
  expect(fake.asked.at(-1)).toEqual({ do: 'test-relay', relay: 'hosted' });
  await d.look();
  expect(d.checks.some((c) => c.subject === 'trip')).toBe(true);
});

it('writes the report as text in either language, with all of it', () => {
  const text = asText(report(0), 'en');
  expect(text).toContain('[FAIL] Keyring: The keyring did not answer within a few seconds.');
  expect(text).toContain('→ If it asks for a password, answer it; else restart it.');
  expect(text).toContain('Capabilities: actions, body');
  expect(asText(report(0), 'zh-CN')).toContain('[FAIL] 密钥环: 密钥环在数秒内没有应答。');
});

it('sets what happens at login at once, and takes it back where that fails', async () => {
  const { desk, fake } = await deskOf(used(0), { window: 'settings' });
  const here = new ComputerSettings(desk);
  const end = here.follow();
  await settled();
  expect(here.computer?.autostart?.on).toBe(true);
  const off = here.atLogin({ on: false });
  expect(here.computer?.autostart?.on).toBe(false);
  await off;
  expect(fake.world.computer.autostart?.on).toBe(false);
  fake.fail('set-autostart', new Failed('The folder cannot be written.', 'system'));
  await here.atLogin({ on: true });
  expect(here.computer?.autostart?.on).toBe(false);
  expect(here.error).toContain('cannot be written');
  end();
});
