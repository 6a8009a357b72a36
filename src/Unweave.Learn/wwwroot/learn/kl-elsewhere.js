// Dots in a plane, drawn on a canvas: points arrive a few times a second and glide to their new places; dragging the point of the VAE's
// plane.
const boxes = new WeakMap();
const ofBox = box => { let s = boxes.get(box); if (!s) boxes.set(box, s = new Scatter(box)); return s; };

// reach > 0: the plane is [−reach, reach]², else it fits the points. chosen ≥ 0 brings out one kind.
export function scatter(box, bytes, kinds, reach, chosen) {
  if (box?.isConnected) ofBox(box).take(new Float32Array(bytes.slice().buffer), kinds, reach, chosen);
}

class Scatter {
  constructor(box) {
    this.box = box; this.canvas = box.querySelector('canvas'); this.context = this.canvas.getContext('2d');
    this.now = new Float32Array(0); this.to = this.now; this.kinds = []; this.chosen = -1; this.half = 0;
    this.calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.resized = new ResizeObserver(() => this.alive() && this.draw()); this.resized.observe(box);
    this.themed =
        new MutationObserver(() =>
        this.alive() && this.draw()); this.themed.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  }

  alive() {
    if (this.box.isConnected) return true;
    this.resized.disconnect(); this.themed.disconnect();
    return false;
  }

  take(points, kinds, reach, chosen) {
    this.kinds = kinds; this.chosen = chosen; this.reach = reach;
    const glide = !this.calm && points.length === this.now.length && points.length > 0;
    this.from = glide ? this.now.slice() : points; this.to = points; this.now = glide ? this.now : points.slice();
    this.fromHalf = this.half || this.halfOf(points); this.toHalf = reach || this.halfOf(points);
    if (!glide) { this.half = this.toHalf; this.draw(); return; }
    this.began = performance.now();
    if (!this.gliding) { this.gliding = true; requestAnimationFrame(() => this.glide()); }
  }

  halfOf(points) { let most = 0; for (const v of points) most = Math.max(most, Math.abs(v)); return most * 1.05 || 1; }

  glide() {
    const t = Math.min(1, (performance.now() - this.began) / 130);
    for (let i = 0; i < this.to.length; i++) this.now[i] = this.from[i] + (this.to[i] - this.from[i]) * t;
    this.half = this.fromHalf + (this.toHalf - this.fromHalf) * t;
    this.draw();
    if (t < 1 && this.box.isConnected) requestAnimationFrame(() => this.glide()); else this.gliding = false;
  }

  draw() {
    const { canvas, context: c, now, kinds, chosen } = this, w = canvas.clientWidth, h = canvas.clientHeight,
        ratio = Math.min(2, devicePixelRatio || 1);
    if (!w || !h) return;
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio))
        { canvas.width = Math.round(w * ratio); canvas.height = Math.round(h * ratio); }
    c.setTransform(ratio, 0, 0, ratio, 0, 0); c.clearRect(0, 0, w, h);
    const style = getComputedStyle(this.box), side = Math.min(w, h) / 2;
    if (this.reach) {
      // Circles of one and two standard deviations of N(0, I).
      c.strokeStyle = style.getPropertyValue('--line'); c.lineWidth = 1;
      for (const r of [1, 2, 3]) { c.beginPath(); c.arc(w / 2, h / 2, r / this.reach * side, 0, 7); c.stroke(); }
      c.beginPath(); c.moveTo(w / 2, h / 2 - side); c.lineTo(w / 2, h / 2 + side); c.moveTo(w / 2 - side, h / 2); c.lineTo(w / 2
          + side, h / 2); c.stroke();
    }
    const radius = Math.max(2.2, Math.min(w, h) / 160);
    const dot = (i, r) => {
      const x = w / 2 + Math.max(-1, Math.min(1, now[2 * i] / this.half)) * (side - 3),
          y = h / 2 - Math.max(-1, Math.min(1, now[2 * i + 1] / this.half)) * (side - 3);
      c.moveTo(x + r, y); c.arc(x, y, r, 0, 7);
    };
    for (let kind = 0; kind < 10; kind++) {
      if (kind === chosen) continue;
      c.globalAlpha = chosen >= 0 ? 0.13 : 0.8; c.fillStyle = style.getPropertyValue(`--k${kind}`); c.beginPath();
      for (let i = 0; i < now.length / 2; i++) if (kinds[i] === kind) dot(i, radius);
      c.fill();
    }
    if (chosen >= 0) {
      c.globalAlpha = 1; c.fillStyle = style.getPropertyValue(`--k${chosen}`); c.beginPath();
      for (let i = 0; i < now.length / 2; i++) if (kinds[i] === chosen) dot(i, radius * 1.3);
      c.fill();
    }
    c.globalAlpha = 1;
  }
}

// The point of a plane: dragged, or moved with the arrow keys; the page decodes the last place that it was told.
export function plane(box, page, reach) {
  const handle = box.querySelector('.handle');
  let x = 0, y = 0, busy = false, asked = false;
  const clamp = v => Math.max(-reach, Math.min(reach, v));
  const read = () => { x = (parseFloat(handle.style.left) / 50 - 1) * reach; y = (1 - parseFloat(handle.style.top) / 50) * reach; };
  const tell = async () => {
    asked = true;
    if (busy) return;
    busy = true;
    try { while (asked) { asked = false; await page.invokeMethodAsync('Move', x, y); } } catch { /* the page has gone */ }
    busy = false;
  };
  const put = (nx, ny) => {
    x = clamp(nx); y = clamp(ny);
    handle.style.left = `${(x / reach + 1) * 50}%`; handle.style.top = `${(1 - y / reach) * 50}%`;
    tell();
  };
  const at = e =>
      { const r = box.getBoundingClientRect(); put(((e.clientX - r.left) / r.width * 2 - 1) * reach,
      (1 - (e.clientY - r.top) / r.height * 2) * reach); };
  box.addEventListener('pointerdown', e =>
      { if (e.button) return; box.setPointerCapture(e.pointerId); box.focus({ preventScroll: true }); at(e); e.preventDefault(); });
  box.addEventListener('pointermove', e => { if (box.hasPointerCapture(e.pointerId)) at(e); });
  box.addEventListener('keydown', e => {
    const step = e.shiftKey ? 0.5 : 0.1, way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[e.key];
    if (!way || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault(); read(); put(x + way[0] * step, y + way[1] * step);
  });
}
