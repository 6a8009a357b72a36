// Dragging: tells the server where a pointer is in a box, as shares of its width and height from the top left. One call is on its way at a
// time;
// while it is, only the newest move is kept. Keys of what can be moved by keys are kept from scrolling the page.
const started = new WeakSet();

export function start(box, page) {
  if (!box || started.has(box)) return;
  started.add(box);
  let calls = [], busy = false, held = null;
  const drain = async () => {
    if (busy) return;
    busy = true;
    try {
      while (calls.length && box.isConnected) await page.invokeMethodAsync('Pointer', ...calls.shift());
    } catch { calls = []; } // The reader has left the page.
    busy = false;
  };
  const tell = (phase, e) => {
    const at = box.getBoundingClientRect(), call = [phase, (e.clientX - at.left) / at.width, (e.clientY - at.top) / at.height];
    if (phase === 'move' && calls.at(-1)?.[0] === 'move') calls[calls.length - 1] = call; else calls.push(call);
    drain();
  };
  box.addEventListener('pointerdown', e => {
    if (e.button !== 0 || held !== null) return;
    held = e.pointerId;
    box.setPointerCapture(held);
    (e.target.closest('[role=slider]') ?? box.querySelector('[role=slider]:only-of-type'))?.focus({ preventScroll: true,
        focusVisible: false });
    e.preventDefault();
    tell('down', e);
  });
  box.addEventListener('pointermove', e => { if (e.pointerId === held) tell('move', e); });
  const end = e => { if (e.pointerId === held) { held = null; tell(e.type === 'pointerup' ? 'up' : 'cancel', e); } };
  box.addEventListener('pointerup', end);
  box.addEventListener('pointercancel', end);
  const keys = new Set(['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'Home', 'End', 'PageUp', 'PageDown', 'Backspace', ' ']);
  box.addEventListener('keydown', e =>
      { if (keys.has(e.key) && e.target.matches('[role=slider], [data-movable]') && !e.ctrlKey && !e.metaKey
      && !e.altKey) e.preventDefault(); });
}
