// Bars that are dragged: tells the page which bar, and how high, at most once a frame. Arrow keys move a bar instead of the page.
export function drag(rows, page) {
  let held = null, due = 0, last = null;
  const tell = () => { due = 0; if (last) page.invokeMethodAsync('Drag', ...last); };
  const move = e => {
    const box = held.getBoundingClientRect();
    last = [+held.dataset.row, +held.dataset.outcome, Math.min(1, Math.max(0, (box.bottom - e.clientY) / box.height))];
    due ||= requestAnimationFrame(tell);
  };
  rows.addEventListener('pointerdown', e => {
    held = e.target.closest('.outcome');
    if (!held) return;
    held.setPointerCapture(e.pointerId); held.focus({ preventScroll: true }); move(e); e.preventDefault();
  });
  rows.addEventListener('pointermove', e => { if (held) move(e); });
  for (const end of ['pointerup', 'pointercancel']) rows.addEventListener(end, () => { held = null; });
  rows.addEventListener('keydown', e => { if (/^(Arrow|Page|Home|End)/.test(e.key) && e.target.closest('.outcome')) e.preventDefault(); });
}
