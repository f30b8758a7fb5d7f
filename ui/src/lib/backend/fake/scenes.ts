/**
 * The fake agent as the address asks for it, for `npm run dev` and the screens:
 * `?scene=used|empty|offline|relays|refused|untrusted|changed|taken|taken-again|fresh|problems|quiet|down|broken|slow|memory|refusing|hanging|hanging-fresh|drafts|base|late|asked&show=inbox|sent|compose|first-run|settings|doctor`
 * with `&message=` for the one that is shown or answered, `&lang=` and `&theme=`. It also brings some life: sent messages arrive, and a first message
 * comes after hosting.
 */
import type {
  Acknowledgement,
  CertificateFault,
  Connection,
  Delivery,
  Language,
  RelayState,
  Request,
  Theme,
  View,
} from '../bindings';
import { Fake, type World } from './fake';
import { drafts, outcome, sentLate } from './sent';
import { blank, relay, sample, used } from './samples';
import { failed, said } from './words';

const SOON_MS = 1200;

/** The scenes in which nothing is set up yet. */
const FRESH = ['fresh', 'refusing', 'hanging-fresh'];

const SHOWN =
  'AF:70:59:6C:EA:4B:14:E0:47:94:B8:93:37:A5:CA:5D:EC:49:4D:CC:71:E7:AF:3B:21:6F:F4:CA:0B:20:36:7F';
const KNOWN =
  '3C:91:0B:D2:77:E8:45:1A:9F:60:C3:0E:B4:28:5D:F7:81:16:A9:CC:02:3E:74:DB:58:97:4F:E1:6A:B0:33:C5';

function untrusted(fault: CertificateFault, trusted: string | null): Partial<RelayState> {
  return {
    label: 'relay.example.com',
    address: 'wss://relay.example.com:9093/',
    hosted: false,
    pinned: trusted,
    connection: {
      state: 'untrusted',
      since: Date.now() - 60_000,
      reason: said(
        'The certificate of relay.example.com is not trusted.',
        'relay.example.com 的证书不受信任。',
      ),
      certificate: { fault, shown: SHOWN, trusted },
    },
  };
}

export function scene(address: URL): Fake {
  const asked = (key: string, otherwise: string) => address.searchParams.get(key) ?? otherwise;
  const name = asked('scene', 'used');
  const show = asked('show', 'inbox');
  const fake = new Fake(
    FRESH.includes(name) ? blank() : used(name === 'empty' ? 0 : 60),
    viewOf(show, Number(asked('message', '0')) || null),
  );
  fake.world.settings = {
    ...fake.world.settings,
    language: asked('lang', 'system') as Language,
    theme: asked('theme', 'system') as Theme,
  };
  furnish(fake, fake.world, name);
  enliven(fake);
  return fake;
}

function viewOf(show: string, message: number | null): View {
  if (show === 'compose') return { window: 'compose', reply: message, to: [] };
  if (show === 'inbox' || show === 'sent') return { window: show, message };
  return { window: show } as View;
}

