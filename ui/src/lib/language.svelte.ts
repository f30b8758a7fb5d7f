/**
 * The language of the windows: the agent's setting, or the desktop's.
 *
 * Every `m.word()` read in a template follows it at once, because the locale is a rune.
 */
import type { Language, Words } from './backend/bindings';
import { overwriteGetLocale, type Locale } from './words/runtime.js';

const KEPT = 'language';
let current = $state<Locale>(resolve(kept()));
overwriteGetLocale(() => current);

/** The language now; also the locale of numbers and dates. */
export function locale(): Locale {
  return current;
}

/** What the agent says, in that language. */
export function say(words: Words): string {
  return words[current];
}

/** Follows the setting, and remembers it, so that the next window's first words are right. */
export function setLanguage(language: Language): void {
  current = resolve(language);
  globalThis.localStorage?.setItem(KEPT, language);
  if (globalThis.document) document.documentElement.lang = current;
}

function kept(): Language {
  return (globalThis.localStorage?.getItem(KEPT) as Language | null) ?? 'system';
}

function resolve(language: Language): Locale {
  if (language !== 'system') return language;
  return globalThis.navigator?.language?.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
}
