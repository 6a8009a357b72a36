// The drawing pad: tells the page where the pointer paints, at most once a frame. Keys that draw do not scroll the page.
// The pad comes and goes with "Draw one", so the whole demonstration listens for it: a stroke made as soon as the pad is seen is not lost.
export function paint(demonstration, page) {
  let pad = null, due = 0, points = [];
  const tell = () => { due = 0; for (const point of points.splice(0)) page.invokeMethodAsync('Paint', ...point); };
  const note = e => {
    const box = pad.getBoundingClientRect();
    points.push([(e.clientX - box.left) / box.width, (e.clientY - box.top) / box.height, e.buttons === 2 || e.shiftKey]);
    due ||= requestAnimationFrame(tell);
  };
  const padOf = e => e.target.closest('.pad');
  demonstration.addEventListener('pointerdown', e => {
    pad = padOf(e);
    if (!pad) return;
    pad.setPointerCapture(e.pointerId);
    pad.focus({ preventScroll: true });
    note(e);
    e.preventDefault();
  });
  demonstration.addEventListener('pointermove', e => { if (pad) note(e); });
  for (const end of ['pointerup', 'pointercancel']) demonstration.addEventListener(end, () => { pad = null; });
  demonstration.addEventListener('contextmenu', e => { if (padOf(e)) e.preventDefault(); });
  demonstration.addEventListener('keydown', e => { if (padOf(e) && /^(Arrow| $)/.test(e.key)) e.preventDefault(); });
}
