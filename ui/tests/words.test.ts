/**
 * Both languages say everything, with the same blanks to fill in, and no page says anything beside
 * them. What pages then look like in each language is checked by `npm run screens`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'svelte/compiler';
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

/** What is the same in every language: a name, keys, an address to follow. */
const SAME = ['Tidings', 'Ctrl+Enter', '(Ctrl+', 'Esc', 'wss://relay.example.com', 'https://'];
/** The attributes and properties that people read or hear. */
const READ =
  /^(title|alt|placeholder|label|words|yes|no|note|hint|submit|aria-(label|description))$/;

interface Node {
  type?: string;
  name?: string;
  data?: string;
}

/** The texts that stand in a template itself. */
function texts(node: unknown, into: string[] = []): string[] {
  if (Array.isArray(node)) for (const each of node) texts(each, into);
  else if (typeof node === 'object' && node !== null) {
    const { type, name, data } = node as Node;
    const silent = type?.endsWith('Directive') || (type === 'Attribute' && !READ.test(name ?? ''));
    if (type === 'Text' && /\p{L}{2}/u.test(data ?? '')) into.push((data ?? '').trim());
    else if (!silent) for (const part of Object.values(node)) texts(part, into);
  }
  return into;
}

it('shows no words that are not in both languages', () => {
  const root = new URL('../src/', import.meta.url).pathname;
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
  const pages = files.filter((file) => file.endsWith('.svelte'));
  expect(pages.length).toBeGreaterThan(40);
  for (const page of pages) {
    const { fragment } = parse(readFileSync(root + page, 'utf8'), { modern: true });
    expect(
      texts(fragment).filter((text) => !SAME.includes(text)),
      page,
    ).toEqual([]);
  }
});
