/** Pictures of a message: nothing is fetched before it is asked for. */
import { expect, it } from 'vitest';
import { Failed } from '../src/lib/backend/backend';
import { used } from '../src/lib/backend/fake/samples';
import { Pictures } from '../src/lib/pictures.svelte';
import { deskOf } from './desk';

it('fetches when asked, each once, and says what does not come', async () => {
  const { desk, fake } = await deskOf(used(0));
  const pictures = new Pictures(desk, 7);
  pictures.name(['https://a.example/1.png', 'https://a.example/1.png', 'https://b.example/2.png']);
  const fetched = () => fake.asked.filter((request) => request.do === 'picture');
  expect([fetched(), pictures.hosts]).toEqual([[], ['a.example', 'b.example']]);
  fake.fail('picture', new Failed('It is too large.'));
  await pictures.show();
  expect([pictures.error, pictures.asks]).toEqual(['It is too large.', true]);
  fake.fail('picture');
  await pictures.show();
  expect([pictures.error, pictures.asks, fetched()]).toEqual(['', false, expect.any(Array)]);
  expect(fetched()).toHaveLength(4);
  expect(pictures.shown.get('https://b.example/2.png')).toMatch(/^data:image\/gif;base64,/);
});
