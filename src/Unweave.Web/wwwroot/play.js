// Try it and Steer: which token is pointed at, and the page's state in its address.
export const address = url => history.replaceState(history.state, '', url);

// Tells the page of the token under the pointer or in focus, the latest only: while an answer is on its way, those in between are left
// out.
export function watch(root, page) {
  if (root.watched) return;
  root.watched = true;
  let sent = '',
    next = null,
    busy = false;
  const send = async () => {
    busy = true;
    try {
      while (next) {
        const call = next;
        next = null;
        await page.invokeMethodAsync(...call);
      }
    } catch {
      /* the page has gone */
    } finally {
      busy = false;
    }
  };
  const tell = (kind, token) => {
    const side = +token.closest('[data-live]').dataset.live,
      at = +token.dataset.i,
      key = `${kind} ${side} ${at}`;
    if (kind === 'Point' && key === sent) return;
    sent = key;
    next = [kind, side, at];
    if (!busy) send();
  };
  const token = e => e.target.closest?.('[data-i]');
  root.addEventListener('pointerover', e => {
    const at = token(e);
    if (at && e.pointerType !== 'touch') tell('Point', at);
  });
  root.addEventListener('focusin', e => {
    const at = token(e);
    if (at) tell('Point', at);
  });
  root.addEventListener('click', e => {
    const at = token(e);
    if (at) {
      at.focus({ preventScroll: true });
      tell('Hold', at);
    }
  });
  root.addEventListener('keydown', e => {
    const at = token(e);
    if (!at) return;
    const all = at.parentElement.querySelectorAll('[data-i]'),
      i = +at.dataset.i;
    const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: all.length - 1 }[e.key];
    if (to !== undefined) {
      e.preventDefault();
      all[Math.max(0, Math.min(all.length - 1, to))]?.focus();
    } else if (e.key === 'Enter' || e.key === ' ') {
      e.preventDefault();
      tell('Hold', at);
    }
  });
}
