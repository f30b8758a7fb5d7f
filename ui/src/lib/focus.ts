/** Where the focused part of something goes away or is out of use, as a button whose time is over. */
import type { Attachment } from 'svelte/attachments';

/**
 * Keeps the focus within an element: on the first that matches and can have it, else on the element
 * itself. The browser would begin at the top of the page.
 */
export function keepsFocus(first: string): Attachment<HTMLElement> {
  return (node) => {
    let within = false;
    const entered = () => (within = true);
    const left = ({ relatedTarget }: FocusEvent) => {
      // To nowhere: it may be going away just now.
      if (relatedTarget instanceof Node) within = node.contains(relatedTarget);
    };
    const changed = new MutationObserver(() => {
      if (!within || node.contains(document.activeElement)) return;
      if (document.activeElement !== document.body) within = false;
      else (node.querySelector<HTMLElement>(first) ?? node).focus();
    });
    node.addEventListener('focusin', entered);
    node.addEventListener('focusout', left);
    changed.observe(node, { childList: true, subtree: true, attributeFilter: ['disabled'] });
    return () => {
      changed.disconnect();
      node.removeEventListener('focusin', entered);
      node.removeEventListener('focusout', left);
    };
  };
}
