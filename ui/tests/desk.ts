/** A desk over an agent in memory, for tests of controllers. */
import { Desk } from '../src/lib/desk.svelte';
import type { View } from '../src/lib/backend/bindings';
import { Fake, type World } from '../src/lib/backend/fake/fake';

export async function deskOf(world: World, view?: View): Promise<{ desk: Desk; fake: Fake }> {
  const fake = new Fake(world, view);
  const desk = new Desk(fake);
  await desk.start();
  await settled();
  return { desk, fake };
}

/** Lets everything that is under way in memory come to its end: nothing here waits for time. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 50; i += 1) await Promise.resolve();
}
