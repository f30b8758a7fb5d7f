/**
 * What a window needs from outside: the agent behind it, and the window it is drawn in.
 *
 * Owns the one border that the rest of the UI knows; two implementations stand behind it, `tauri.ts`
 * and `fake/`. It decides nothing.
 */
import type { Answer, Code, Event, Request, View } from './bindings';

/** What a window is told. After `running: true`, what was read before may be old. */
export type Told =
  | { told: 'show'; value: View }
  | { told: 'running'; value: boolean }
  /** The person closes the window, which waits a moment for {@link Backend.close}. */
  | { told: 'closing' }
  | { told: 'event'; value: Event };

/** Why something was not done, in words for people; with a code where the UI tells it apart. */
export class Failed extends Error {
  constructor(
    message: string,
    readonly code: Code | null = null,
  ) {
    super(message);
  }
}

export interface Backend {
  /** From now on tells what happens; first what to show. */
  attach(hear: (told: Told) => void): Promise<void>;
  /** Asks the agent. Throws {@link Failed}. */
  ask(request: Request): Promise<Answer>;
  /** A message's body as clean HTML: the only HTML that may be inserted. */
  render(body: string): Promise<string>;
  /** Shows a window. */
  show(view: View): Promise<void>;
  /** Closes this window. */
  close(): Promise<void>;
  /** Starts the agent; its coming is told. */
  startAgent(): Promise<void>;
}

/** Which answer belongs to which request: the documentation of `Request`, as a type. */
interface Answers {
  status: 'status';
  subscribe: 'done';
  inbox: 'inbox';
  sources: 'sources';
  'delete-all': 'deleted';
  'restore-all': 'done';
  export: 'exported';
  'export-file': 'file';
  message: 'message';
  picture: 'picture';
  mark: 'done';
  'mark-all': 'done';
  delete: 'done';
  restore: 'done';
  send: 'queued';
  sent: 'sent';
  'sent-message': 'sent';
  resend: 'done';
  cancel: 'done';
  drafts: 'drafts';
  'keep-draft': 'queued';
  'drop-draft': 'done';
  contacts: 'contacts';
  acknowledge: 'done';
  host: 'status';
  reach: 'status';
  'stop-hosting': 'status';
  join: 'status';
  leave: 'status';
  reconnect: 'status';
  'describe-relay': 'status';
  'trust-certificate': 'status';
  settings: 'settings';
  'set-settings': 'settings';
  'allow-plain-secret': 'status';
  show: 'done';
  'copy-token': 'done';
  token: 'token';
  'open-link': 'done';
  act: 'done';
  consents: 'consents';
  revoke: 'consents';
  pause: 'status';
  mute: 'settings';
  computer: 'computer';
  'set-autostart': 'computer';
  'open-folder': 'done';
  doctor: 'doctor';
  'test-relay': 'checked';
  quit: 'done';
}

type ValueOf<A> = A extends { value: infer V } ? V : undefined;
export type AnswerTo<R extends Request> = ValueOf<Extract<Answer, { is: Answers[R['do']] }>>;

/** Asks, and takes the value out of the answer. */
export async function ask<R extends Request>(backend: Backend, request: R): Promise<AnswerTo<R>> {
  const answer = await backend.ask(request);
  return ('value' in answer ? answer.value : undefined) as AnswerTo<R>;
}

/** The words of anything thrown. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
