// Every page of scripts/pages.mjs, in both themes and languages, from the backend in memory, under the
// content policy of the real windows: `npm run screens [-- NAME...]` takes pictures, into
// target/screens; with `--check` none are taken, each theme and each language is looked at once, and
// it is quick. Either way each page is checked for what keeps people with a disability out (axe), for
// being wider than its window, and in Chinese for English words; any finding is a fault. It needs a
// Chromium: /usr/bin/chromium, or the one that CHROMIUM names.
import { mkdirSync } from 'node:fs';
import axe from 'axe-core';
import { chromium } from 'playwright-core';
import { build, preview } from 'vite';
import { foreign } from './foreign.mjs';
import { PAGES } from './pages.mjs';

const OUT = '../target/screens';
const BUILD = '../target/screens-ui';
/** What axe looks for: the guidelines' levels A and AA, and what it holds to be good practice. */
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const check = process.argv.includes('--check');
const wanted = process.argv.slice(2).filter((word) => word !== '--check');
const pages = PAGES.filter(([name]) => wanted.length === 0 || wanted.some((w) => name.includes(w)));
mkdirSync(OUT, { recursive: true });
await build({ mode: 'fake', logLevel: 'error', build: { outDir: BUILD, emptyOutDir: true } });
const server = await preview({ build: { outDir: BUILD }, preview: { port: 0, host: '127.0.0.1' } });
const address = server.resolvedUrls?.local[0];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
});
// Where only colours differ by theme and only words by language, the two show what four would.
const LOOKS = check
  ? [
      ['light', 'zh-CN'],
      ['dark', 'en'],
    ]
  : ['light', 'dark'].flatMap((theme) => ['en', 'zh-CN'].map((lang) => [theme, lang]));
let faults = 0;

/** What keeps somebody out, in a line each. */
async function barriers(page) {
  await page.evaluate(axe.source);
  const found = await page.evaluate(
    (values) =>
      window.axe.run(document, {
        runOnly: { type: 'tag', values },
        // A menu stands beside the page, as a dialog does, which the rule lets pass.
        rules: { region: { enabled: !document.querySelector('[role=menu]') } },
      }),
    RULES,
  );
  return found.violations.map(({ id, help, nodes }) => {
    const places = nodes.slice(0, 3).map((node) => node.target.join(' '));
    return `${id}: ${help}: ${places.join(', ')} (${nodes.length})`;
  });
}

/** Whether the page itself scrolls sideways. */
function wider() {
  const { scrollWidth, clientWidth } = document.documentElement;
  return scrollWidth > clientWidth ? [`${scrollWidth} px of ${clientWidth}`] : [];
}

async function look([name, query, viewport, act], theme, lang) {
  const context = await browser.newContext({ viewport, locale: lang, colorScheme: theme });
  const page = await context.newPage();
  const fault = (what) => {
    faults += 1;
    console.error(`${name} ${theme} ${lang}: ${what}`);
  };
  page.on('pageerror', (error) => fault(error.message));
  page.on('console', (message) => message.type() === 'error' && fault(message.text()));
  page.setDefaultTimeout(10_000);
  try {
    await page.goto(`${address}?${query}&theme=${theme}&lang=${lang}`);
    await page
      .locator(
        '[data-testid=inbox-row], [data-testid=sent-row], .empty, .skeleton, form, .choices, .page, .page-column',
      )
      .first()
      .waitFor();
    await act?.(page);
    // Motion, and skeletons that wait before they appear.
    await page.waitForTimeout(350);
    if (!check) await page.screenshot({ path: `${OUT}/${name}.${theme}.${lang}.png` });
    for (const found of await barriers(page)) fault(found);
    for (const found of await page.evaluate(wider)) fault(`wider than the window: ${found}`);
    if (lang === 'zh-CN') for (const found of await foreign(page)) fault(`in English: ${found}`);
  } catch (error) {
    fault(error.message);
  }
  await context.close();
}

for (const page of pages) await Promise.all(LOOKS.map(([theme, lang]) => look(page, theme, lang)));
await browser.close();
await server.close();
const looks = pages.length * LOOKS.length;
console.log(`${looks} looks at ${pages.length} pages, ${faults} faults`);
process.exit(faults === 0 ? 0 : 1);
