import { expect, it } from 'vitest';
import { pieces, words } from '../src/lib/find';
import { holds, narrows, NONE, same } from '../src/windows/inbox/filter';
import { sample } from '../src/lib/backend/fake/samples';

const found = (text: string, typed: string) =>
  pieces(text, words(typed))
    .filter((piece) => piece.found)
    .map((piece) => piece.text);

it('marks the beginnings of words, whatever their case and accents', () => {
  expect(found('The build of main is green', 'BUI gre')).toEqual(['bui', 'gre']);
  expect(found('Ärger im Gebäude', 'arg geba')).toEqual(['Ärg', 'Gebä']);
  expect(found('rebuild', 'build')).toEqual([]);
  expect(found('foo-bar, foo', '"foo"')).toEqual(['foo', 'foo']);
});

it('marks any part of what is written without spaces', () => {
  expect(found('晚上一起吃饭吗', '吃饭')).toEqual(['吃饭']);
  expect(found('十点meeting', 'meet')).toEqual(['meet']);
});

it('gives the whole text again, piece by piece', () => {
  for (const text of ['', 'a', '🎉 aa a', 'İstanbul ﬁ ß', '\u{1F600}abc']) {
    for (const typed of ['', 'a', 'ab', 'İ', 'ss fi', '*"(']) {
      const all = pieces(text, words(typed));
      expect(all.map((piece) => piece.text).join('')).toBe(text);
    }
  }
});

it('knows which arrivals belong into the list, and when only the agent does', () => {
  const { row } = sample(1, { sender: 'ann', group: 'ops', priority: 'high' });
  expect(holds(NONE, row)).toBe(true);
  expect(holds({ ...NONE, sender: 'ann', group: 'ops' }, row)).toBe(true);
  expect(holds({ ...NONE, sender: 'bob' }, row)).toBe(false);
  expect(holds({ ...NONE, priority: 'urgent' }, row)).toBe(false);
  expect(holds({ ...NONE, search: 'x' }, row)).toBeNull();
  expect(holds({ ...NONE, search: 'x', sender: 'bob' }, row)).toBe(false);
  expect(holds({ ...NONE, unread: true }, { ...row, read: true })).toBe(false);
  expect(same({ ...NONE }, NONE)).toBe(true);
  expect(narrows({ ...NONE, unread: true })).toBe(false);
  expect(narrows({ ...NONE, tag: 'x' })).toBe(true);
});
