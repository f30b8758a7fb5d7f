/** Messages and states that look like somebody's week: also long names, other scripts, odd titles. */
import type {
  Acknowledgement,
  Held,
  Message,
  Offer,
  Priority,
  Related,
  RelayId,
  RelayState,
  Settings,
  Status,
} from '../bindings';
import { say } from '../../language.svelte';
import { computer, report } from './doctor';
import type { World } from './fake';
import { contacts, sent } from './sent';
import { said } from './words';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

interface Sample {
  sender: string;
  title: string;
  body: string;
  ago: number;
  group?: string;
  read?: boolean;
  priority?: Priority;
  link?: string;
  tags?: string[];
  held?: Held;
  superseded?: boolean;
  offers?: Offer[];
  relay?: RelayId;
  acknowledgement?: Acknowledgement;
  thread?: Related[];
}

const SAMPLES: Sample[] = [
  {
    sender: 'nightly-backup',
    title: 'Backup finished',
    body: '**212 GB** copied in 41 minutes, nothing skipped.\n\n| volume | size | took |\n|---|---|---|\n| home | 148 GB | 29 min |\n| photos | 64 GB | 12 min |\n\nThe log is at `/var/log/backup/2026-11-24.log`.',
    ago: 2 * MINUTE,
  },
  {
    sender: 'ci',
    title: 'main is red: 2 of 418 tests failed',
    body: 'The run of `a41f9c2` failed after 6 minutes.\n\n- `relay::store::reopens_after_kill`\n- `session::machine::backs_off`\n\n```\nassertion failed: left == right\n  left: 3\n right: 2\n```\n\nSee [the whole log](https://ci.example.com/runs/8841) for the rest.',
    ago: 14 * MINUTE,
    group: 'developers',
    priority: 'high',
    link: 'https://ci.example.com/runs/8841',
    tags: ['ci', 'rotating_light'],
    offers: [
      {
        label: 'Run again',
        does: {
          kind: 'call',
          method: 'POST',
          url: 'https://ci.example.com/runs/8841/again',
          place: 'ci.example.com',
        },
        asks: { kind: 'call', what: 'ci.example.com' },
      },
      {
        label: 'Open a shell there',
        does: { kind: 'link', url: 'ssh://build-3.example.com/', place: 'build-3.example.com' },
        asks: { kind: 'scheme', what: 'ssh' },
      },
    ],
  },
  {
    sender: 'accounts.example.com',
    title: 'Your code is 482913',
    body: 'It is valid for ten minutes. We never ask you for it.',
    ago: 21 * MINUTE,
    held: 'paused',
    offers: [{ label: '', does: { kind: 'copy', text: '482913', code: true }, asks: null }],
  },
  {
    sender: '林晓雨',
    title: '晚上一起吃饭吗？',
    body: '七点在老地方见。如果下雨就改到 **地铁站旁边** 那家面馆。\n\n记得带上周借的那本书。',
    ago: 38 * MINUTE,
  },
  {
    sender: 'ann',
    title: 'Re: the printer on the second floor',
    body: 'It works again. Somebody had put the paper in upside down.\n\n> Did you try turning it off and on?\n\nYes. Twice.',
    ago: 3 * HOUR,
    read: true,
  },
  {
    sender: 'disk-watch',
    title: '/srv is at 96 %',
    body: 'Only **18 GB** are left on `/srv`. At the pace of the last week it is full on Thursday.',
    ago: 5 * HOUR,
    priority: 'urgent',
    tags: ['disk', 'srv'],
  },
  {
    sender: 'disk-watch',
    title: '/srv is at 92 %',
    body: '**36 GB** are left on `/srv`.',
    ago: 6 * HOUR,
    read: true,
    tags: ['disk', 'srv'],
    superseded: true,
  },
  {
    sender: 'a-service-with-an-uncommonly-long-name-in-production-eu-central-1',
    title:
      'A title that goes on for quite a while, as titles made by programs do when nobody looks at them',
    body: 'And a body with a_very_long_word_that_does_not_break_by_itself_because_it_has_no_spaces_in_it_at_all_until_here.',
    ago: 9 * HOUR,
    read: true,
    priority: 'low',
  },
  {
    sender: '',
    title: '',
    body: 'Only a body, sent by somebody without a name.',
    ago: 27 * HOUR,
    read: true,
  },
  {
    sender: 'home-assistant',
    title: 'The washing machine is done',
    body: 'It has been waiting for you for five minutes.',
    ago: 29 * HOUR,
    read: true,
    group: 'home',
  },
  {
    sender: 'release-bot',
    title: 'tidings 0.1.0',
    body: '## New\n\n- Everything.\n\n## Fixed\n\n- Nothing yet, as there was nothing to break.',
    ago: 31 * HOUR,
    read: true,
    link: 'https://example.com/releases/0.1.0',
  },
  {
    sender: 'weekly-report',
    title: 'All that a message can hold',
    body: [
      '## Last week',
      'Requests grew by **12 %**, errors fell. ![Requests by day](https://charts.example.org/week.png)',
      '| day | requests | errors |\n|---|---|---|\n| Monday | 48,210 | 3 |\n| Tuesday | 51,004 | 0 |',
      '- ☑ certificates renewed\n- ☐ old hosts switched off',
      '```json\n{ "host": "web-3", "load": 0.7, "alive": true, "tags": ["eu", "spare"] }\n```',
      '```rust\n// Nothing is promised before it is durable.\nfn commit(batch: &[Frame]) -> Result<u64, Error> {\n    let rows = store.write(batch, "os")?;\n    Ok(rows + 1)\n}\n```',
      '```diff\n- retries = 3\n+ retries = 5\n```',
      '> A quotation, of somebody who knows.',
      'Read [the report](https://reports.example.com/2026/47) or log in at [bank.example](https://evil.example/login).',
    ].join('\n\n'),
    ago: 33 * HOUR,
    read: true,
    group: 'developers',
    tags: ['report'],
    offers: [
      { label: 'Copy the summary', does: { kind: 'copy', text: 'fine', code: false }, asks: null },
    ],
  },
];

