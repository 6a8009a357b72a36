// The drawing pad: tells the page where the pointer paints, at most once a frame. Keys that draw do not scroll the page.
export function paint(pad, page) {
  if (pad.dataset.live) return;
  pad.dataset.live = 'yes';
  let down = false, due = 0, points = [];
  const tell = () => { due = 0; for (const point of points.splice(0)) page.invokeMethodAsync('Paint', ...point); };
  const note = e => {
    const box = pad.getBoundingClientRect();
    points.push([(e.clientX - box.left) / box.width, (e.clientY - box.top) / box.height, e.buttons === 2 || e.shiftKey]);
    due ||= requestAnimationFrame(tell);
  };
  pad.addEventListener('pointerdown', e => { down = true; pad.setPointerCapture(e.pointerId); pad.focus({ preventScroll: true }); note(e); e.preventDefault(); });
  pad.addEventListener('pointermove', e => { if (down) note(e); });
  for (const end of ['pointerup', 'pointercancel']) pad.addEventListener(end, () => { down = false; });
  pad.addEventListener('contextmenu', e => e.preventDefault());
  pad.addEventListener('keydown', e => { if (/^(Arrow| $)/.test(e.key)) e.preventDefault(); });
}
