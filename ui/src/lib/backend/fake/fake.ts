/**
 * An agent in memory: for tests, and for looking at pages in a browser.
 *
 * Keeps the promises of the real one that pages rely on: ids rise, pages are newest first, a change
 * is told to its asker too. Can be told to fail, to be gone, to be slow.
 */
import { find, words } from '../../find';
import { holds } from '../../../windows/inbox/filter';
import { trip } from './doctor';
import type { Backend, Failed, Told } from '../backend';
import type {
  Answer,
  Computer,
  Consent,
  Contact,
  Draft,
  Event,
  Filter,
  Join,
  Kept,
  Message,
  Outcome,
  Progress,
  RelayId,
  RelayState,
  Report,
  Request,
  Row,
  Sent,
  Settings,
  Source,
  Sources,
  Status,
  View,
} from '../bindings';
import { relayBy } from '../../connection';
import { relay } from './samples';
import { failed, said } from './words';
import { say } from '../../language.svelte';

type Do = Request['do'];

export interface World {
  status: Status;
  settings: Settings;
  /** Received, oldest first. */
  messages: Message[];
  /** Sent, oldest first. */
  sent: Sent[];
  /** Being written, the last changed first. */
  drafts: Kept[];
  contacts: Contact[];
  /** What senders may do. */
  consents: Consent[];
  computer: Computer;
  /** What the doctor finds. */
  report: Report;
}

export class Fake implements Backend {
  /** Everything asked so far. */
  readonly asked: Request[] = [];
  /** Windows shown, and whether this one was closed. */
  readonly shown: View[] = [];
  closed = false;
  started = 0;
  running = true;
  /** Answers wait for it. */
  pace: () => Promise<void> = () => Promise.resolve();
  #hear: (told: Told) => void = () => undefined;
  #failures = new Map<Do, Failed>();
  #deleted = new Map<number, Message>();
  #stamps = new Map<number, Message[]>();

  constructor(
    readonly world: World,
    public view: View = { window: 'inbox', message: null },
  ) {}

  // What tests and scenes do.

  /** The next requests of this kind fail; without a failure they work again. */
  fail(what: Do, failure?: Failed): void {
    if (failure) this.#failures.set(what, failure);
    else this.#failures.delete(what);
  }

  tell(event: Event): void {
    this.#hear({ told: 'event', value: event });
  }

  setStatus(change: Partial<Status>): void {
    this.world.status = { ...this.world.status, ...change };
    this.tell({ event: 'status', value: this.world.status });
  }

  setRunning(running: boolean): void {
    this.running = running;
    this.#hear({ told: 'running', value: running });
  }

  receive(message: Message): void {
    this.world.messages.push(message);
    this.tell({ event: 'received', value: message.row });
  }

  /** What became of a sent message. */
  progress(id: number, progress: Progress, recipients: Outcome[], parcel = 0): void {
    const sent = this.world.sent.find((s) => s.id === id);
    if (!sent) return;
    sent.parcels = sent.parcels.map((p, i) => (i === parcel ? { ...p, progress, recipients } : p));
    this.tell({ event: 'sent', value: { ...sent } });
  }

  // What pages do.

  async attach(hear: (told: Told) => void): Promise<void> {
    this.#hear = hear;
    hear({ told: 'show', value: this.view });
    hear({ told: 'running', value: this.running });
  }

