/** What a window is told while it reads is newer than what it reads. */
import { expect, it } from 'vitest';
import type { Answer, Request } from '../src/lib/backend/bindings';
import type { Told } from '../src/lib/backend/backend';
import { Fake } from '../src/lib/backend/fake/fake';
import { settings, used } from '../src/lib/backend/fake/samples';
import { Desk } from '../src/lib/desk.svelte';
import { settled } from './desk';

/** Answers questions for the settings and the status when it is let. */
class Slow extends Fake {
  #later: (() => void)[] = [];
  told: ((told: Told) => void) | undefined;

  override attach(hear: (told: Told) => void): Promise<void> {
    this.told = hear;
    return super.attach(hear);
  }

  override async ask(request: Request): Promise<Answer> {
    const answer = await super.ask(request);
    if (request.do !== 'settings' && request.do !== 'status') return answer;
    await new Promise<void>((answered) => this.#later.push(answered));
    return structuredClone(answer);
  }

  answer(): void {
    for (const answered of this.#later.splice(0)) answered();
  }
}

it('keeps what was told while an older answer was under way', async () => {
  const world = used(0);
  const fake = new Slow(world, { window: 'settings' });
  const desk = new Desk(fake);
  await desk.start();
  await settled();
  expect(desk.known).toBe(false);
  fake.told?.({
    told: 'event',
    value: { event: 'settings', value: { ...settings(), language: 'zh-CN' } },
  });
  const status = { ...structuredClone(world.status), unread: 77 };
  fake.told?.({ told: 'event', value: { event: 'status', value: status } });
  fake.answer();
  await settled();
  expect(desk.known).toBe(true);
  expect(desk.settings.language).toBe('zh-CN');
  expect(desk.status?.unread).toBe(77);
  // What was not told of is read.
  fake.told?.({ told: 'running', value: true });
  await settled();
  fake.answer();
  await settled();
  expect(desk.settings.language).toBe(world.settings.language);
});
