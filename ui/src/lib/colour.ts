/**
 * Code in messages, coloured. Loaded only where a message has some: most have none.
 *
 * Invariants: what is drawn are text nodes and spans with classes, never HTML; only code that names
 * its language is read, and no more of it than costs a moment.
 */
import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import go from 'highlight.js/lib/languages/go';
import ini from 'highlight.js/lib/languages/ini';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import powershell from 'highlight.js/lib/languages/powershell';
import python from 'highlight.js/lib/languages/python';
import rust from 'highlight.js/lib/languages/rust';
import sql from 'highlight.js/lib/languages/sql';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';
import { createLowlight } from 'lowlight';

const low = createLowlight({
  bash,
  c,
  css,
  diff,
  go,
  ini,
  java,
  javascript,
  json,
  powershell,
  python,
  rust,
  sql,
  typescript,
  xml,
  yaml,
});
low.registerAlias({ bash: ['shell', 'console'] });

/** Characters of all code in a message that are coloured: some ten milliseconds. */
const CHARS = 40_000;

type Node = ReturnType<typeof low.highlight>['children'][number];

/** Colours blocks of code in place; gives those that were. */
export function colour(blocks: Iterable<HTMLElement>): HTMLElement[] {
  const done: HTMLElement[] = [];
  let left = CHARS;
  for (const block of blocks) {
    const language = /language-(\S+)/.exec(block.className)?.[1]?.toLowerCase() ?? '';
    const text = block.textContent ?? '';
    left -= text.length;
    if (left < 0) break;
    if (!low.registered(language)) continue;
    block.replaceChildren(...drawn(low.highlight(language, text).children as Node[]));
    done.push(block);
  }
  return done;
}

function drawn(nodes: readonly Node[]): globalThis.Node[] {
  return nodes.flatMap((node): globalThis.Node[] => {
    if (node.type === 'text') return [document.createTextNode(node.value)];
    if (node.type !== 'element') return [];
    const span = document.createElement('span');
    span.className = (node.properties.className as string[] | undefined)?.join(' ') ?? '';
    span.replaceChildren(...drawn(node.children as Node[]));
    return [span];
  });
}
