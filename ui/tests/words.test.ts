/** Both languages say everything, with the same blanks to fill in. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

type Words = Record<string, unknown>;
const read = (locale: string) =>
  JSON.parse(readFileSync(new URL(`../messages/${locale}.json`, import.meta.url), 'utf8')) as Words;
const en = read('en');
const zh = read('zh-CN');

const blanks = (words: unknown) =>
  [...new Set(JSON.stringify(words).match(/\{\w+\}/g) ?? [])].sort();

it('has the same keys in both languages', () => {
  expect(Object.keys(zh)).toEqual(Object.keys(en));
});

it('leaves the same blanks in both, and nothing empty', () => {
  for (const key of Object.keys(en)) {
    expect(blanks(zh[key]), key).toEqual(blanks(en[key]));
    expect([en[key], zh[key]], key).not.toContain('');
  }
});

it('says nothing that no page shows', () => {
  const root = new URL('../src/', import.meta.url).pathname;
  const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(svelte|ts)$/.test(file) && !file.startsWith('lib/words'))
    .map((file) => readFileSync(root + file, 'utf8'))
    .join('\n');
  const used = new Set([...sources.matchAll(/\bm\.(\w+)/g)].map(([, key]) => key));
  expect(Object.keys(en).filter((key) => !key.startsWith('$') && !used.has(key))).toEqual([]);
});
