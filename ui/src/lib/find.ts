/**
 * Where the words of a search stand in a text, to be marked. Pure.
 *
 * Finds what the agent's index finds (its `search.rs`): words are beginnings, case and accents do not
 * count, and of scripts without spaces any part.
 */

/** A piece of a text, marked or not. */
export interface Piece {
  text: string;
  found: boolean;
}

const LETTER = /[\p{L}\p{N}]/u;
/** Scripts written without spaces: a word may begin anywhere. */
const ALONE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** The words that a person typed, folded. */
export function words(typed: string): string[] {
  const found = fold(typed.slice(0, 200)).match(/[\p{L}\p{N}]+/gu) ?? [];
  return [...new Set(found)].slice(0, 16).sort((a, b) => b.length - a.length);
}

/** A text in pieces; one piece where nothing is found. */
export function pieces(text: string, wanted: readonly string[]): Piece[] {
  const spans = find(text, wanted);
  const all: Piece[] = [];
  let at = 0;
  for (const [from, to] of spans) {
    if (from > at) all.push({ text: text.slice(at, from), found: false });
    all.push({ text: text.slice(from, to), found: true });
    at = to;
  }
  if (at < text.length || all.length === 0) all.push({ text: text.slice(at), found: false });
  return all;
}

/** From where to where the words stand, in order and apart. */
export function find(text: string, wanted: readonly string[]): [number, number][] {
  if (wanted.length === 0) return [];
  const folded = fold(text);
  const spans: [number, number][] = [];
  for (const word of wanted) {
    for (let at = folded.indexOf(word); at !== -1; at = folded.indexOf(word, at + word.length)) {
      const before = folded[at - 1] ?? ' ';
      if (!LETTER.test(before) || ALONE.test(before) || ALONE.test(word[0] ?? '')) {
        spans.push([at, at + word.length]);
      }
    }
  }
  spans.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
  const apart: [number, number][] = [];
  for (const span of spans) if (span[0] >= (apart.at(-1)?.[1] ?? 0)) apart.push(span);
  return apart;
}

/** Without case and accents; as long as the text was, so that places in one are places in the other. */
function fold(text: string): string {
  // Most texts have neither accents nor letters whose case changes their length.
  let out = '';
  for (const unit of text.split('')) {
    const plain = unit.normalize('NFD').charAt(0).toLowerCase();
    out += plain.length === 1 ? plain : unit;
  }
  return out;
}

/** Marks the words in what is drawn under an element. What is drawn anew is to be marked anew. */
export function markIn(under: Element, wanted: readonly string[]): void {
  if (wanted.length === 0) return;
  const walker = document.createTreeWalker(under, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode()) texts.push(walker.currentNode as Text);
  for (const node of texts) {
    const found = pieces(node.data, wanted);
    if (!found.some((piece) => piece.found)) continue;
    const parts = found.map(({ text, found: marked }) => {
      if (!marked) return document.createTextNode(text);
      const mark = document.createElement('mark');
      mark.textContent = text;
      return mark;
    });
    node.replaceWith(...parts);
  }
}
