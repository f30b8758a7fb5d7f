// The pages and states of every window: one entry each, in the order in which a person meets them.

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

const sentOpen = (page) => page.getByTestId('sent-title').waitFor();

const join = async (page) => {
  await page.getByTestId('first-run-join').click();
  await page.getByTestId('join-address').fill('relay.example.com');
  await page.getByTestId('join-token').fill('secret');
  await page.getByTestId('join-name').fill('desk');
  await page.getByTestId('join-submit').click();
};

/** The sample that holds all that a message can. */
const everything = async (page) => {
  await page.getByTestId('search').fill('can hold');
  await page.locator('mark').first().waitFor();
  await row(page, 0);
  await page.getByTestId('message-body').locator('.hljs-keyword').first().waitFor();
};

/** Each: name, what the address asks for, the window's size, and what is done before the picture. */
export const PAGES = [
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
  ['inbox-everything', 'scene=used', INBOX, (p) => everything(p)],
  [
    'inbox-everything-foot',
    'scene=used',
    INBOX,
    async (p) => {
      await everything(p);
      await p.locator('a.other').hover();
      await p.getByTestId('offer').scrollIntoViewIfNeeded();
    },
  ],
  [
    'inbox-pictures',
    'scene=used',
    INBOX,
    async (p) => {
      await everything(p);
      await p.getByTestId('pictures-show').click();
      await p.locator('.image img').waitFor();
    },
  ],
  [
    'inbox-picked',
    'scene=used',
    INBOX,
    async (p) => {
      await row(p, 1);
      await p
        .getByTestId('inbox-row')
        .nth(3)
        .click({ modifiers: ['Shift'] });
    },
  ],
  [
    'inbox-picked-all',
    'scene=used',
    INBOX,
    async (p) => {
      await p.keyboard.press('Control+a');
      await p.keyboard.press('Delete');
    },
  ],
  [
    'inbox-menu',
    'scene=used',
    INBOX,
    async (p) => {
      await p.getByTestId('source').first().click();
      await p.getByTestId('list-menu').click();
    },
  ],
  [
    'inbox-search',
    'scene=used',
    INBOX,
    async (p) => {
      await p.getByTestId('search').fill('tests');
      await p.locator('mark').first().waitFor();
      await row(p, 0);
    },
  ],
  [
    'inbox-no-match',
    'scene=used',
    INBOX,
    async (p) => {
      await p.getByTestId('search').fill('zzz');
      await p.locator('.empty h2').first().waitFor();
    },
  ],
  ['inbox-asked', 'scene=asked', INBOX, (p) => row(p, 0)],
  [
    'inbox-thread',
    'scene=asked',
    INBOX,
    async (p) => {
      await row(p, 0);
      await p.getByTestId('related').last().scrollIntoViewIfNeeded();
    },
  ],
  [
    'inbox-acknowledging',
    'scene=asked',
    INBOX,
    async (p) => {
      await row(p, 0);
      await p.getByTestId('acknowledge').waitFor();
      await p.keyboard.press('a');
      await p.getByTestId('acknowledge-note').waitFor();
    },
  ],
  ['inbox-given', 'scene=asked', INBOX, (p) => row(p, 1)],
  ['inbox-other-took', 'scene=asked', LEAST, (p) => row(p, 2)],
  ['inbox-empty', 'scene=empty', INBOX],
  ['inbox-setup', 'scene=fresh', INBOX],
  ['inbox-loading', 'scene=slow', INBOX],
  ['inbox-failed', 'scene=broken', INBOX],
  ['inbox-offline', 'scene=offline', INBOX, (p) => row(p, 3)],
  ['inbox-refused', 'scene=refused', INBOX],
  [
    'certificate-unknown',
    'scene=untrusted',
    INBOX,
    (p) => p.getByTestId('certificate-look').click(),
  ],
  ['certificate-changed', 'scene=changed', INBOX, (p) => p.getByTestId('certificate-look').click()],
  [
    'certificate-changed-sure',
    'scene=changed',
    LEAST,
    async (p) => {
      await p.getByTestId('certificate-look').click();
      await p.getByTestId('certificate-sure').click();
    },
  ],
  ['inbox-taken', 'scene=taken', INBOX],
  ['inbox-taken-again', 'scene=taken-again', INBOX],
  ['inbox-problems', 'scene=problems', INBOX],
  ['inbox-memory', 'scene=memory', INBOX, (p) => p.locator('.bars button').click()],
  ['inbox-narrow', 'scene=used', NARROW],
  ['inbox-narrow-message', 'scene=used', NARROW, (p) => row(p, 1)],
  ['inbox-least', 'scene=problems', LEAST],
  ['inbox-least-message', 'scene=used', LEAST, (p) => row(p, 7)],
  ['inbox-least-help', 'scene=used', LEAST, (p) => p.keyboard.press('?')],
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
  ['sent-held', 'scene=late&show=sent&message=6', INBOX, sentOpen],
  ['sent-crowd', 'scene=late&show=sent&message=8', INBOX, sentOpen],
  [
    'sent-crowd-each',
    'scene=late&show=sent&message=8',
    INBOX,
    async (p) => {
      await sentOpen(p);
      await p.getByTestId('compose-each').click();
    },
  ],
  ['sent-mixed', 'scene=late&show=sent&message=7', INBOX, sentOpen],
  [
    'sent-search',
    'scene=late&show=sent&message=7',
    INBOX,
    async (p) => {
      await p.getByTestId('sent-search').fill('ann');
      await p.locator('mark').first().waitFor();
    },
  ],
  [
    'sent-no-match',
    'scene=used',
    INBOX,
    async (p) => {
      await p.getByTestId('nav-sent').click();
      await p.getByTestId('sent-search').fill('zzz');
      await p.locator('.empty h2').first().waitFor();
    },
  ],
  ['sent-empty', 'scene=empty', INBOX, (p) => p.getByTestId('nav-sent').click()],
  ['sent-failed', 'scene=broken', INBOX, (p) => p.getByTestId('nav-sent').click()],
  [
    'sent-least',
    'scene=used',
    LEAST,
    async (p) => {
      await p.getByTestId('nav-sent').click();
      await p.locator('.panes [data-id="3"]').click();
    },
  ],
  ['relays', 'scene=relays', INBOX, (p) => p.getByTestId('nav-relays').click()],
  ['relays-inbox', 'scene=relays', INBOX, (p) => row(p, 1)],
  ['relays-none', 'scene=fresh', INBOX, (p) => p.getByTestId('nav-relays').click()],
  [
    'relays-join',
    'scene=used',
    INBOX,
    async (p) => {
      await p.getByTestId('nav-relays').click();
      await p.getByTestId('join-relay').click();
    },
  ],
  ['relays-taken', 'scene=taken-again', INBOX, (p) => p.getByTestId('nav-relays').click()],
  ['relays-untrusted', 'scene=untrusted', INBOX, (p) => p.getByTestId('nav-relays').click()],
  [
    'relays-hosted',
    'scene=used',
    INBOX,
    async (p) => {
      await p.getByTestId('nav-relays').click();
      await p.getByTestId('reach-network').click();
    },
  ],
  [
    'relays-change',
    'scene=relays',
    INBOX,
    async (p) => {
      await p.getByTestId('nav-relays').click();
      await p.getByTestId('change-relay').nth(1).click();
      await p.getByTestId('relay-label').scrollIntoViewIfNeeded();
    },
  ],
  [
    'relays-leave',
    'scene=relays',
    INBOX,
    async (p) => {
      await p.getByTestId('nav-relays').click();
      await p.getByTestId('leave-relay').nth(1).click();
    },
  ],
  ['relays-least', 'scene=relays', LEAST, (p) => p.getByTestId('nav-relays').click()],
  ['settings', 'scene=used&show=settings', INBOX],
  [
    'settings-foot',
    'scene=used&show=settings',
    INBOX,
    (p) => p.getByTestId('open-doctor').scrollIntoViewIfNeeded(),
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
  ['settings-least', 'scene=used&show=settings', LEAST],
  [
    'settings-secrets',
    'scene=memory&show=settings',
    INBOX,
    (p) => p.getByTestId('secret-place').first().scrollIntoViewIfNeeded(),
  ],
  ['doctor', 'scene=used&show=doctor', INBOX],
  ['doctor-details', 'scene=used&show=doctor', INBOX, (p) => p.locator('summary').first().click()],
  [
    'doctor-test',
    'scene=used&show=doctor',
    INBOX,
    (p) => p.getByTestId('test-relay').first().click(),
  ],
  ['doctor-least', 'scene=used&show=doctor', LEAST],
  ['doctor-looking', 'scene=slow&show=doctor', INBOX],
  [
    'doctor-testing',
    'scene=hanging&show=doctor',
    INBOX,
    (p) => p.getByTestId('test-relay').first().click(),
  ],
  ['doctor-failed', 'scene=broken&show=doctor', INBOX],
  ['compose', 'scene=used&show=compose', COMPOSE],
  ['compose-written', 'scene=used&show=compose', COMPOSE, write],
  [
    'compose-contacts',
    'scene=used&show=compose',
    COMPOSE,
    async (p) => {
      await p.getByTestId('compose-to').pressSequentially('bob,');
      await p.keyboard.press('ArrowDown');
      await p.locator('[role=option]').first().waitFor();
      await p.keyboard.press('ArrowDown');
    },
  ],
  [
    'compose-relays',
    'scene=relays&show=compose',
    COMPOSE,
    async (p) => {
      await p.getByTestId('compose-to').pressSequentially('an');
      await p.locator('[role=option]').first().waitFor();
    },
  ],
  [
    'compose-more',
    'scene=used&show=compose',
    COMPOSE,
    async (p) => {
      await p.getByTestId('compose-to').fill('@home,ann,');
      await p.getByTestId('compose-title').fill('Heating');
      await p.getByTestId('compose-due').selectOption('morning');
      await p.getByTestId('compose-more').click();
      await p.getByTestId('compose-ask').selectOption('first');
      await p.getByTestId('compose-link').scrollIntoViewIfNeeded();
    },
  ],
  [
    'compose-base',
    'scene=base&show=compose',
    COMPOSE,
    async (p) => {
      await write(p);
      await p.getByTestId('compose-due').selectOption('morning');
      await p.getByTestId('compose-more').click();
      await p.getByTestId('compose-ask').selectOption('each');
      await p.getByTestId('compose-missing').last().scrollIntoViewIfNeeded();
    },
  ],
  [
    'compose-preview',
    'scene=drafts&show=compose',
    COMPOSE,
    async (p) => {
      await p.getByTestId('compose-kept').waitFor();
      await p.getByTestId('compose-preview').click();
    },
  ],
  [
    'compose-drafts',
    'scene=drafts&show=compose',
    COMPOSE,
    async (p) => {
      await p.getByTestId('compose-drafts').click();
      await p.getByRole('menuitem').first().waitFor();
    },
  ],
  [
    'compose-reply',
    'scene=used&show=compose&message=68',
    COMPOSE,
    (p) => p.getByTestId('compose-quote').waitFor(),
  ],
  [
    'compose-wrong',
    'scene=offline&show=compose',
    COMPOSE,
    async (p) => {
      await p.getByTestId('compose-more').click();
      await p.getByTestId('compose-link').fill('nowhere');
      await p.getByTestId('compose-send').click();
    },
  ],
  [
    'compose-small',
    'scene=used&show=compose',
    { width: 420, height: 420 },
    async (p) => {
      await write(p);
      await p.getByTestId('compose-due').selectOption('hour');
    },
  ],
  [
    'compose-sent',
    'scene=used&show=compose',
    COMPOSE,
    async (p) => {
      await p.getByTestId('compose-to').fill('phone,');
      await write(p);
      await p.keyboard.press('Control+Enter');
      await p.locator('[data-delivery=delivered]').first().waitFor();
    },
  ],
  [
    'compose-held',
    'scene=used&show=compose',
    COMPOSE,
    async (p) => {
      await write(p);
      await p.getByTestId('compose-due').selectOption('morning');
      await p.keyboard.press('Control+Enter');
      await p.locator('[data-delivery=held]').waitFor();
    },
  ],
  [
    'compose-discard',
    'scene=drafts&show=compose',
    COMPOSE,
    (p) => p.getByTestId('compose-discard').click(),
  ],
  ['first-run', 'scene=fresh&show=first-run', FIRST],
  [
    'first-run-join',
    'scene=fresh&show=first-run',
    FIRST,
    (p) => p.getByTestId('first-run-join').click(),
  ],
  ['first-run-joining', 'scene=hanging-fresh&show=first-run', FIRST, join],
  [
    'first-run-refused',
    'scene=refusing&show=first-run',
    FIRST,
    async (p) => {
      await join(p);
      await p.getByRole('alert').waitFor();
    },
  ],
  [
    'first-run-least',
    'scene=fresh&show=first-run',
    LEAST,
    (p) => p.getByTestId('first-run-host').click(),
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
