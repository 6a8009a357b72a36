// The map: up to some 100,000 points drawn into one picture, pixel by pixel, with a soft disc for each. Distances are in CSS pixels.
const maps = new WeakMap();

export const address = url => history.replaceState(history.state, '', url);

export async function start(box, page, stream, count, color) {
  const data = await stream.arrayBuffer();
  if (box.isConnected) maps.set(box, new Picture(box, page, data, count, color));
}
export async function places(box, stream, count) {
  const data = await stream.arrayBuffer();
  maps.get(box)?.move(data, count);
}
export const highlight = (box, latents) => maps.get(box)?.highlight(latents);
export const name = (box, names) => maps.get(box)?.name(names);
export const sources = (box, ofLatents) => maps.get(box)?.source(ofLatents);
export const color = (box, by) => maps.get(box)?.recolor(by);
export const show = (box, latent) => maps.get(box)?.show(latent);
export function stop(box) {
  maps.get(box)?.stop();
  maps.delete(box);
}

const Sides = 128; // the grid that finds points: cells a side

class Picture {
  constructor(box, page, data, n, color) {
    Object.assign(this, { box, page, by: color, found: null, hover: -1, words: new Map(), names: [], parts: null });
    this.load(data, n);
    this.canvas = box.querySelector('canvas');
    this.context = this.canvas.getContext('2d', { alpha: false });
    this.tip = box.querySelector('.map-tip');
    this.spoken = box.querySelector('[data-spoken]');
    this.ends = new AbortController();
    this.listen();
    this.resized = new ResizeObserver(() => this.fit());
    this.resized.observe(box);
    this.themed = new MutationObserver(() => this.recolor(this.by));
    this.themed.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    this.recolor(color);
    this.fit();
    this.all();
  }

  // Columns of all points, as LatentMap packs them.
  load(data, n) {
    this.n = n;
    this.latents = new Int32Array(data, 0, n);
    this.x = new Float32Array(data, 4 * n, n);
    this.y = new Float32Array(data, 8 * n, n);
    this.scores = new Float32Array(data, 12 * n, n);
    this.frequencies = new Float32Array(data, 16 * n, n);
    this.kinds = new Uint8Array(data, 20 * n, n);
    this.places = new Map(Array.from(this.latents, (latent, i) => [latent, i]));
    this.bound();
    this.grid();
  }

  stop() {
    this.ends.abort();
    this.resized.disconnect();
    this.themed.disconnect();
    clearTimeout(this.telling);
    this.page = null;
  }

