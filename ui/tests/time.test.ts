import { expect, it } from 'vitest';
import { actionOf } from '../src/windows/inbox/keys';
import { plain } from '../src/lib/plain';
import { dayName, dayOf, shortTime } from '../src/lib/time';

const noon = new Date(2026, 10, 24, 12, 0).getTime();
const before = (days: number, hour = 9) => new Date(2026, 10, 24 - days, hour, 5).getTime();

it('names days as people do', () => {
  expect(dayName(before(0), noon, 'en')).toBe('Today');
  expect(dayName(before(1), noon, 'en')).toBe('Yesterday');
  expect(dayName(before(3), noon, 'en')).toBe('Saturday, November 21');
  expect(dayName(new Date(2024, 1, 29).getTime(), noon, 'en')).toContain('2024');
  expect(dayName(before(1), noon, 'zh-CN')).toBe('昨天');
});

it('parts days at the local midnight', () => {
  expect(dayOf(new Date(2026, 10, 24, 23, 59).getTime())).toBe('2026-11-24');
  expect(dayOf(new Date(2026, 10, 25, 0, 0).getTime())).toBe('2026-11-25');
});

it('counts minutes within the hour, then tells the time', () => {
  expect(shortTime(noon - 20_000, noon, 'en')).toBe('now');
  expect(shortTime(noon - 5 * 60_000, noon, 'en')).toBe('5m ago');
  expect(shortTime(noon - 90 * 60_000, noon, 'en')).toMatch(/^10:30\sAM$/);
  expect(shortTime(noon + 3600_000, noon, 'zh-CN')).toBe('13:00');
});

it('keeps texts of others in their line and their direction', () => {
  expect(plain(' a\n\u202eb\u2066c\u0000 ')).toBe('a b c');
  expect(plain('x'.repeat(5000))).toHaveLength(500);
});

it('reads keys, and leaves them to who writes', () => {
  const key = (key: string, more: object = {}) =>
    actionOf({ key, target: null, ...more } as unknown as KeyboardEvent);
  globalThis.Element ??= EventTarget as unknown as typeof Element;
  expect(
    ['j', 'J', 'ArrowDown', 'k', 'e', 'u', 'Delete', 'c', '?', 'Escape'].map((k) => key(k)),
  ).toEqual([
    'next',
    'next',
    'next',
    'previous',
    'read',
    'unread',
    'delete',
    'compose',
    'help',
    'back',
  ]);
  expect(key('z', { ctrlKey: true })).toBe('undo');
  expect(key(',', { metaKey: true })).toBe('settings');
  expect(['1', '2', '3', '4', '5', '6'].map((page) => key(page, { ctrlKey: true }))).toEqual([
    'inbox',
    'sent',
    'relays',
    'settings',
    'doctor',
    null,
  ]);
  expect(key('j', { ctrlKey: true })).toBeNull();
  expect(key('j', { defaultPrevented: true })).toBeNull();
  class Field extends globalThis.Element {
    override closest() {
      return this;
    }
  }
  const target = Object.create(Field.prototype) as Field;
  expect(key('j', { target })).toBeNull();
  expect(key('z', { ctrlKey: true, target })).toBeNull();
});
