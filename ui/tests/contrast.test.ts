/** Text on its grounds: at least 4.5:1 in both themes, computed from the tokens themselves. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** WCAG 2.2, 1.4.3 (text) and 1.4.11 (parts of controls). */
const TEXT = 4.5;
const PART = 3;
/** What is pointed at or marked is seen at all: no rule of WCAG's, as words and keys tell it too. */
const SEEN = 1.05;

const css = readFileSync(new URL('../src/lib/styles/tokens.css', import.meta.url), 'utf8');

function tokens(theme: 0 | 1): Map<string, number> {
  const found = new Map<string, number>();
  for (const [, name, light, dark] of css.matchAll(
    /--([\w-]+):\s*light-dark\(oklch\(([^)]+)\), oklch\(([^)]+)\)\)/g,
  )) {
    const text = theme === 0 ? light : dark;
    if (name && text && !text.includes('/')) found.set(name, luminance(text));
  }
  return found;
}

/** The relative luminance of an OKLCH colour (css-color-4, 10.9 and WCAG). */
function luminance(text: string): number {
  const [l = 0, c = 0, h = 0] = text.trim().split(/\s+/).map(Number);
  const a = c * Math.cos((h * Math.PI) / 180);
  const b = c * Math.sin((h * Math.PI) / 180);
  const [x, y, z] = [
    (l + 0.3963377774 * a + 0.2158037573 * b) ** 3,
    (l - 0.1055613458 * a - 0.0638541728 * b) ** 3,
    (l - 0.0894841775 * a - 1.291485548 * b) ** 3,
  ];
  const clip = (v: number) => Math.min(1, Math.max(0, v));
  const red = clip(4.0767416621 * x - 3.3077115913 * y + 0.2309699292 * z);
  const green = clip(-1.2684380046 * x + 2.6097574011 * y - 0.3413193965 * z);
  const blue = clip(-0.0041960863 * x - 0.7034186147 * y + 1.707614701 * z);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

const GROUNDS = ['side', 'list', 'page', 'raised', 'field', 'hover', 'selected'];
const PAIRS: [text: string, grounds: string[], least: number][] = [
  ['text', [...GROUNDS, 'control', 'control-hover', 'chosen', 'found'], TEXT],
  ['soft', [...GROUNDS, 'control'], TEXT],
  ['accent-text', GROUNDS, TEXT],
  ['danger', [...GROUNDS, 'control', 'control-hover'], TEXT],
  ['good', ['page', 'field', 'selected'], TEXT],
  ['code-word', ['field'], TEXT],
  ['code-text', ['field'], TEXT],
  ['code-value', ['field'], TEXT],
  ['code-name', ['field'], TEXT],
  ['notice-text', ['notice'], TEXT],
  ['on-primary', ['primary', 'primary-hover'], TEXT],
  ['accent', ['list', 'page', 'raised', 'side', 'field'], PART],
  ['outline', ['page', 'list', 'raised', 'side'], PART],
  ['hover', ['page', 'list', 'raised', 'side'], SEEN],
];

describe.each([
  ['light', 0],
  ['dark', 1],
] as const)('%s', (_, theme) => {
  const colours = tokens(theme);
  it.each(PAIRS.flatMap(([text, grounds, least]) => grounds.map((g) => [text, g, least] as const)))(
    '%s on %s',
    (text, ground, least) => {
      const [a, b] = [colours.get(text), colours.get(ground)];
      if (a === undefined || b === undefined) throw new Error(`no token ${text} or ${ground}`);
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      expect(ratio).toBeGreaterThanOrEqual(least);
    },
  );
});