function opens(url: string): Offer {
  const place = new URL(url).host;
  return { label: '', does: { kind: 'link', url, place }, asks: null };
}

/** The settings nobody changed. */
export function settings(): Settings {
  return {
    language: 'system',
    theme: 'system',
    keep: { days: 365, count: 100000, unreadToo: false },
    readReceipts: false,
    notifications: {
      sound: true,
      urgentPasses: false,
      followDesktop: true,
      hours: [],
      mutes: [],
    },
  };
}

export function sample(id: number, from: Partial<Sample> = {}, now = Date.now()): Message {
  const s: Sample = { sender: 'ann', title: `Message ${id}`, body: 'Hello.', ago: 0, ...from };
  const receivedAt = now - s.ago;
  return {
    row: {
      id,
      sender: s.sender,
      group: s.group ?? null,
      title: s.title,
      preview: s.body.replace(/[*`#>|]|^- /gm, '').split('\n')[0] ?? '',
      receivedAt,
      read: s.read ?? false,
      priority: s.priority ?? 'default',
      link: s.link !== undefined,
      tags: s.tags ?? [],
      held: s.held ?? null,
      superseded: s.superseded ?? false,
      relay: s.relay ?? 'hosted',
      acknowledgement: s.acknowledgement ?? null,
    },
    markdown: true,
    thread: s.thread ?? [],
    offers: [...(s.link ? [opens(s.link)] : []), ...(s.offers ?? [])],
    body: s.body,
    link: s.link ?? null,
    relay: 'ws://127.0.0.1:9093',
    mid: String(receivedAt),
    sentAt: receivedAt - 40,
    extra: JSON.stringify({
      priority: s.priority ?? 'default',
      ...(s.link ? { click: s.link } : {}),
    }),
  };
}

/** A relay that is joined. */
export function relay(from: Partial<RelayState> = {}): RelayState {
  return {
    id: 'relay.example.com',
    label: 'relay.example.com',
    color: 'blue',
    address: 'ws://127.0.0.1:9093/',
    hosted: false,
    name: 'desk',
    group: '',
    connection: { state: 'connected', since: Date.now() - 3 * HOUR },
    secret: 'keyring',
    pinned: null,
    extensions: ['ref', 'receipts', 'directory', 'delay', 'key', 'ack'],
    ...from,
  };
}

export function status(): Status {
  return {
    version: '0.1.0',
    relays: [
      relay({
        id: 'hosted',
        label: say(said('This computer', '本机')),
        hosted: true,
        group: 'developers',
      }),
    ],
    hosted: {
      reach: 'computer',
      port: 9093,
      addresses: [],
      clients: 2,
      curl: 'curl "http://127.0.0.1:9093/desk.send?token=$(tidings token)&text=Hello"',
    },
    unread: 5,
    quiet: { held: null, pausedUntil: null },
    problems: [],
  };
}

/** Nothing set up yet. */
export function blank(): World {
  return {
    status: {
      ...status(),
      relays: [],
      hosted: null,
      unread: 0,
    },
    settings: settings(),
    messages: [],
    sent: [],
    drafts: [],
    contacts: [],
    consents: [],
    computer: computer(),
    report: report(Date.now()),
  };
}

/** In use for a while; `older` more messages of the weeks before. */
export function used(older = 60): World {
  const now = Date.now();
  const messages = SAMPLES.map((s, i) => sample(older + SAMPLES.length - i, s, now)).reverse();
  for (let id = older; id >= 1; id -= 1) {
    const ago = (40 + (older - id) * 7) * HOUR;
    messages.unshift(
      sample(
        id,
        {
          sender: ['ci', 'ann', 'disk-watch'][id % 3] ?? 'ci',
          title: `Report ${id}`,
          body: 'All is well.',
          ago,
          read: true,
        },
        now,
      ),
    );
  }
  return {
    status: status(),
    settings: settings(),
    messages,
    sent: sent(now),
    drafts: [],
    contacts: contacts(now),
    consents: [],
    computer: computer(),
    report: report(now),
  };
}