  bound() {
    let [a, b, c, d] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let i = 0; i < this.n; i++) {
      a = Math.min(a, this.x[i]);
      b = Math.max(b, this.x[i]);
      c = Math.min(c, this.y[i]);
      d = Math.max(d, this.y[i]);
    }
    const w = Math.max(b - a, 1e-6),
      h = Math.max(d - c, 1e-6);
    this.box0 = { x: a - w * 0.02, y: c - h * 0.02, w: w * 1.04, h: h * 1.04 };
    this.view = this.middleOf(0.005, 0.06);
  }

  // The box that holds the points, without a share of them at each side: one that flew off does not make a dot of the others.
  middleOf(share, margin) {
    const range = values => {
        const sorted = Float32Array.from(values).sort(),
          cut = Math.floor(sorted.length * share);
        return [sorted[cut], sorted[sorted.length - 1 - cut]];
      },
      [a, b] = range(this.x),
      [c, d] = range(this.y),
      w = Math.max(b - a, 1e-9),
      h = Math.max(d - c, 1e-9);
    return { x: a - w * margin, y: c - h * margin, w: w * (1 + 2 * margin), h: h * (1 + 2 * margin) };
  }

  // Points elsewhere; shown whole, as nobody can follow one of them.
  move(data, n) {
    const found = this.found && [...this.latents].filter((_, i) => this.found[i]);
    this.point(-1);
    this.load(data, n);
    this.least = Math.min(this.w / this.view.w, this.h / this.view.h);
    this.names = [];
    this.recolor(this.by);
    this.highlight(found);
    this.all();
  }

  // Points sorted by cell, so that those near a place are found without looking at all.
  grid() {
    const { box0, n } = this,
      cells = Sides * Sides;
    this.cell = i =>
      Math.min(Sides - 1, Math.floor(((this.y[i] - box0.y) / box0.h) * Sides)) * Sides +
      Math.min(Sides - 1, Math.floor(((this.x[i] - box0.x) / box0.w) * Sides));
    this.starts = new Int32Array(cells + 1);
    this.members = new Int32Array(n);
    for (let i = 0; i < n; i++) this.starts[this.cell(i) + 1]++;
    for (let c = 0; c < cells; c++) this.starts[c + 1] += this.starts[c];
    const next = this.starts.slice();
    for (let i = 0; i < n; i++) this.members[next[this.cell(i)]++] = i;
  }

  fit() {
    const { clientWidth: w, clientHeight: h } = this.canvas,
      ratio = Math.min(2, devicePixelRatio || 1);
    if (!w || !h) return;
    const middle = this.scale && { x: this.left + this.w / this.scale / 2, y: this.top + this.h / this.scale / 2 };
    Object.assign(this, { w, h, ratio });
    this.canvas.width = Math.round(w * ratio);
    this.canvas.height = Math.round(h * ratio);
    this.picture = this.context.createImageData(this.canvas.width, this.canvas.height);
    this.pixels = new Uint32Array(this.picture.data.buffer);
    this.least = Math.min(w / this.view.w, h / this.view.h);
    if (middle) {
      this.scale = Math.max(this.scale, this.least * 0.8);
      this.left = middle.x - w / this.scale / 2;
      this.top = middle.y - h / this.scale / 2;
    }
    this.draw();
  }

  all() {
    if (!this.w) return;
    this.scale = this.least;
    this.center(this.view.x + this.view.w / 2, this.view.y + this.view.h / 2);
  }

  center(x, y) {
    this.left = x - this.w / this.scale / 2;
    this.top = y - this.h / this.scale / 2;
    this.draw();
  }

  zoom(factor, x = this.w / 2, y = this.h / 2) {
    const scale = Math.min(this.least * 400, Math.max(this.least * 0.8, this.scale * factor)),
      px = this.left + x / this.scale,
      py = this.top + y / this.scale;
    this.scale = scale;
    this.left = px - x / scale;
    this.top = py - y / scale;
    this.draw();
  }

  pan(dx, dy) {
    this.left -= dx / this.scale;
    this.top -= dy / this.scale;
    this.draw();
  }

  show(latent) {
    const i = this.places.get(latent);
    if (i === undefined) return;
    this.scale = Math.max(this.scale, this.least * 6);
    this.center(this.x[i], this.y[i]);
    this.point(i);
    this.canvas.focus({ preventScroll: true });
    this.canvas.scrollIntoView({ block: 'nearest' });
  }

  highlight(latents) {
    this.found = latents && Uint8Array.from({ length: this.n });
    latents?.forEach(latent => {
      const i = this.places.get(latent);
      if (i !== undefined) this.found[i] = 1;
    });
    this.point(-1);
    if (latents?.length) this.look(latents);
    else this.all();
  }

  // So near that all that were found are seen.
  look(latents) {
    const at = latents.map(latent => this.places.get(latent)).filter(i => i !== undefined);
    if (!at.length || !this.w) return;
    const xs = at.map(i => this.x[i]),
      ys = at.map(i => this.y[i]),
      [a, b, c, d] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    this.scale = Math.max(
      this.least * 0.8,
      Math.min(this.least * 6, 0.85 * Math.min(this.w / Math.max(b - a, 1e-9), this.h / Math.max(d - c, 1e-9))),
    );
    this.center((a + b) / 2, (c + d) / 2);
  }

  name(names) {
    this.names = names;
    this.draw();
  }

  source(ofLatents) {
    this.parts = ofLatents;
    this.recolor(this.by);
  }

  recolor(by) {
    this.by = by;
    const rgb = name => {
      const probe = document.createElement('i');
      probe.style.color = `var(${name})`;
      this.box.append(probe);
      const parts = getComputedStyle(probe)
        .color.match(/[\d.]+/g)
        .slice(0, 3)
        .map(Number);
      probe.remove();
      return parts;
    };
    this.ground = rgb('--surface');
    this.mark = rgb('--text');
    const kinds = [0, 1, 2, 3, 4].map(k => rgb(`--kind-${k}`)),
      low = rgb('--ramp-low'),
      high = rgb('--ramp-high'),
      none = rgb('--ramp-none');
    const bySource = by === 'source' && this.parts,
      byKind = by === 'kind' || (by === 'source' && !this.parts);
    this.palette = bySource
      ? [rgb('--map-several'), ...[1, 2, 3, 4, 5].map(part => rgb(`--s${part}`))]
      : byKind ? kinds : [none, ...Array.from({ length: 24 }, (_, i) => low.map((v, c) => v + ((high[c] - v) * i) / 23))];
    const step = t => 1 + Math.max(0, Math.min(23, Math.round(t * 23)));
    this.colors = new Uint8Array(this.n);
    for (let i = 0; i < this.n; i++) {
      this.colors[i] =
        bySource
          ? (this.parts[this.latents[i]] ?? 0)
          : byKind
          ? this.kinds[i]
          : by === 'score'
            ? Number.isNaN(this.scores[i])
              ? 0
              : step((this.scores[i] - 0.5) * 2)
            : this.frequencies[i] > 0
              ? step((Math.log10(this.frequencies[i]) + 5) / 5)
              : 0;
    }
    // What is rare is drawn last, so that it lies on top.
    const counts = new Int32Array(256),
      order = (this.order = new Int32Array(this.n));
    for (const c of this.colors) counts[c]++;
    const next = new Int32Array(256);
    let at = 0;
    for (const c of Array.from(counts.keys()).sort((a, b) => counts[b] - counts[a])) {
      next[c] = at;
      at += counts[c];
    }
    for (let i = 0; i < this.n; i++) order[next[this.colors[i]]++] = i;
    this.draw();
  }

  draw() {
    if (this.due || !this.pixels || !this.scale) return;
    this.due = requestAnimationFrame(() => {
      this.due = 0;
      this.paint();
      this.tell();
    });
  }

  radius() {
    return Math.min(5, (this.n > 20000 ? 1 : this.n > 4000 ? 1.6 : 2.4) * Math.pow(this.scale / this.least, 0.35));
  }

  paint() {
    const { n, x, y, ratio, found, colors, palette, ground } = this,
      W = this.canvas.width,
      H = this.canvas.height,
      bytes = this.picture.data;
    this.pixels.fill(0xff000000 | (ground[2] << 16) | (ground[1] << 8) | ground[0]);
    const scale = this.scale * ratio,
      ox = -this.left * scale,
      oy = -this.top * scale;
    const splat = (r, alpha) => {
      const reach = Math.ceil(r + 0.5),
        side = 2 * reach + 1,
        mask = new Uint8Array(side * side);
      for (let b = -reach; b <= reach; b++)
        for (let a = -reach; a <= reach; a++)
          mask[(b + reach) * side + a + reach] = Math.round(
            256 * alpha * Math.max(0, Math.min(1, r + 0.5 - Math.hypot(a, b))) * 0.996,
          );
      return (px, py, color) => {
        const [cr, cg, cb] = color,
          left = Math.round(px) - reach,
          top = Math.round(py) - reach;
        if (left < 0 || top < 0 || left + side > W || top + side > H) return;
        for (let b = 0, m = 0; b < side; b++) {
          let at = ((top + b) * W + left) * 4;
          for (let a = 0; a < side; a++, m++, at += 4) {
            const w = mask[m];
            if (!w) continue;
            bytes[at] += ((cr - bytes[at]) * w) >> 8;
            bytes[at + 1] += ((cg - bytes[at + 1]) * w) >> 8;
            bytes[at + 2] += ((cb - bytes[at + 2]) * w) >> 8;
          }
        }
      };
    };
    const r = this.radius() * ratio,
      plain = splat(r, found ? 0.18 : 0.85);
    for (const i of this.order) {
      if (found?.[i]) continue;
      const px = ox + x[i] * scale,
        py = oy + y[i] * scale;
      if (px >= 0 && py >= 0 && px < W && py < H) plain(px, py, palette[colors[i]]);
    }
    if (found) {
      const ring = splat(Math.max(r * 1.6, 3.4 * ratio) + 1.2 * ratio, 1),
        core = splat(Math.max(r * 1.6, 3.4 * ratio), 1);
      for (let i = 0; i < n; i++)
        if (found[i]) {
          ring(ox + x[i] * scale, oy + y[i] * scale, this.mark);
          core(ox + x[i] * scale, oy + y[i] * scale, palette[colors[i]]);
        }
    }
    if (this.hover >= 0) {
      const i = this.hover;
      splat(Math.max(r * 1.5, 4 * ratio) + 2 * ratio, 1)(ox + x[i] * scale, oy + y[i] * scale, this.mark);
      splat(Math.max(r * 1.5, 4 * ratio), 1)(ox + x[i] * scale, oy + y[i] * scale, palette[colors[i]]);
    }
    this.context.putImageData(this.picture, 0, 0);
    this.write();
    this.place();
  }

  // The names of places, the most important first, each where no other stands yet: nearer, there is room for more.
  write() {
    if (this.found || !this.names.length) return;
    const { context, ratio } = this,
      rgb = c => `rgb(${c.join(' ')})`,
      taken = [];
    context.font = `600 ${12 * ratio}px system-ui, sans-serif`;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.lineJoin = 'round';
    context.lineWidth = 4 * ratio;
    context.strokeStyle = rgb(this.ground);
    context.fillStyle = rgb(this.mark);
    for (const { latent, text } of this.names) {
      const i = this.places.get(latent);
      if (i === undefined) continue;
      const half = context.measureText(text).width / 2 / ratio + 6,
        x = (this.x[i] - this.left) * this.scale,
        y = (this.y[i] - this.top) * this.scale - 12;
      if (x - half < 0 || x + half > this.w || y < 10 || y > this.h - 10) continue;
      if (taken.some(other => Math.abs(other.x - x) < other.half + half && Math.abs(other.y - y) < 20)) continue;
      taken.push({ x, y, half });
      context.strokeText(text, x * ratio, y * ratio);
      context.fillText(text, x * ratio, y * ratio);
      if (taken.length >= 16) break;
    }
    this.box.dataset.names = taken.length;
  }

  // The points around a place, by rings of cells, nearest first.
  near(px, py, count, most = Infinity) {
    const { box0 } = this,
      cx = Math.floor(((px - box0.x) / box0.w) * Sides),
      cy = Math.floor(((py - box0.y) / box0.h) * Sides),
      size = Math.min(box0.w, box0.h) / Sides,
      best = [];
    for (let ring = 0; ring < Sides * 2; ring++) {
      const inner = (ring - 1) * size;
      if (inner > most || (best.length >= count && inner > best[count - 1].d)) break;
      for (let b = cy - ring; b <= cy + ring; b++)
        for (let a = cx - ring; a <= cx + ring; a += b === cy - ring || b === cy + ring ? 1 : Math.max(1, 2 * ring)) {
          if (a < 0 || b < 0 || a >= Sides || b >= Sides) continue;
          for (let m = this.starts[b * Sides + a]; m < this.starts[b * Sides + a + 1]; m++) {
            const i = this.members[m],
              d = Math.hypot(this.x[i] - px, this.y[i] - py);
            if (d <= most && (!this.found || this.found[i] || !Number.isFinite(most))) best.push({ i, d });
          }
        }
      best.sort((a, b) => a.d - b.d);
      best.length = Math.min(best.length, count);
    }
    return best.map(point => point.i);
  }

  under(x, y) {
    return (
      this.near(this.left + x / this.scale, this.top + y / this.scale, 1, Math.max(8, this.radius() + 4) / this.scale)[0] ?? -1
    );
  }

  async point(i) {
    if (i === this.hover) return;
    this.hover = i;
    this.canvas.style.cursor = i >= 0 ? 'pointer' : '';
    this.draw();
    if (i < 0) {
      this.tip.hidden = true;
      return;
    }
    const latent = this.latents[i];
    if (!this.words.has(latent)) {
      try {
        this.words.set(latent, await this.page.invokeMethodAsync('Words', latent));
      } catch {
        return;
      }
      if (this.words.size > 2000) this.words.delete(this.words.keys().next().value);
    }
    if (this.hover !== i) return;
    const [first, second] = this.words.get(latent).split('\n'),
      b = document.createElement('b'),
      label = document.createElement('span'),
      more = document.createElement('div');
    b.textContent = latent;
    label.textContent = ` ${first}`;
    more.className = 'quiet';
    more.textContent = second ?? '';
    this.tip.replaceChildren(b, label, more);
    this.tip.hidden = false;
    this.place();
  }

  place() {
    if (this.hover < 0 || this.tip.hidden) return;
    const x = (this.x[this.hover] - this.left) * this.scale,
      y = (this.y[this.hover] - this.top) * this.scale,
      tip = this.tip;
    tip.style.left = `${Math.max(4, Math.min(this.w - tip.offsetWidth - 4, x - tip.offsetWidth / 2))}px`;
    tip.style.top = `${y > tip.offsetHeight + 18 ? y - tip.offsetHeight - 12 : y + 14}px`;
  }

  // After the picture has come to rest, the page lists what is near its middle.
  tell() {
    clearTimeout(this.telling);
    this.telling = setTimeout(
      () =>
        this.page
          ?.invokeMethodAsync(
            'Nearest',
            this.near(this.left + this.w / this.scale / 2, this.top + this.h / this.scale / 2, 12).map(i => this.latents[i]),
          )
          .catch(() => {}),
      250,
    );
  }

  // The point nearest to the middle of what is shown.
  middle() {
    return this.near(this.left + this.w / this.scale / 2, this.top + this.h / this.scale / 2, 1)[0] ?? -1;
  }

  open(i) {
    if (i >= 0) this.page.invokeMethodAsync('Open', this.latents[i]);
  }

  listen() {
    const { canvas } = this,
      signal = this.ends.signal,
      on = (type, act, options) => canvas.addEventListener(type, act, { signal, ...options });
    const fingers = new Map();
    let moved = 0,
      spread = 0;
    const at = e => {
      const box = canvas.getBoundingClientRect();
      return { x: e.clientX - box.left, y: e.clientY - box.top };
    };
    on(
      'wheel',
      e => {
        e.preventDefault();
        const p = at(e);
        this.zoom(Math.exp(-e.deltaY * (e.deltaMode ? 0.05 : 0.0016)), p.x, p.y);
      },
      { passive: false },
    );
    on('pointerdown', e => {
      if (e.button) return;
      canvas.setPointerCapture(e.pointerId);
      fingers.set(e.pointerId, at(e));
      if (fingers.size === 1) moved = 0;
      spread = 0;
    });
    on('pointermove', e => {
      const p = at(e),
        before = fingers.get(e.pointerId);
      if (!before) {
        this.point(this.under(p.x, p.y));
        return;
      }
      fingers.set(e.pointerId, p);
      if (fingers.size === 1) {
        moved += Math.hypot(p.x - before.x, p.y - before.y);
        if (moved > 4) this.pan(p.x - before.x, p.y - before.y);
        return;
      }
      const [a, b] = [...fingers.values()],
        wide = Math.hypot(a.x - b.x, a.y - b.y);
      if (spread) this.zoom(wide / spread, (a.x + b.x) / 2, (a.y + b.y) / 2);
      this.pan((p.x - before.x) / 2, (p.y - before.y) / 2);
      spread = wide;
      moved = 9;
    });
    const up = e => {
      if (fingers.delete(e.pointerId) && !fingers.size && e.type === 'pointerup' && moved <= 4) {
        const p = at(e);
        this.open(this.under(p.x, p.y));
      }
      spread = 0;
    };
    on('pointerup', up);
    on('pointercancel', up);
    on('pointerleave', () => {
      if (!fingers.size) this.point(-1);
    });
    on('keydown', async e => {
      if (e.ctrlKey || e.metaKey || e.altKey) return;
      const act = {
        '+': () => this.zoom(1.4),
        '=': () => this.zoom(1.4),
        '-': () => this.zoom(1 / 1.4),
        0: () => this.all(),
        ArrowLeft: () => this.pan(60, 0),
        ArrowRight: () => this.pan(-60, 0),
        ArrowUp: () => this.pan(0, 60),
        ArrowDown: () => this.pan(0, -60),
        Enter: () => this.open(this.hover >= 0 ? this.hover : this.middle()),
      }[e.key];
      if (!act) return;
      e.preventDefault();
      act();
      if (e.key === 'Enter') return;
      await this.point(this.middle());
      // Nothing in a canvas is announced.
      if (!this.tip.hidden) this.spoken.textContent = [...this.tip.childNodes].map(part => part.textContent).join(' ');
    });
    const zooms = { in: () => this.zoom(1.6), out: () => this.zoom(1 / 1.6), all: () => this.all() };
    this.box
      .querySelectorAll('[data-zoom]')
      .forEach(button => button.addEventListener('click', () => zooms[button.dataset.zoom](), { signal }));
  }
}
