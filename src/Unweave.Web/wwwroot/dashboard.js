// What the pages do without asking the server: colors, keys, copying, and reading values off charts.
(() => {
  window.unweaveAlive = () => {
    document.documentElement.dataset.alive = 'yes';
  };
  // On another page the heading gets the focus, so that it is read out, but never from a reader who is already doing something there.
  window.unweaveArrived = () => {
    const at = document.activeElement,
      heading = document.querySelector('main h1');
    if (heading && (!at || at === document.body || (at.closest('header.bar') && !at.matches('input')))) {
      heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
    }
  };
  const typing = e => e.target.closest?.('input:not([type=checkbox]), textarea, select, [contenteditable]');
  const on = (type, selector, act, options) =>
    document.addEventListener(
      type,
      e => {
        const at = e.target.closest?.(selector);
        if (at) act(at, e);
      },
      options,
    );

  // On a narrow screen the chapters are one line: the present one is brought into it.
  const chapter = () => {
    const at = document.querySelector('.chapters [aria-current=page]');
    at?.closest('nav').scrollTo({ left: at.offsetLeft - 60 });
  };
  // A formula or a listing that is wider than the page scrolls, and then it can be reached with the keyboard.
  const reachable = part => {
    if (part.scrollWidth > part.clientWidth) {
      part.tabIndex = 0;
      part.setAttribute('role', 'group');
      part.setAttribute('aria-label', part.matches('pre') ? 'Listing' : 'Formula');
    } else for (const name of ['tabindex', 'role', 'aria-label']) part.removeAttribute(name);
  };
  const resized = new ResizeObserver(entries => entries.forEach(e => reachable(e.target)));
  const arrived = () => {
    chapter();
    document.querySelectorAll('.equation, .learn pre').forEach(part => {
      reachable(part);
      resized.observe(part);
    });
  };
  window.unweaveShown = arrived; // where the browser makes the pages itself
  addEventListener('DOMContentLoaded', () => {
    arrived();
    window.Blazor?.addEventListener('enhancedload', arrived);
  });

  on('click', '[data-theme-next]', () => unweaveNextTheme());
  on('click', '[data-help]', () => help());
  on('click', '[data-copy]', async at => {
    const text = at.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = Object.assign(document.createElement('textarea'), { value: text });
      document.body.append(area);
      area.select();
      document.execCommand('copy');
      area.remove();
      at.focus();
    }
    at.classList.add('copied');
    setTimeout(() => at.classList.remove('copied'), 1200);
  });

  // Keys of a single character can be switched off: speech input may type one, or a hand touch one, by accident.
  const keysChoice = 'unweave-keys';
  const keysOn = () => {
    try {
      return localStorage.getItem(keysChoice) !== 'off';
    } catch {
      return true;
    }
  };
  on('change', '[data-keys-switch]', box => {
    try {
      localStorage.setItem(keysChoice, box.checked ? 'on' : 'off');
    } catch {
      /* a browser that keeps nothing */
    }
  });
  const help = () => {
    const keys = document.getElementById('keys');
    if (!keys) return false;
    keys.querySelector('[data-keys-switch]').checked = keysOn();
    keys.showModal();
    return true;
  };

  const press = selector => {
    const at = document.querySelector(selector);
    if (!at) return false;
    at.click();
    return true;
  };
  // The hits of a search: keys go from one to the next, and press the button of the one at hand that has them.
  const hits = () => [...document.querySelectorAll('[data-hit]')];
  let hitAt = -1;
  const toHit = step => {
    const all = hits();
    if (!all.length) return false;
    const here = document.activeElement?.closest('[data-hit]'),
      at = here ? all.indexOf(here) + step : step > 0 ? 0 : all.length - 1;
    if (at < 0) document.querySelector('main [data-search]')?.focus();
    else all[Math.min(at, all.length - 1)].focus();
    return true;
  };
  const keyed = e => {
    const button = e.target.closest?.('[data-hit]')?.querySelector(`[data-key=${e.key}]`);
    button?.click();
    return button;
  };
  addEventListener('focusin', e => {
    const hit = e.target.closest?.('[data-hit]');
    hitAt = hit ? hits().indexOf(hit) : -1;
  });
  on('keydown', '[data-hit]', (hit, e) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (!step || typing(e)) return;
    e.preventDefault();
    toHit(step);
  });
  // A hit that had the focus may be gone: the one in its place has it then.
  window.unweaveHits = () => {
    const all = hits(),
      at = document.activeElement;
    if (hitAt >= 0 && all.length && (!at || at === document.body)) all[Math.min(hitAt, all.length - 1)].focus();
  };
  window.unweaveSearch = () => {
    const at = document.activeElement;
    if (!at || at === document.body || at.matches('main, main h1')) document.querySelector('main [data-search]')?.focus();
  };
  const keys = {
    '/': () => {
      const at = document.querySelector('main [data-search]') ?? document.querySelector('[data-search]');
      at?.focus();
      at?.select();
      return at;
    },
    '?': () => help(),
    t: () => {
      unweaveNextTheme();
      return true;
    },
    n: () => press('a[rel=next]'),
    j: () => toHit(1) || press('a[rel=next]'),
    r: e => keyed(e) || press('[data-random]'),
    m: e => keyed(e),
    w: e => keyed(e),
    u: () => press('[data-page-key=u]'),
    x: e => {
      if (keyed(e)) return true;
      const box = e.target.closest?.('tr[data-row]')?.querySelector('[data-pick]');
      box?.click();
      return box;
    },
    p: () => press('a[rel=prev]'),
    k: () => toHit(-1) || press('a[rel=prev]'),
    s: e => {
      const row = e.target.closest?.('tr[data-row]'),
        star = (row ?? document.querySelector('main')).querySelector('[data-star]');
      star?.click();
      return star;
    },
  };
  document.addEventListener('keydown', e => {
    if (e.ctrlKey || e.metaKey || e.altKey || document.querySelector('dialog[open]')) return;
    if (typing(e)) {
      if (e.key === 'Escape') e.target.blur();
      return;
    }
    if (keysOn() && keys[e.key]?.(e)) e.preventDefault();
    // With the focus nowhere, arrows go to the table.
    if (e.target === document.body && (e.key === 'ArrowDown' || e.key === 'ArrowUp')) {
      const row = firstSeen();
      if (row) {
        e.preventDefault();
        row.focus();
      }
    }
  });
  const firstSeen = () => {
    const view = document.querySelector('[data-rows-view]');
    if (!view) return null;
    const top = view.getBoundingClientRect().top + (view.querySelector('thead')?.offsetHeight ?? 0);
    return [...view.querySelectorAll('tr[data-row] .c-latent a')].find(a => a.getBoundingClientRect().top >= top);
  };

  // Arrows move among the rows of a table, and among the tokens of an example that fire.
  on('keydown', 'tr[data-row]', (row, e) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12 }[e.key];
    if (!step || typing(e)) return;
    e.preventDefault();
    const rows = [...row.parentElement.querySelectorAll('tr[data-row]')],
      next = Math.min(rows.length - 1, rows.indexOf(row) + step);
    if (next < 0) document.querySelector('main [data-search]')?.focus();
    else rows[next].querySelector(['[data-star]', '[data-pick]'].find(one => e.target.matches(one)) ?? 'a')?.focus();
  });
  on('keydown', 'main [data-search]', (box, e) => {
    if (e.key !== 'ArrowDown') return;
    const row = document.querySelector('[data-rows-view] tr[data-row] a') ?? hits()[0];
    if (row) {
      e.preventDefault();
      row.focus();
    }
  });
  on('keydown', '[data-tokens]', (text, e) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!step) return;
    e.preventDefault();
    const tokens = [...text.querySelectorAll('.fires')],
      from = tokens.indexOf(document.activeElement);
    tokens[from < 0 ? (step > 0 ? 0 : tokens.length - 1) : Math.min(tokens.length - 1, Math.max(0, from + step))]?.focus();
  });

  // Charts: the nearest step's values, under the pointer or by arrows.
  const short = v =>
    !isFinite(v)
      ? '–'
      : v === 0
        ? '0'
        : Math.abs(v) >= 1e6 || Math.abs(v) < 1e-3
          ? v.toExponential(2)
          : Math.abs(v) >= 1000
            ? Math.round(v).toLocaleString('en')
            : String(+v.toPrecision(3));
  const read = (chart, at) => {
    const d = chart.dataset,
      x0 = +d.x0,
      x1 = +d.x1,
      y0 = +d.y0,
      y1 = +d.y1;
    const lines = [...chart.querySelectorAll('polyline')]
      .map(line => ({
        line,
        points: (line.getAttribute('points') || '')
          .split(' ')
          .filter(Boolean)
          .map(p => p.split(',').map(Number)),
      }))
      .filter(l => l.points.length);
    if (!lines.length) return;
    const near = (points, to = at) => points.reduce((best, p) => (Math.abs(p[0] - to) < Math.abs(best[0] - to) ? p : best));
    const places = d.places?.split('|'),
      x = places ? (Math.round((at / 1000) * (places.length - 1)) * 1000) / (places.length - 1) : near(lines[0].points)[0],
      cross = chart.querySelector('.crosshair'),
      out = chart.querySelector('.readout');
    cross.hidden = out.hidden = false;
    cross.style.left = x / 10 + '%';
    const name = places
      ? places[Math.round((x / 1000) * (places.length - 1))]
      : Math.round(x0 + ((x1 - x0) * x) / 1000).toLocaleString('en');
    out.replaceChildren(
      `${d.xName} ${name}`,
      ...lines
        .filter(l => !places || Math.abs(near(l.points, x)[0] - x) < 1)
        .map(l => {
          const p = near(l.points, places ? x : at),
            up = 1 - p[1] / 1000,
            value = d.log ? y0 * Math.pow(y1 / y0, up) : y0 + (y1 - y0) * up,
            row = document.createElement('div');
          row.className = [...l.line.classList].filter(c => /^s\d/.test(c)).join(' ');
          row.textContent = `${l.line.dataset.name} ${short(value)}`;
          return row;
        }),
    );
    out.style.left = x < 500 ? `calc(${x / 10}% + 8px)` : '';
    out.style.right = x < 500 ? '' : `calc(${100 - x / 10}% + 8px)`;
    chart.dataset.at = x;
  };
  // What the keyboard reads is announced; under the pointer it would only be noise.
  const speak = chart => {
    const parts = [...chart.querySelector('.readout').childNodes].map(part => part.textContent);
    chart.closest('figure').querySelector('[data-spoken]').textContent = parts.join(', ');
  };
  const leave = chart => {
    for (const part of chart.querySelectorAll('.crosshair, .readout')) part.hidden = true;
  };
  on('pointermove', '[data-chart]', (chart, e) => {
    const box = chart.getBoundingClientRect();
    read(chart, (1000 * (e.clientX - box.left)) / box.width);
  });
  on('pointerout', '[data-chart]', (chart, e) => {
    if (!chart.contains(e.relatedTarget)) leave(chart);
  });
  on('focusout', '[data-chart]', leave);
  on('keydown', '[data-chart]', (chart, e) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!step) return;
    e.preventDefault();
    const xs = [
      ...new Set(
        [...chart.querySelectorAll('polyline')].flatMap(l =>
          (l.getAttribute('points') || '')
            .split(' ')
            .filter(Boolean)
            .map(p => +p.split(',')[0]),
        ),
      ),
    ].sort((a, b) => a - b);
    const from = xs.findIndex(x => x >= +(chart.dataset.at ?? -1)),
      stride = Math.max(1, Math.round(xs.length / 50));
    if (!xs.length) return;
    read(chart, xs[Math.min(xs.length - 1, Math.max(0, chart.dataset.at === undefined ? 0 : from + step * stride))]);
    speak(chart);
  });

  // The box that says that the server is gone: Blazor tells how far it is with finding it again.
  const lost = document.getElementById('components-reconnect-modal');
  const again = async () => {
    try {
      if (!(await Blazor.reconnect())) location.reload();
    } catch {
      /* not there yet: the box stays */
    }
  };
  lost?.addEventListener('components-reconnect-state-changed', e => {
    if (e.detail.state === 'rejected') location.reload();
    if (e.detail.state === 'failed') setTimeout(again, 5000);
  });
  on('click', '[data-reconnect]', again);

  // What is being typed stays in the tab until the server has stored it, so that neither a reload nor a lost server loses a word.
  const draft = name => `unweave-draft ${location.pathname} ${name}`;
  on('input', '[data-draft]', box => {
    try {
      sessionStorage.setItem(draft(box.dataset.draft), JSON.stringify([box.value, box.dataset.seen ?? '']));
    } catch {
      /* a browser that keeps nothing */
    }
  });
  window.unweaveDraft = name => {
    try {
      return JSON.parse(sessionStorage.getItem(draft(name)));
    } catch {
      return null;
    }
  };
  window.unweaveStored = (name, text) => {
    try {
      if (unweaveDraft(name)?.[0] === text) sessionStorage.removeItem(draft(name));
    } catch {
      /* as above */
    }
  };

  // The table of features: tells the server which rows can be seen, and finds its place again when the reader comes back.
  const kept = (key, value) => {
    try {
      if (value === undefined) return sessionStorage.getItem(key);
      if (value === null) sessionStorage.removeItem(key);
      else sessionStorage.setItem(key, value);
    } catch {
      /* a browser that keeps nothing */
    }
    return null;
  };
  const rowLeft = () => 'unweave-row ' + location.pathname + location.search;
  on('click', 'tr[data-row] a', a => kept(rowLeft(), a.getAttribute('href')));
  // The row that was opened gets the focus again, as soon as it is there, unless the reader does something else by then.
  const comeBack = view => {
    const key = rowLeft(),
      href = kept(key);
    if (!href) return;
    kept(key, null);
    const until = performance.now() + 3000;
    const look = () => {
      const at = document.activeElement;
      if (!view.isConnected || performance.now() > until || (at && at !== document.body && !at.matches('main h1, main'))) return;
      const row = [...view.querySelectorAll('tr[data-row] a')].find(a => a.getAttribute('href') === href);
      if (row && document.documentElement.dataset.alive === 'yes') row.focus({ preventScroll: true });
      requestAnimationFrame(look);
    };
    look();
  };
  window.unweaveRows = (view, server, height) => {
    if (!view) return;
    const place = () => 'unweave-rows ' + location.pathname + location.search;
    let waiting = false;
    const tell = () => {
      waiting = false;
      if (!view.isConnected) return;
      server
        .invokeMethodAsync('Scrolled', Math.floor(view.scrollTop / height), Math.ceil(view.clientHeight / height))
        .catch(() => {});
      kept(place(), view.scrollTop);
    };
    view.addEventListener(
      'scroll',
      () => {
        if (!waiting) {
          waiting = true;
          requestAnimationFrame(tell);
        }
      },
      { passive: true },
    );
    view.scrollTop = +(kept(place()) ?? 0);
    tell();
    comeBack(view);
  };
  window.unweaveRowsTop = view => {
    if (view) view.scrollTop = 0;
  };
})();
