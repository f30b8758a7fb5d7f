// English on a Chinese page: what a page says, or tells those who hear it, in two words of Latin letters
// or more, and that nobody wrote. What somebody wrote, a sender or the person, stands in the backend in
// memory and in what is typed into the pages.
import { readFileSync } from 'node:fs';

const WRITTEN = ['../src/lib/backend/fake/samples.ts', '../src/lib/backend/fake/doctor.ts']
  .concat(['../src/lib/backend/fake/sent.ts', '../src/lib/backend/fake/scenes.ts', './pages.mjs'])
  .map((file) => readFileSync(new URL(file, import.meta.url), 'utf8'))
  .join('\n')
  // Of what the agent says in both languages, the English is not to be seen.
  .replaceAll(/\b(said|hop|failed)\(\s*'(\\.|[^'\\])*'/g, '')
  // Markdown's marks are not shown.
  .replaceAll(/[*`]/g, '');

const RUN = /\p{Script=Latin}{2,}(?: \p{Script=Latin}{2,}(?!\p{L}|:\/\/))+/gu;

/** All that a page says, shown or told. */
function texts() {
  const all = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) all.push(walk.currentNode.data);
  for (const name of ['title', 'aria-label', 'placeholder', 'alt'])
    for (const element of document.querySelectorAll(`[${name}]`))
      all.push(element.getAttribute(name));
  return all;
}

/** The English of a page, a line each. */
export async function foreign(page) {
  const runs = (await page.evaluate(texts)).flatMap((text) => text.match(RUN) ?? []);
  return [...new Set(runs)].filter((run) => !WRITTEN.includes(run));
}
