// Pictures of every page, in both themes and languages, from the backend in memory, under the content
// policy of the real windows: `npm run screens [-- NAME...]`, into target/screens. It needs a
// Chromium: /usr/bin/chromium, or the one that CHROMIUM names.
import { mkdirSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { build, preview } from 'vite';

const OUT = '../target/screens';
const BUILD = '../target/screens-ui';
const INBOX = { width: 1080, height: 720 };
const NARROW = { width: 840, height: 560 };
const LEAST = { width: 640, height: 480 };
const COMPOSE = { width: 520, height: 560 };
const FIRST = { width: 760, height: 640 };

const row = (page, n) => page.getByTestId('inbox-row').nth(n).click();
const write = async (page) => {
  await page.getByTestId('compose-to').fill('ann');
  await page.getByTestId('compose-title').fill('Lunch?');
  await page.getByTestId('compose-body').fill('In ten minutes, at the **usual** place.');
};

/** Each: name, what the address asks for, the window's size, and what is done before the picture. */
const PAGES = [
  ['inbox', 'scene=used', INBOX],
  ['inbox-message', 'scene=used', INBOX, (p) => row(p, 0)],
  ['inbox-code', 'scene=used', INBOX, (p) => row(p, 1)],
  ['inbox-long', 'scene=used', INBOX, (p) => row(p, 7)],
  ['inbox-held', 'scene=used', INBOX, (p) => row(p, 2)],
  ['inbox-superseded', 'scene=used', INBOX, (p) => row(p, 6)],
  [
    'inbox-consent',
    'scene=used',
    INBOX,
    async (p) => {
      await row(p, 1);
      await p.getByTestId('offer').nth(1).click();
    },
  ],
  [
    'inbox-mute',
    'scene=used',
    INBOX,
    async (p) => {
      await row(p, 1);
      await p.getByTestId('mute').click();
    },
  ],
  ['inbox-paused', 'scene=quiet', INBOX],
  [
    'inbox-keys',
    'scene=used',
    INBOX,
    async (p) => {
      await row(p, 3);
      await p.keyboard.press('j');
    },
  ],
  [
    'inbox-source',
    'scene=used',
    INBOX,
    async (p) => {
      await row(p, 1);
      await p.locator('[aria-pressed]').last().click();
    },
  ],
  [
    'inbox-scrolled',
    'scene=used',
    INBOX,
    async (p) => {
      await p.getByTestId('inbox-row').first().hover();
      await p.mouse.wheel(0, 1180);
    },
  ],
  [
    'inbox-undo',
    'scene=used',
    INBOX,
    async (p) => {
      await row(p, 3);
      await p.keyboard.press('Delete');
    },
  ],
  ['inbox-help', 'scene=used', INBOX, (p) => p.keyboard.press('?')],
  [
    'inbox-link',
    'scene=used',
    INBOX,
    async (p) => {
      await row(p, 1);
      await p.locator('[data-testid=message-body] a').click();
    },
  ],
  ['inbox-empty', 'scene=empty', INBOX],
  ['inbox-setup', 'scene=fresh', INBOX],
  ['inbox-loading', 'scene=slow', INBOX],
  ['inbox-failed', 'scene=broken', INBOX],
  ['inbox-offline', 'scene=offline', INBOX, (p) => row(p, 3)],
  ['inbox-refused', 'scene=refused', INBOX],
  ['inbox-taken', 'scene=taken', INBOX],
  ['inbox-problems', 'scene=problems', INBOX],
  ['inbox-memory', 'scene=memory', INBOX, (p) => p.locator('.bars button').click()],
  ['inbox-narrow', 'scene=used', NARROW],
  ['inbox-narrow-message', 'scene=used', NARROW, (p) => row(p, 1)],
  ['inbox-least', 'scene=problems', LEAST],
  ['inbox-least-message', 'scene=used', LEAST, (p) => row(p, 7)],
  ['sent', 'scene=used', INBOX, (p) => p.getByTestId('nav-sent').click()],
  [
    'sent-group',
    'scene=used',
    INBOX,
    async (p) => {
      await p.getByTestId('nav-sent').click();
      await p.locator('.panes [data-id="3"]').click();
    },
  ],
  [
    'sent-unknown',
    'scene=used',
    INBOX,
    async (p) => {
      await p.getByTestId('nav-sent').click();
      await p.locator('.panes [data-id="2"]').click();
    },
  ],
  ['sent-empty', 'scene=empty', INBOX, (p) => p.getByTestId('nav-sent').click()],
  ['settings', 'scene=used&show=settings', INBOX],
  [
    'settings-foot',
    'scene=used&show=settings',
    INBOX,
    async (p) => {
      await p.getByTestId('reach-network').click();
      await p.getByTestId('open-doctor').scrollIntoViewIfNeeded();
    },
  ],
  [
    'settings-quiet',
    'scene=quiet&show=settings',
    INBOX,
    (p) => p.getByTestId('quiet-add').scrollIntoViewIfNeeded(),
  ],
  [
    'settings-muted',
    'scene=quiet&show=settings',
    INBOX,
    (p) => p.getByTestId('open-doctor').scrollIntoViewIfNeeded(),
  ],
  ['settings-joined', 'scene=offline&show=settings', INBOX],
  ['settings-least', 'scene=used&show=settings', LEAST],
  ['doctor', 'scene=used&show=doctor', INBOX],
  ['doctor-details', 'scene=used&show=doctor', INBOX, (p) => p.locator('summary').first().click()],
  ['doctor-least', 'scene=used&show=doctor', LEAST],
  ['doctor-looking', 'scene=slow&show=doctor', INBOX],
  ['compose', 'scene=used&show=compose', COMPOSE],
  ['compose-written', 'scene=used&show=compose', COMPOSE, write],
  [
    'compose-wrong',
    'scene=offline&show=compose',
    COMPOSE,
    async (p) => {
      await p
        .getByRole('button')
        .filter({ has: p.locator('.lucide-link-2') })
        .click();
      await p.getByTestId('compose-send').click();
    },
  ],
  [
    'compose-sent',
    'scene=used&show=compose',
    COMPOSE,
    async (p) => {
      await write(p);
      await p.keyboard.press('Control+Enter');
      await p.locator('[data-delivery=delivered]').waitFor();
    },
  ],
  [
    'compose-discard',
    'scene=used&show=compose',
    COMPOSE,
    async (p) => {
      await write(p);
      await p.keyboard.press('Escape');
    },
  ],
  ['first-run', 'scene=fresh&show=first-run', FIRST],
  [
    'first-run-join',
    'scene=fresh&show=first-run',
    FIRST,
    (p) => p.getByTestId('first-run-join').click(),
  ],
  [
    'first-run-waiting',
    'scene=fresh&show=first-run',
    FIRST,
    (p) => p.getByTestId('first-run-host').click(),
  ],
  [
    'first-run-network',
    'scene=fresh&show=first-run',
    FIRST,
    async (p) => {
      await p.getByTestId('first-run-host').click();
      await p.getByTestId('reach-network').click();
      await p.locator('[data-came=true]').waitFor();
    },
  ],
  ['down', 'scene=down', INBOX],
];

const wanted = process.argv.slice(2);
const pages = PAGES.filter(([name]) => wanted.length === 0 || wanted.some((w) => name.includes(w)));
mkdirSync(OUT, { recursive: true });
await build({ mode: 'fake', logLevel: 'error', build: { outDir: BUILD, emptyOutDir: true } });
const server = await preview({ build: { outDir: BUILD }, preview: { port: 0, host: '127.0.0.1' } });
const address = server.resolvedUrls?.local[0];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
});
let faults = 0;

async function picture([name, query, viewport, act], theme, lang) {
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
      .locator('[data-testid=inbox-row], .empty, .skeleton, form, .choices, .page')
      .first()
      .waitFor();
    await act?.(page);
    // Motion, and skeletons that wait before they appear.
    await page.waitForTimeout(350);
    await page.screenshot({ path: `${OUT}/${name}.${theme}.${lang}.png` });
  } catch (error) {
    fault(error.message);
  }
  await context.close();
}

for (const page of pages) {
  const looks = ['light', 'dark'].flatMap((theme) => ['en', 'zh-CN'].map((lang) => [theme, lang]));
  await Promise.all(looks.map(([theme, lang]) => picture(page, theme, lang)));
}
await browser.close();
await server.close();
console.log(`${pages.length * 4} pictures in target/screens, ${faults} faults`);
process.exit(faults === 0 ? 0 : 1);
