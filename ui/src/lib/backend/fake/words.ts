/** What the agent in memory says: like the real one, in both languages, and failing in the person's. */
import { say } from '../../language.svelte';
import { Failed } from '../backend';
import type { Code, Words } from '../bindings';

export const said = (en: string, zh: string): Words => ({ en, 'zh-CN': zh });

export function failed(en: string, zh: string, code: Code | null = null): Failed {
  return new Failed(say(said(en, zh)), code);
}
