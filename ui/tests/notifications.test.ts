/** Notifications in the windows: what is offered, quiet hours as they are written, mutes, consents. */
import { describe, expect, it } from 'vitest';
import { settings, used } from '../src/lib/backend/fake/samples';
import {
  minutes,
  NotificationSettings,
  time,
  wrong,
} from '../src/windows/settings/notifications.svelte';
import { deskOf } from './desk';

async function page(change: Partial<ReturnType<typeof settings>['notifications']> = {}) {
  const world = used(0);
  world.settings = settings();
  Object.assign(world.settings.notifications, change);
  const { desk, fake } = await deskOf(world, { window: 'settings' });
  return { page: new NotificationSettings(desk), desk, fake };
}

describe('quiet hours', () => {
  it('are read as people write them, and nothing else', () => {
    expect(['22:00', '7:05', '00:00'].map(minutes)).toEqual([1320, 425, 0]);
    expect(['', '24:00', '7', '7:5', '07:60', 'noon'].map(minutes)).toEqual(Array(6).fill(null));
    expect([0, 425, 1439].map(time)).toEqual(['00:00', '07:05', '23:59']);
  });

  it('are saved once they can be meant, and not before', async () => {
    const { page: p, fake } = await page();
    await p.addHours();
    expect(fake.world.settings.notifications.hours).toEqual([
      { days: [1, 2, 3, 4, 5], from: 1320, to: 420 },
    ]);
    const asked = fake.asked.length;
    for (const day of [1, 2, 3, 4, 5]) await p.day(0, day, false);
    const written = p.hours[0];
    expect(written && wrong(written)).not.toBeNull();
    expect(fake.asked.length).toBe(asked + 4);
    await p.day(0, 7, true);
    await p.day(0, 6, true);
    expect(fake.world.settings.notifications.hours[0]?.days).toEqual([6, 7]);
    if (written) written.from = 'late';
    await p.saveHours();
    expect(fake.world.settings.notifications.hours[0]?.from).toBe(1320);
    await p.removeHours(0);
    expect(fake.world.settings.notifications.hours).toEqual([]);
  });
});

it('takes over quiet hours that are read later or set elsewhere, and keeps its own', async () => {
  const { page: p, desk } = await page();
  p.take([{ days: [7], from: 0, to: 60 }]);
  expect(p.hours).toEqual([{ days: [7], from: '00:00', to: '01:00' }]);
  const written = p.hours[0];
  if (written) written.from = 'half';
  p.take([{ days: [7], from: 0, to: 60 }]);
  expect(p.hours[0]?.from).toBe('half');
  if (written) written.from = '00:30';
  await p.saveHours();
  p.take(desk.settings.notifications.hours);
  expect(p.hours[0]?.from).toBe('00:30');
});

it('pauses, and says how it failed where it did', async () => {
  const { page: p, desk, fake } = await page();
  await p.pause({ for: 'minutes', value: 30 });
  expect(desk.status?.quiet.held).toBe('paused');
  await p.pause({ for: 'off' });
  expect(desk.status?.quiet.pausedUntil).toBeNull();
  fake.running = false;
  await p.set({ sound: false });
  expect(p.error).not.toBe('');
  expect(desk.settings.notifications.sound).toBe(true);
});

it('unmutes, and takes back what was allowed', async () => {
  const mute = { kind: 'tag' as const, name: 'disk' };
  const { page: p, desk, fake } = await page({ mutes: [mute] });
  await p.unmute(mute);
  expect(desk.settings.notifications.mutes).toEqual([]);
  const ci = fake.world.messages.find((m) => m.offers.some((o) => o.asks));
  const offer = ci?.offers.findIndex((o) => o.asks) ?? -1;
  const id = ci?.row.id ?? 0;
  await expect(desk.ask({ do: 'act', id, offer, allow: false })).rejects.toThrow();
  await desk.ask({ do: 'act', id, offer, allow: true });
  const end = p.follow();
  await expect.poll(() => p.consents.length).toBe(1);
  await p.revoke(1);
  expect(p.consents).toEqual([]);
  end();
});