  async ask(request: Request): Promise<Answer> {
    this.asked.push(request);
    await this.pace();
    const failure = this.#failures.get(request.do);
    if (failure) throw failure;
    if (!this.running)
      throw failed(
        'Tidings does not run; start it with `tidings`',
        'Tidings 没有运行；请用 `tidings` 启动。',
      );
    // As over a socket, nothing is shared with the asker.
    return structuredClone(this.#answer(request));
  }

  async render(body: string): Promise<string> {
    return markdown(body);
  }

  async show(view: View): Promise<void> {
    this.shown.push(view);
    this.#hear({ told: 'show', value: view });
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  async startAgent(): Promise<void> {
    this.started += 1;
    this.setRunning(true);
  }

  #answer(request: Request): Answer {
    const { world } = this;
    switch (request.do) {
      case 'status':
        return { is: 'status', value: world.status };
      case 'settings':
        return { is: 'settings', value: world.settings };
      case 'set-settings':
        world.settings = request.settings;
        this.tell({ event: 'settings', value: world.settings });
        return { is: 'settings', value: world.settings };
      case 'inbox': {
        const rows = world.messages
          .map((m) => m.row)
          .filter(
            (r) =>
              (request.before === null || r.id < request.before) && this.#holds(request.filter, r),
          )
          .reverse();
        return { is: 'inbox', value: rows.slice(0, request.limit) };
      }
      case 'sources':
        return { is: 'sources', value: this.#sources() };
      case 'delete-all': {
        const stamp = Date.now();
        const ids = world.messages.filter((m) => this.#holds(request.filter, m.row));
        this.#stamps.set(stamp, ids);
        world.messages = world.messages.filter((m) => !ids.includes(m));
        this.#changed([]);
        return { is: 'deleted', value: { stamp, count: ids.length } };
      }
      case 'restore-all':
        world.messages.push(...(this.#stamps.get(request.stamp) ?? []));
        world.messages.sort((a, b) => a.row.id - b.row.id);
        return this.#changed([]);
      case 'export-file':
        return {
          is: 'file',
          value: {
            path: '~/Downloads/tidings-messages.jsonl',
            count: world.messages.filter((m) => this.#holds(request.filter, m.row)).length,
          },
        };
      case 'message': {
        const message = world.messages.find((m) => m.row.id === request.id);
        if (!message) throw failed('There is no such message.', '没有这条消息。', 'not-found');
        return { is: 'message', value: message };
      }
      case 'picture':
        return { is: 'picture', value: { kind: 'image/gif', data: PICTURE } };
      case 'mark':
        for (const m of world.messages)
          if (request.ids.includes(m.row.id)) m.row.read = request.read;
        return this.#changed(request.ids);
      case 'mark-all':
        for (const m of world.messages)
          if (this.#holds(request.filter, m.row)) m.row.read = request.read;
        return this.#changed([]);
      case 'delete':
        for (const m of world.messages)
          if (request.ids.includes(m.row.id)) this.#deleted.set(m.row.id, m);
        world.messages = world.messages.filter((m) => !request.ids.includes(m.row.id));
        return this.#changed(request.ids);
      case 'restore':
        for (const id of request.ids) {
          const message = this.#deleted.get(id);
          if (message) world.messages.push(message);
        }
        world.messages.sort((a, b) => a.row.id - b.row.id);
        return this.#changed(request.ids);
      case 'sent': {
        const wanted = words(request.search);
        const sent = world.sent.filter(
          (s) =>
            (request.before === null || s.id < request.before) &&
            wanted.every((word) => find(textOf(s), [word]).length > 0),
        );
        return { is: 'sent', value: sent.reverse().slice(0, request.limit) };
      }
      case 'sent-message':
        return { is: 'sent', value: [this.#sentBy(request.id)] };
      case 'send':
        world.drafts = world.drafts.filter(({ id }) => id !== request.kept);
        return { is: 'queued', value: this.#send(request.draft) };
      case 'resend':
        return this.#again(request.id, ['failed', 'unknown', 'cancelled'], { state: 'queued' });
      case 'cancel':
        return this.#again(request.id, ['queued', 'answered'], { state: 'cancelled' });
      case 'drafts':
        return { is: 'drafts', value: world.drafts };
      case 'keep-draft': {
        const id = request.id ?? Math.max(0, ...world.drafts.map((kept) => kept.id)) + 1;
        const others = world.drafts.filter((kept) => kept.id !== id);
        world.drafts = [{ id, draft: request.draft, changedAt: Date.now() }, ...others];
        this.tell({ event: 'drafts' });
        return { is: 'queued', value: id };
      }
      case 'drop-draft':
        world.drafts = world.drafts.filter(({ id }) => id !== request.id);
        this.tell({ event: 'drafts' });
        return { is: 'done' };
      case 'contacts': {
        const begun = request.search.toLowerCase();
        const found = world.contacts.filter(
          ({ to, relay: by }) =>
            (request.relay === null || by === request.relay) &&
            to.name.toLowerCase().includes(begun),
        );
        return { is: 'contacts', value: found.slice(0, request.limit) };
      }
      case 'acknowledge': {
        const message = world.messages.find(({ row }) => row.id === request.id);
        if (message)
          message.row.acknowledgement = { state: 'given', at: Date.now(), note: request.note };
        return this.#changed([request.id]);
      }
      case 'host':
        return this.#host(request.reach, request.name);
      case 'reach':
        return this.#host(request.reach, relayBy(world.status, 'hosted')?.name ?? null);
      case 'stop-hosting':
        this.setStatus({ hosted: null, relays: this.#without('hosted') });
        return { is: 'status', value: world.status };
      case 'join':
        return this.#join(request.relay);
      case 'leave':
        this.setStatus({ relays: this.#without(request.id) });
        return { is: 'status', value: world.status };
      case 'describe-relay':
        return this.#relay(request.id, { label: request.label, color: request.color });
      case 'trust-certificate':
        return this.#relay(request.id, {
          connection: { state: 'connected', since: Date.now() },
          pinned: request.fingerprint,
        });
      case 'reconnect':
        return this.#relay(request.id, { connection: { state: 'connected', since: Date.now() } });
      case 'allow-plain-secret':
        this.#failures.delete('host');
        this.#failures.delete('join');
        return this.#relay(null, { secret: request.allow ? 'file' : 'memory' });
      case 'act':
        return this.#act(request.id, request.offer, request.allow);
      case 'consents':
        return { is: 'consents', value: world.consents };
      case 'revoke':
        world.consents = world.consents.filter((c) => c.id !== request.id);
        return { is: 'consents', value: world.consents };
      case 'pause': {
        const minutes = request.pause.for === 'minutes' ? request.pause.value : 24 * 60;
        const on = request.pause.for !== 'off';
        this.setStatus({
          quiet: on
            ? { held: 'paused', pausedUntil: Date.now() + minutes * 60_000 }
            : { held: null, pausedUntil: null },
        });
        return { is: 'status', value: world.status };
      }
      case 'mute': {
        const { kind, name } = request.mute;
        const { notifications } = world.settings;
        const others = notifications.mutes.filter((o) => o.kind !== kind || o.name !== name);
        const mutes = request.on ? [...others, request.mute] : others;
        world.settings = { ...world.settings, notifications: { ...notifications, mutes } };
        this.tell({ event: 'settings', value: world.settings });
        return { is: 'settings', value: world.settings };
      }
      case 'computer':
        return { is: 'computer', value: world.computer };
      case 'set-autostart': {
        const { on, hidden } = request;
        world.computer = { ...world.computer, autostart: { on, hidden, other: null } };
        return { is: 'computer', value: world.computer };
      }
      case 'doctor':
        return { is: 'doctor', value: { ...world.report, at: Date.now() } };
      case 'test-relay':
        return { is: 'checked', value: trip(request.relay) };
      case 'token':
        throw failed('A window does not ask for that.', '窗口不能请求它。');
      default:
        return { is: 'done' };
    }
  }

  #act(id: number, place: number, allow: boolean): Answer {
    const message = this.world.messages.find((m) => m.row.id === id);
    const offer = message?.offers[place];
    if (!message || !offer)
      throw failed('This message does not offer that.', '这条消息不提供此操作。', 'not-found');
    const { asks } = offer;
    if (asks && !allow) throw failed('Agree to it first.', '请先同意。', 'ask');
    if (asks) {
      message.offers = message.offers.map((o) => ({ ...o, asks: o === offer ? null : o.asks }));
      const number = (this.world.consents.at(-1)?.id ?? 0) + 1;
      const { sender } = message.row;
      this.world.consents.push({ id: number, sender, relay: message.relay, permission: asks });
    }
    return { is: 'done' };
  }

  #holds(filter: Filter, row: Row): boolean {
    const wanted = words(filter.search);
    const body = this.world.messages.find((m) => m.row.id === row.id)?.body ?? '';
    const text = `${row.title} ${row.sender} ${body}`;
    return (
      holds({ ...filter, search: '', relay: null }, row) === true &&
      wanted.every((word) => find(text, [word]).length > 0)
    );
  }

  #sources(): Sources {
    const count = (of: (row: Row) => string[]): Source[] => {
      const unread = new Map<string, number>();
      for (const { row } of [...this.world.messages].reverse()) {
        for (const name of of(row)) {
          unread.set(name, (unread.get(name) ?? 0) + (row.read ? 0 : 1));
        }
      }
      return [...unread].map(([name, n]) => ({ name, unread: n }));
    };
    return {
      senders: count((row) => [row.sender]),
      groups: count((row) => (row.group === null ? [] : [row.group])),
      tags: count((row) => row.tags),
      relays: this.world.status.relays.map(({ id, address }) => ({
        id,
        address,
        unread: this.world.messages.filter(({ row }) => row.relay === id && !row.read).length,
        waiting: this.world.sent.filter(
          ({ draft, parcels }) =>
            draft.relay === id && parcels.some(({ progress }) => progress.state === 'queued'),
        ).length,
      })),
    };
  }

  #changed(ids: number[]): Answer {
    this.tell({ event: 'changed', value: ids });
    const unread = this.world.messages.filter((m) => !m.row.read).length;
    this.setStatus({ unread });
    return { is: 'done' };
  }

  #send(draft: Draft): number {
    const id = (this.world.sent.at(-1)?.id ?? 0) + 1;
    const sent: Sent = {
      id,
      draft,
      writtenAt: Date.now(),
      parcels: draft.to.map((to) => ({ to, progress: { state: 'queued' }, recipients: [] })),
    };
    this.world.sent.push(sent);
    this.tell({ event: 'sent', value: sent });
    return id;
  }

  #sentBy(id: number): Sent {
    const sent = this.world.sent.find((s) => s.id === id);
    if (!sent) throw failed('There is no such message.', '没有这条消息。', 'not-found');
    return sent;
  }

  /** Gives parcels of some states another one. */
  #again(id: number, from: Progress['state'][], progress: Progress): Answer {
    const sent = this.#sentBy(id);
    sent.parcels = sent.parcels.map((parcel) =>
      from.includes(parcel.progress.state) ? { ...parcel, progress, recipients: [] } : parcel,
    );
    this.tell({ event: 'sent', value: { ...sent } });
    return { is: 'done' };
  }

  #host(reach: 'computer' | 'network', name: string | null): Answer {
    this.setStatus({
      hosted: {
        reach,
        port: 9093,
        addresses: reach === 'network' ? ['ws://192.168.1.20:9093'] : [],
        clients: 1,
        curl: `curl "http://127.0.0.1:9093/${name ?? 'desk'}.send?token=$(tidings token)&text=Hello"`,
      },
      relays: [
        ...this.#without('hosted'),
        relay({
          id: 'hosted',
          label: say(said('This computer', '本机')),
          hosted: true,
          name: name ?? 'desk',
        }),
      ],
    });
    return { is: 'status', value: this.world.status };
  }

  #join({ id, address, name, group, token }: Join): Answer {
    if (!address)
      throw failed(
        'The address is missing: it looks like ws://host:9093.',
        '缺少地址，形如 ws://host:9093。',
        'invalid',
      );
    if (!name)
      throw failed(
        'The name is missing: others send to it.',
        '缺少名称：别人用它发给你。',
        'invalid',
      );
    const full = address.includes('://') ? address : `ws://${address}`;
    const before = id === null ? undefined : relayBy(this.world.status, id);
    const host = new URL(full).hostname;
    const joined = relay({
      id: host,
      label: host,
      color: 'orange',
      ...before,
      address: full,
      name,
      group,
      connection: { state: 'connected', since: Date.now() },
      ...(token === null ? {} : { secret: 'keyring' }),
    });
    const { relays } = this.world.status;
    this.setStatus({
      relays: before
        ? relays.map((other) => (other.id === before.id ? joined : other))
        : [...relays, joined],
    });
    return { is: 'status', value: this.world.status };
  }

  /** Changes one relay; none all of them. */
  #relay(id: RelayId | null, change: Partial<RelayState>): Answer {
    const { relays } = this.world.status;
    this.setStatus({
      relays: relays.map((of) => (id === null || of.id === id ? { ...of, ...change } : of)),
    });
    return { is: 'status', value: this.world.status };
  }

  #without(id: RelayId): RelayState[] {
    return this.world.status.relays.filter((of) => of.id !== id);
  }
}

function textOf({ draft }: Sent): string {
  return [draft.title, draft.body, ...draft.to.map(({ name }) => name)].join(' ');
}

/** A picture of one blue pixel. */
const PICTURE = 'R0lGODlhAQABAIAAAEqAxwAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==';

/** As much Markdown as the sample messages need; escaped first, for even samples are not trusted. */
function markdown(body: string): string {
  const text = body.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;');
  const inline = (t: string) =>
    t
      .replace(/`([^`]+)`/g, '<code>$1</code>')
      .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
      .replace(/!\[([^\]]+)\]\((https:[^)]+)\)/g, '<span class="image" data-src="$2">$1</span>')
      .replace(/\[(bank\.[^\]]+)\]\((https?:[^)]+)\)/g, '<a class="other" href="$2">$1</a>')
      .replace(/\[([^\]]+)\]\((https?:[^)]+)\)/g, '<a href="$2" rel="noopener">$1</a>');
  return text
    .split(/\n{2,}/)
    .map((block) => {
      if (block.startsWith('```')) {
        const language = /^```(\w+)/.exec(block)?.[1];
        const kind = language ? ` class="language-${language}"` : '';
        return `<pre><code${kind}>${block.replace(/^```.*\n/, '').replace(/\n?```$/, '')}</code></pre>`;
      }
      if (block.startsWith('- ')) {
        const items = block.split('\n').map((l) => `<li>${inline(l.replace(/^- /, ''))}</li>`);
        return `<ul>${items.join('')}</ul>`;
      }
      if (block.startsWith('## ')) return `<h2>${inline(block.slice(3))}</h2>`;
      if (block.startsWith('&gt; ') || block.startsWith('> ')) {
        return `<blockquote><p>${inline(block.replace(/^(&gt;|>) /, ''))}</p></blockquote>`;
      }
      if (block.startsWith('|')) {
        const [head = '', , ...rows] = block.split('\n');
        const cells = (l: string, tag: string) =>
          l
            .split('|')
            .slice(1, -1)
            .map((c) => `<${tag}>${inline(c.trim())}</${tag}>`)
            .join('');
        return `<table><thead><tr>${cells(head, 'th')}</tr></thead><tbody>${rows.map((r) => `<tr>${cells(r, 'td')}</tr>`).join('')}</tbody></table>`;
      }
      return `<p>${inline(block).replace(/\n/g, '<br>')}</p>`;
    })
    .join('\n');
}