function furnish(fake: Fake, world: World, name: string): void {
  const hour = 3_600_000;
  const away: Connection = {
    state: 'offline',
    since: Date.now() - hour,
    reason: said(
      'The relay at relay.example.com does not answer.',
      '中继 relay.example.com 没有应答。',
    ),
    retryAt: Date.now() + 25_000,
  };
  const only = (change: Partial<RelayState>) => set({ relays: [relay(change)] });
  const set = (change: Partial<World['status']>) => Object.assign(world.status, change);
  switch (name) {
    case 'empty':
      Object.assign(world, { messages: [], sent: [] });
      set({ unread: 0 });
      break;
    case 'offline':
      set({
        hosted: null,
        relays: [relay({ address: 'wss://relay.example.com/', connection: away })],
      });
      break;
    case 'relays':
      furnishSeveral(world, away);
      break;
    case 'refused':
      only({
        connection: {
          state: 'refused',
          reason: said('The relay refused the token.', '中继拒绝了令牌。'),
        },
      });
      break;
    case 'untrusted':
      only(untrusted('unknown', null));
      break;
    case 'changed':
      only(untrusted('changed', KNOWN));
      break;
    case 'taken':
    case 'taken-again':
      only({
        connection: {
          state: 'taken-over',
          since: Date.now() - hour / 4,
          again: name === 'taken-again',
          retryAt: null,
        },
      });
      break;
    case 'problems':
      set({
        problems: [
          {
            part: 'notifications',
            message: said(
              'There is no notification service. Install one (for example dunst); messages stay in the inbox until then.',
              '没有通知服务。请安装一个（例如 dunst）；在此之前消息留在收件箱中。',
            ),
          },
          {
            part: 'tray',
            message: said(
              'The desktop has no tray. Start Tidings again to open this window.',
              '桌面没有托盘。再次启动 Tidings 即可打开此窗口。',
            ),
          },
        ],
      });
      break;
    case 'quiet':
      set({ quiet: { held: 'paused', pausedUntil: Date.now() + hour } });
      world.settings.notifications = {
        ...world.settings.notifications,
        urgentPasses: true,
        hours: [
          { days: [1, 2, 3, 4, 5], from: 22 * 60, to: 7 * 60 },
          { days: [6, 7], from: 23 * 60, to: 9 * 60 + 30 },
        ],
        mutes: [
          { kind: 'sender', name: 'a-service-with-an-uncommonly-long-name-in-production' },
          { kind: 'tag', name: 'disk' },
        ],
      };
      world.consents = [
        {
          id: 1,
          sender: 'ci',
          relay: 'ws://127.0.0.1:9093',
          permission: { kind: 'call', what: 'ci.example.com' },
        },
        {
          id: 2,
          sender: '',
          relay: 'wss://relay.example.com',
          permission: { kind: 'scheme', what: 'ssh' },
        },
      ];
      break;
    case 'drafts':
      world.drafts = drafts(Date.now());
      break;
    case 'base':
      only({ extensions: [] });
      // Such a relay tells nobody who is there: what is known was written to.
      world.contacts = world.contacts.map((contact) => ({
        ...contact,
        relay: relay().id,
        online: null,
        lastSeen: null,
      }));
      break;
    case 'late':
      world.sent.push(...sentLate(Date.now()));
      break;
    case 'asked':
      furnishAsked(world);
      break;
    case 'memory':
      only({ secret: 'memory' });
      break;
    case 'down':
      fake.running = false;
      break;
    case 'broken':
      for (const what of ['inbox', 'sent', 'doctor'] as const) {
        fake.fail(
          what,
          failed(
            'The inbox cannot be read: the disk is full. Free some space.',
            '无法读取收件箱：磁盘已满。请腾出一些空间。',
            'system',
          ),
        );
      }
      break;
    case 'refusing':
      fake.fail(
        'join',
        failed(
          'The relay refused the token. Check it with whoever runs the relay.',
          '中继拒绝了令牌。请向中继的管理者核对。',
          'invalid',
        ),
      );
      break;
    case 'hanging':
    case 'hanging-fresh': {
      const ask = fake.ask.bind(fake);
      const hangs = ['join', 'test-relay'];
      fake.ask = (request) =>
        hangs.includes(request.do) ? new Promise(() => undefined) : ask(request);
      break;
    }
    case 'slow':
      fake.pace = () => new Promise((done) => setTimeout(done, 60_000));
      break;
  }
}

/** Three relays, each in another state, and messages by two of them. */
function furnishSeveral(world: World, away: Connection): void {
  const taken: Connection = {
    state: 'taken-over',
    since: Date.now() - 900_000,
    again: false,
    retryAt: null,
  };
  world.status.relays = [
    ...world.status.relays,
    relay({ id: 'work', label: 'Work', color: 'orange', address: 'wss://push.example.com/' }),
    relay({ id: 'club', label: 'Chess club', color: 'green', connection: away }),
    relay({ id: 'lab', label: 'lab.example.org', color: 'purple', name: 'ann', connection: taken }),
  ];
  for (const { row } of world.messages) if (row.id % 2 === 0) row.relay = 'work';
}

/** Messages that are to be acknowledged, each further than the one before, and a conversation. */
function furnishAsked(world: World): void {
  const at = Date.now() - 600_000;
  const states: Acknowledgement[] = [
    { state: 'wanted' },
    { state: 'given', at, note: 'On my way' },
    { state: 'taken', by: '林晓雨', at, note: '我来处理' },
    { state: 'taken', by: 'ann', at, note: '' },
  ];
  const newest = world.messages.slice(-states.length).reverse();
  newest.forEach((message, place) => {
    message.row.acknowledgement = states[place] ?? null;
  });
  const thread = (id: number, sent: boolean, who: string, preview: string, ago: number) => {
    return { id, sent, who, title: '', preview, at: at - ago * 60_000 };
  };
  const [first] = newest;
  if (first)
    first.thread = [
      thread(4, true, 'nightly-backup', 'Is the new disk in use already?', 90),
      thread(first.row.id - 3, false, 'nightly-backup', 'Since yesterday evening.', 60),
    ];
}

function enliven(fake: Fake): void {
  const ask = fake.ask.bind(fake);
  fake.ask = async (request: Request) => {
    const answer = await ask(request);
    if (request.do === 'send' && answer.is === 'queued') {
      const { to, due } = request.draft;
      const became = (delivery: Delivery) => () =>
        to.forEach(({ name }, parcel) =>
          fake.progress(answer.value, { state: 'answered' }, [outcome(name, delivery)], parcel),
        );
      const steps = [
        () => to.forEach((_, n) => fake.progress(answer.value, { state: 'sending' }, [], n)),
        ...(due === null ? [became('waiting'), became('delivered')] : [became('held')]),
      ];
      steps.forEach((step, i) => setTimeout(step, SOON_MS * (i + 1)));
    }
    if (request.do === 'host') {
      setTimeout(() => {
        const id = (fake.world.messages.at(-1)?.row.id ?? 0) + 1;
        fake.receive(sample(id, { sender: '', title: 'Hello', body: '' }));
      }, SOON_MS * 3);
    }
    return answer;
  };
}
